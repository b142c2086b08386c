// Certificates are read by the service while they are pasted; keys and passwords are never shown again.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, facts, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    const row = name => page.locator(".pf-v6-c-form__group", { has: field(name) });
    const save = async () => {
        await page.getByRole("button", { name: "Save" }).click();
        await page.locator(".answer").getByText(/^Saved/).waitFor();
    };
    await field("EncryptionMode").selectOption("certificate");
    await field("CaCertificate").fill(facts.ca);
    await row("CaCertificate").getByText("CN=Test CA").first().waitFor();
    await row("CaCertificate").getByText(/^(29|30) days left$/).waitFor();
    await row("CaCertificate").getByText("Not saved yet").waitFor();
    assert.equal(await ask("get", CONFIG, "CaCertificate"), "");
    await field("CaCertificate").fill("What is that?");
    await field("CaCertificate").blur();
    await row("CaCertificate").getByText(/^expected empty or PEM text/).waitFor();
    assert.equal(await row("CaCertificate").getByText("CN=Test CA").count(), 0);
    // From a file, as from the clipboard.
    await row("CaCertificate").locator("input[type=file]").setInputFiles({
        name: "ca.pem", mimeType: "text/plain", buffer: Buffer.from(facts.ca)
    });
    await row("CaCertificate").getByText("Not saved yet").waitFor();

    await page.getByText("Present a client certificate", { exact: true }).click();
    await page.getByText(/expected true \(needs ClientCertificate and ClientKey\)/).waitFor();
    await field("ClientCertificate").fill(facts.client.certificate);
    await row("ClientCertificate").getByText("CN=router").waitFor();
    await field("ClientKey").fill(facts.client.key);
    await field("Username").fill(facts.user);
    await field("Password").fill(facts.password);
    await eventually("nothing is wrong", async () => await page.locator("[aria-invalid=true]").count() === 0);
    await save();
    await eventually("it is no longer called unsaved", async () => await page.getByText("Not saved yet").count() === 0);
    await row("ClientCertificate").getByText("CN=router").waitFor();
    assert.deepEqual([await ask("get", CONFIG, "ClientKeySet"), await ask("get", CONFIG, "PasswordSet")], [true, true]);

    // Neither in the document nor in what its controls hold.
    const held = () => frame.evaluate(() => document.documentElement.outerHTML +
        [...document.querySelectorAll("input, textarea")].map(input => input.value).join("\n"));
    const secret = facts.client.key.split("\n")[1];
    assert.equal((await held()).includes(secret), false);
    await row("ClientKey").getByText("Stored", { exact: true }).waitFor();
    assert.equal(await field("ClientKey").isVisible(), false);

    // Replacing: a key that does not match is told, and the stored one can be kept.
    await page.getByRole("button", { name: "Replace Client key" }).click();
    assert.equal(await field("ClientKey").evaluate(input => input === document.activeElement), true);
    await field("ClientKey").fill(facts.otherKey);
    await field("ClientKey").blur();
    await row("ClientKey").getByText(/^expected PEM text of at most 16384 bytes with one unencrypted private key that matches/).waitFor();
    await page.getByRole("button", { name: "Keep Client key" }).click();
    assert.equal((await held()).includes(facts.otherKey.split("\n")[1]), false);
    await page.getByText("Will be removed").waitFor({ state: "detached" });

    // Removing takes effect with the rest, on Save.
    await page.getByRole("button", { name: "Remove Password" }).click();
    await row("Password").getByText("Will be removed").waitFor();
    assert.deepEqual(await axe(frame), []);
    assert.equal(await ask("get", CONFIG, "PasswordSet"), true);
    await save();
    await row("Password").getByText("Not stored").waitFor();
    assert.equal(await ask("get", CONFIG, "PasswordSet"), false);
});
