// A router that nobody set up is grey; saving answers at the button: what is published, whether the broker is reached, and why not.

import assert from "node:assert/strict";
import { ask, axe, eventually, facts, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    const health = page.locator("#health .pf-v6-c-label");
    const answer = page.locator(".answer");
    const save = page.getByRole("button", { name: "Save", exact: true });
    const grey = async () => /pf-m-outline/.test(await health.getAttribute("class"));
    await health.getByText("Not set up").waitFor();
    assert.ok(await grey());
    assert.equal(await page.locator(".pf-m-danger.pf-v6-c-label").count(), 0);

    // The bar is there while there is something to save.
    await field("Host").waitFor();
    assert.equal(await save.isVisible(), false);
    await field("Host").fill("127.0.0.1");
    await field("Port").fill("1");
    await save.waitFor();
    await page.getByRole("button", { name: "Discard" }).click();
    await save.waitFor({ state: "hidden" });
    await field("Host").fill("127.0.0.1");
    await field("Port").fill("1");
    await save.click();
    await answer.getByText("Saved. Nothing is published until the protocol is MQTT.").waitFor();
    assert.ok(await grey());
    assert.equal(await answer.evaluate(element => element === document.activeElement), true);

    // Nobody listens there.
    await field("Protocol").selectOption("mqtt");
    await eventually("the answer of before is gone", async () => await page.locator(".answered").isHidden());
    await save.click();
    await answer.getByText(/^Saved, but 127\.0\.0\.1:1 is not reached: ./).waitFor();
    await health.getByText("No connection").waitFor();
    assert.match(await health.getAttribute("class"), /pf-m-danger/);
    await page.locator(".pf-v6-c-alert.pf-m-danger").getByText("No connection to 127.0.0.1:1").waitFor();
    assert.deepEqual(await axe(frame), []);

    await field("Port").fill(String(facts.ports.anonymous));
    await save.click();
    await answer.getByText(`Saved. Connected to 127.0.0.1:${facts.ports.anonymous}`, { exact: true }).waitFor();
    await health.getByText("Online").waitFor();
    assert.equal(await page.locator(".pf-v6-c-alert.pf-m-danger").count(), 0);
    // What does not concern the broker is answered as well, and the answer can be put away.
    await page.getByRole("button", { name: "Format" }).click();
    await page.getByText("Timestamp", { exact: true }).click();
    await save.click();
    await answer.getByText(/^Saved\. Connected to/).waitFor();
    assert.deepEqual(await axe(frame), []);
    await page.locator(".answered").getByRole("button", { name: "Close" }).click();
    await page.locator(".bar").waitFor({ state: "hidden" });
    assert.equal(await ask("get", "com.cassianetworks.Bypass1.Config", "Timestamp"), true);
});
