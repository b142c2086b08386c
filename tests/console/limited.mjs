// A user who may look only: everything is there, nothing can be changed, and the page says why.

import assert from "node:assert/strict";
import { ask, axe, facts, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    await page.getByText("You can look, but not change anything").waitFor();
    const closed = page.locator("[aria-expanded=false]");
    while (await closed.count() > 0)
        await closed.first().click();
    await field("ScanMode").waitFor();
    const names = await ask("names");
    assert.ok(names.length > 30);
    for (const name of names)
        assert.equal(await field(name).count(), 1, `${name} is missing`);
    // Each has its place after the guide's figures.
    assert.equal(await page.getByRole("button", { name: "More", exact: true }).count(), 0);
    const open = await frame.evaluate(() => [...document.querySelectorAll("#settings input, #settings select, #settings textarea")]
            .filter(control => !control.disabled && !control.readOnly && control.offsetParent !== null).map(control => control.id));
    assert.deepEqual(open, []);
    for (const name of ["Save", "Discard", "Test connection", "Reset all"])
        assert.equal(await page.getByRole("button", { name }).isVisible(), false, name);
    // It follows what others do.
    await ask("set", "CaCertificate", "s", facts.ca);
    await ask("set", "Password", "s", "hush");
    await ask("play", 0, 40);
    await page.getByRole("row", { name: /^Received / }).getByText("40", { exact: true }).waitFor();
    await page.getByText("CN=Test CA").first().waitFor();
    await page.getByText("Stored", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: /Replace|Remove|Read from a file/ }).and(page.locator(":enabled")).count(), 0);
    assert.deepEqual(await axe(frame), []);
});
