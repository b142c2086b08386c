// Administrative access is turned on and off in Cockpit's shell while the page is open: the page follows, and keeps what was typed.

import assert from "node:assert/strict";
import { ask, CONFIG, run } from "./page.mjs";

await run(async ({ tab, page, field }) => {
    const notice = page.getByText("You can look, but not change anything");
    await notice.waitFor();
    await tab.getByRole("button", { name: "Limited access" }).click();
    await notice.waitFor({ state: "detached" });
    await tab.getByText("Close", { exact: true }).click();
    await field("Host").fill("broker.example");
    await page.getByText("1 unsaved change").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".answer").getByText(/^Saved/).waitFor();
    assert.equal(await ask("get", CONFIG, "Host"), "broker.example");
    await field("Username").fill("somebody");
    await tab.getByText("Administrative access", { exact: true }).click();
    await tab.getByRole("button", { name: "Limit access" }).click();
    await notice.waitFor();
    assert.equal(await field("Username").inputValue(), "somebody");
    assert.equal(await field("Username").evaluate(input => input.readOnly), true);
    assert.equal(await page.getByRole("button", { name: "Save" }).isVisible(), false);
});
