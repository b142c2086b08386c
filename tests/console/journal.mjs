// The journal: followed, without debug lines, with what the catalog says.

import assert from "node:assert/strict";
import { ask, axe, run } from "./page.mjs";

const LINK_UP = "e6e11e9fbd00e3f0df2a250f89524b62";
const LINK_DOWN = "bbac03d33a5cbed743cb3f92e22c81dd";

await run(async ({ page, frame }) => {
    const entries = page.getByRole("list", { name: "Journal entries" }).getByRole("listitem");
    await page.getByText("No entries yet.").waitFor();
    await ask("log", `MESSAGE=connected to broker.example:8883\nPRIORITY=6\nMESSAGE_ID=${LINK_UP}`);
    await entries.getByText("connected to broker.example:8883").waitFor();
    await ask("log", "MESSAGE=heard 00:11:22:33:44:55\nPRIORITY=7");
    await ask("log", `MESSAGE=the broker refused the connection\nPRIORITY=4\nREASON=refused\nMESSAGE_ID=${LINK_DOWN}`);
    const warning = entries.filter({ hasText: "the broker refused the connection" });
    await warning.getByText("warning", { exact: true }).waitFor();
    assert.equal(await entries.count(), 2);
    await warning.getByRole("button", { name: "Explain" }).click();
    await warning.getByText(/refused is the word of LastError/).waitFor();
    assert.deepEqual(await axe(frame), []);
    // What is not followed does not move; it is all there afterwards.
    const follow = page.getByRole("switch", { name: "Follow" });
    await follow.press("Space");
    await ask("log", "MESSAGE=<b>third</b>\nPRIORITY=6");
    assert.equal(await entries.count(), 2);
    await follow.press("Space");
    await entries.getByText("<b>third</b>").waitFor();
    assert.equal(await entries.count(), 3);
});
