// The page as people see it: light and dark, wide and narrow, written to target/console. Each is checked by axe, contrast too.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { ask, axe, eventually, facts, run } from "./page.mjs";

mkdirSync(facts.pictures, { recursive: true });
await run(async ({ tab, page, frame }) => {
    // A new router, and its first run.
    await page.locator("#health").getByText("Not set up").waitFor();
    await tab.screenshot({ path: `${facts.pictures}/new.png` });
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByRole("dialog").getByRole("heading", { name: "Step 1 of 3: Broker" }).waitFor();
    await tab.screenshot({ path: `${facts.pictures}/first.png` });
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await ask("set", "Host", "s", "127.0.0.1");
    await ask("set", "Port", "q", String(facts.ports.anonymous));
    await ask("set", "Protocol", "s", "mqtt");
    await ask("set", "FilterRssi", "n", "-90");
    await ask("set", "EncryptionMode", "s", "certificate");
    await ask("set", "CaCertificate", "s", facts.ca);
    await ask("set", "Password", "s", "hush");
    await ask("set", "EncryptionMode", "s", "none");
    await page.locator("#health").getByText("online").waitFor();
    await ask("play", 0, 500);
    await page.getByRole("row", { name: /^Published / }).getByText("500", { exact: true }).waitFor();
    for (const [count, to] of [[300, 800], [700, 1500], [200, 1700]]) {
        await ask("play", to - count, to);
        await page.getByRole("row", { name: /^Published / }).getByText(to.toLocaleString("en"), { exact: true }).waitFor();
    }
    await ask("log", `MESSAGE=the broker 127.0.0.1:${facts.ports.anonymous} accepted us\nPRIORITY=6\nMESSAGE_ID=e6e11e9fbd00e3f0df2a250f89524b62`);
    await page.getByText("accepted us").waitFor();
    await ask("log", "MESSAGE=the broker cannot be reached: nothing listens on that port\nPRIORITY=4\nMESSAGE_ID=bbac03d33a5cbed743cb3f92e22c81dd");
    await page.getByText("nothing listens").waitFor();
    await page.getByLabel("Topic", { exact: true }).fill("a/#");
    await page.getByLabel("Topic", { exact: true }).blur();
    await page.getByText(/^expected a topic/).first().waitFor();
    for (const width of [1280, 400]) {
        for (const colorScheme of ["light", "dark"]) {
            await tab.setViewportSize({ width, height: 900 });
            await eventually("the frame has its size", () => frame.evaluate(() => window.innerHeight < 900));
            await tab.emulateMedia({ colorScheme });
            const dark = colorScheme === "dark";
            await eventually(`it is ${colorScheme}`, () => frame.evaluate(() =>
                document.documentElement.classList.contains("pf-v6-theme-dark")).then(now => now === dark));
            await frame.evaluate(() => document.querySelector(".pf-v6-c-page__main-container").scrollTo(0, 0));
            // Colours change gradually.
            await eventually("the colours are there", () => frame.evaluate(() => !document.getAnimations().some(one => one instanceof CSSTransition)));
            const name = `${facts.pictures}/${colorScheme}-${width === 1280 ? "wide" : "narrow"}`;
            await tab.screenshot({ path: `${name}.png` });
            // The frame scrolls by itself; a tall window shows all of it.
            const height = await frame.evaluate(() => document.querySelector("main").scrollHeight + 120);
            await tab.setViewportSize({ width, height });
            await tab.screenshot({ path: `${name}-all.png` });
            assert.deepEqual(await axe(frame), []);
            const over = await frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.equal(over, 0, "it scrolls sideways");
        }
    }
    // What covers the page, or takes its place.
    await tab.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("switch", { name: "Watch" }).press("Space");
    await eventually("devices are heard", async () => {
        await ask("play", 0, 20);
        return await page.getByRole("button", { name: /^Only this one/ }).count() > 2;
    });
    await tab.screenshot({ path: `${facts.pictures}/devices.png` });
    await page.getByRole("switch", { name: "Watch" }).press("Space");
    await page.getByRole("button", { name: "Copy as command" }).click();
    await page.getByRole("dialog").waitFor();
    await tab.screenshot({ path: `${facts.pictures}/command.png` });
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Test connection" }).click();
    await page.getByText("The broker can be used").waitFor();
    await tab.screenshot({ path: `${facts.pictures}/trial.png` });
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Reset all" }).click();
    await tab.screenshot({ path: `${facts.pictures}/confirm.png` });
    await page.getByRole("button", { name: "Cancel" }).click();
    await ask("set", "Protocol", "s", "none");
    await page.getByText("What to do").waitFor();
    await page.getByLabel("Protocol", { exact: true }).selectOption("mqtt");
    await page.getByLabel("Port", { exact: true }).fill("70000");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Nothing was saved").waitFor();
    await tab.screenshot({ path: `${facts.pictures}/refused.png` });
    await ask("stop");
    await page.getByText("The service is not running", { exact: true }).first().waitFor();
    await tab.screenshot({ path: `${facts.pictures}/absent.png` });
});
