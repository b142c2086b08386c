// The first run: three steps, each of which holds what is wrong with it, and numbers of what arrives at the end. Then a report for support.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ask, axe, CONFIG, eventually, facts, run } from "./page.mjs";

await run(async ({ tab, page, frame }) => {
    const mine = name => page.locator(`[id="first-${name}"]`);
    const setUp = page.getByRole("button", { name: "Set up" });
    await setUp.click();
    const dialog = page.getByRole("dialog", { name: "Set up" });
    const next = dialog.getByRole("button", { name: "Next" });
    await dialog.getByRole("heading", { name: "Step 1 of 3: Broker" }).waitFor();
    assert.deepEqual(await axe(frame), []);
    // A step with a mistake is not left.
    await next.click();
    await dialog.getByText(/^expected a DNS name or an IP address/).waitFor();
    await eventually("it is where the mistake is", () => mine("Host").evaluate(input => input === document.activeElement));
    await mine("Host").fill("127.0.0.1");
    await mine("Port").fill(String(facts.ports.psk));
    await mine("Username").fill(facts.user);
    await mine("Password").fill(facts.password);
    await next.click();
    await dialog.getByRole("heading", { name: "Step 2 of 3: Security" }).waitFor();
    await mine("EncryptionMode").selectOption("psk");
    await mine("PskIdentity").fill(facts.pskIdentity);
    await mine("Psk").fill("12345");
    assert.deepEqual(await axe(frame), []);
    await next.click();
    await dialog.getByText("This does not work: tls-psk").waitFor();
    await dialog.getByRole("button", { name: "Back" }).click();
    await mine("Psk").fill(facts.psk);
    await mine("Psk").press("Enter");
    await dialog.getByText("The broker can be used").waitFor();
    assert.deepEqual(await axe(frame), []);
    assert.equal(await ask("get", CONFIG, "Protocol"), "none");
    await dialog.getByRole("button", { name: "Save and start" }).click();
    await dialog.getByText(`Saved. Connected to 127.0.0.1:${facts.ports.psk}`).waitFor();
    await ask("play", 0, 31);
    await dialog.getByText(/^[0-9]+ (devices|adverts) heard, 31 adverts delivered$/).waitFor();
    assert.deepEqual(await axe(frame), []);
    assert.deepEqual([await ask("get", CONFIG, "Protocol"), await ask("get", CONFIG, "PskSet")], ["mqtt", true]);
    await dialog.getByRole("button", { name: "Done" }).click();
    await setUp.waitFor({ state: "hidden" });
    // Nothing that was typed is left anywhere.
    const held = await frame.evaluate(() => [...document.querySelectorAll("input, textarea")].map(input => input.value).join("\n"));
    assert.equal((await frame.content()).includes(facts.psk), false);
    assert.equal(held.includes(facts.psk) || held.includes(facts.password), false);

    const coming = tab.waitForEvent("download");
    await page.getByRole("button", { name: "Download report" }).click();
    const download = await coming;
    assert.equal(download.suggestedFilename(), "cassia-bypass-report.txt");
    const text = await readFile(await download.path(), "utf8");
    assert.match(text, /PskIdentity/);
    assert.equal(text.includes(facts.psk) || text.includes(facts.password), false);
});
