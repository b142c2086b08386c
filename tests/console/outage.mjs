// The service ends and comes back; what was being edited is still there. There is no systemd here that could start it: the page says so.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    await field("Host").fill("broker.example");
    await ask("stop");
    await page.getByRole("heading", { name: "The service is not running" }).waitFor();
    assert.equal(await field("Host").count(), 0);
    assert.deepEqual(await axe(frame), []);
    await page.getByRole("button", { name: "Start the service" }).click();
    await page.getByRole("alert").filter({ hasText: "The service could not be started" }).waitFor();
    await ask("start");
    await field("Host").waitFor();
    assert.equal(await field("Host").inputValue(), "broker.example");
    assert.equal(await page.getByText("The service is not running", { exact: true }).count(), 0);
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".answer").getByText(/^Saved/).waitFor();
    assert.equal(await ask("get", CONFIG, "Host"), "broker.example");
});
