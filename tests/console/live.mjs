// Two people at once, and what the page asks for while nobody looks.

import assert from "node:assert/strict";
import { ask, eventually, run, STATS } from "./page.mjs";

await run(async ({ tab, page, field, sent }) => {
    await field("Host").fill("mine.example");
    await ask("set", "Host", "s", "theirs.example");
    await ask("set", "Username", "s", "somebody");
    await eventually("another setting follows", async () => await field("Username").inputValue() === "somebody");
    await page.getByText("Someone changed this meanwhile to: theirs.example").waitFor();
    assert.equal(await field("Host").inputValue(), "mine.example");
    await page.getByText("1 unsaved change").waitFor();
    await page.getByRole("button", { name: "Discard" }).click();
    assert.equal(await field("Host").inputValue(), "theirs.example");
    assert.equal(await page.getByText("Someone changed this").isVisible(), false);

    // A secret of someone else is one that is stored.
    await ask("set", "Password", "s", "hush");
    await page.getByRole("button", { name: "Replace Password" }).waitFor();

    // The counters, once a second; and not behind another page.
    const asked = () => sent.filter(text => text.includes('"GetAll"')).length;
    const before = asked();
    await eventually("it asks", () => asked() >= before + 2);
    await tab.getByRole("link", { name: "Terminal" }).click();
    await page.locator("body").waitFor({ state: "hidden" });
    const hidden = asked();
    const clock = await ask("get", STATS, "UptimeSecs");
    await eventually("three seconds went by", async () => await ask("get", STATS, "UptimeSecs") >= clock + 3);
    assert.ok(asked() <= hidden + 1, "it asks behind another page");
    await tab.getByRole("link", { name: "MQTT bypass" }).click();
    await eventually("it asks again", () => asked() >= hidden + 3);
});
