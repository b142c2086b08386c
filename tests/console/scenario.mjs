// Scenario 4.3 of the guide: pre-shared key, user and password; set up as a person does it, tried, saved, and seen to work.

import assert from "node:assert/strict";
import { ask, CONFIG, eventually, facts, run, STATS } from "./page.mjs";

await run(async ({ page, frame }) => {
    await page.getByLabel("Protocol", { exact: true }).selectOption("mqtt");
    await page.getByLabel("Host", { exact: true }).fill("127.0.0.1");
    await page.getByLabel("Port", { exact: true }).fill(String(facts.ports.psk));
    await page.getByLabel("Username", { exact: true }).fill(facts.user);
    await page.getByRole("textbox", { name: "Password" }).fill(facts.password);
    await page.getByLabel("Encryption", { exact: true }).selectOption("psk");
    await page.getByRole("textbox", { name: "Identity of the pre-shared key" }).fill(facts.pskIdentity);
    await page.getByRole("textbox", { name: "Pre-shared key", exact: true }).fill("12345");
    await page.getByText("8 unsaved changes").waitFor();

    // A wrong key first: the page says which step failed, and what to change.
    await page.getByRole("button", { name: "Test connection" }).click();
    const trial = page.getByRole("dialog", { name: "Test connection" });
    await trial.getByText("This does not work: tls-psk").waitFor();
    assert.match(await trial.innerText(), /its key is not the same as Psk/);
    await trial.getByRole("button", { name: "Close" }).click();
    await page.getByRole("textbox", { name: "Pre-shared key", exact: true }).fill(facts.psk);
    await page.getByRole("button", { name: "Test connection" }).click();
    await trial.getByText("The broker can be used").waitFor();
    assert.equal(await trial.getByRole("listitem").count(), 5);
    assert.match(await trial.innerText(), /TLSv1/);
    await trial.getByRole("button", { name: "Close" }).click();
    // Nothing was set by it.
    assert.equal(await ask("get", CONFIG, "Protocol"), "none");
    assert.equal(await ask("get", CONFIG, "PskSet"), false);

    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".answer").getByText(/^Saved/).waitFor();
    await page.locator("#health").getByText("online").waitFor();
    assert.equal(await ask("get", CONFIG, "Port"), facts.ports.psk);
    assert.equal(await ask("get", CONFIG, "PskSet"), true);

    // What the radio hears is counted on the page and arrives at a subscriber.
    await ask("play", 0, 250);
    const counted = name => page.getByRole("row", { name: new RegExp(`^${name} `) });
    await counted("Received").getByText("250", { exact: true }).waitFor();
    await counted("Published").getByText("250", { exact: true }).waitFor();
    await page.getByText("adds up").waitFor();
    await eventually("the subscriber has them", async () => await ask("arrived") >= 250);
    await eventually("the plot has a rate", async () =>
        /now [1-9].* received, [1-9]/.test(await page.locator(".plot").getAttribute("aria-label")));
    assert.equal(await ask("get", STATS, "Published"), 250);

    // What was typed is forgotten.
    assert.equal((await frame.content()).includes(facts.psk), false);
    const held = await frame.evaluate(() => [...document.querySelectorAll("input, textarea")].map(input => input.value).join("\n"));
    assert.equal(held.includes(facts.psk) || held.includes(facts.password), false);
    await page.getByRole("button", { name: "Replace Pre-shared key" }).waitFor();
});
