// Nearby devices: what is heard, what becomes of it, and one of them alone.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    const rows = page.getByRole("table", { name: "Nearby devices" }).getByRole("row").filter({ has: page.getByRole("button") });
    await page.getByText(/^Turn on "Watch"/).waitFor();
    await page.getByRole("switch", { name: "Watch" }).press("Space");
    await eventually("devices are heard", async () => {
        await ask("play", 0, 20);
        return await rows.count() > 1;
    });
    await rows.first().getByText("Unpublished").waitFor();
    assert.deepEqual(await axe(frame), []);
    const button = rows.first().getByRole("button", { name: "Only this one" });
    const [, address] = (await button.getAttribute("aria-label")).match(/^Only this one: (.*)$/);
    assert.match(address, /^([0-9A-F]{2}:){5}[0-9A-F]{2}$/);
    await button.click();
    assert.equal(await field("FilterMacs").inputValue(), address);
    assert.deepEqual(await ask("get", CONFIG, "FilterMacs"), []);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator(".answer").getByText(/^Saved/).waitFor();
    assert.deepEqual(await ask("get", CONFIG, "FilterMacs"), [address]);
    await eventually("the others are left out", async () => {
        await ask("play", 0, 20);
        return await rows.filter({ hasText: "Filtered: Addresses" }).count() > 0;
    });
    assert.equal(await rows.filter({ hasText: address }).filter({ hasText: "Filtered" }).count(), 0);
    assert.deepEqual(await axe(frame), []);
});
