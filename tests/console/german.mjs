// Cockpit's language is German: so is the page, plural forms too; what the service says stays as the service says it.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, facts, run } from "./page.mjs";
import { catalog } from "./po.mjs";

await run(async ({ page, frame, field }) => {
    await page.locator("#health").getByText("Nicht eingerichtet").waitFor();
    assert.match(await frame.evaluate(() => document.documentElement.lang), /^de\b/);
    await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
    await page.getByLabel("Protokoll", { exact: true }).selectOption("mqtt");
    await page.getByText("1 ungespeicherte Änderung", { exact: true }).waitFor();
    await field("Host").fill("127.0.0.1");
    await field("Port").fill(String(facts.ports.anonymous));
    await page.getByText("3 ungespeicherte Änderungen", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Speichern", exact: true }).click();
    await page.locator(".answer").getByText(`Gespeichert. Verbunden mit 127.0.0.1:${facts.ports.anonymous}`).waitFor();
    assert.equal(await ask("get", CONFIG, "Protocol"), "mqtt");
    await eventually("it is online", async () => await page.locator("#health").innerText() === "Online");
    for (const group of ["Zustellung", "Filter", "Format", "Überwachung"])
        await page.getByRole("button", { name: group, exact: true }).click();
    assert.deepEqual(await axe(frame), []);
    // Nothing that is translated is there in English, but for words that stand in the help of the service as its own.
    const german = catalog("de");
    const texts = await frame.evaluate(() => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [...document.querySelectorAll("[aria-label]")].map(element => element.getAttribute("aria-label"));
        while (walker.nextNode())
            found.push(walker.currentNode.textContent.trim());
        return found;
    });
    assert.ok(texts.length > 150);
    const others = new Set([...german.values()].flat()).add("none");
    assert.deepEqual(texts.filter(text => german.has(text) && !others.has(text)), []);
}, { language: "de-de" });
