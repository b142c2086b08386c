// The page in Chromium, and the way to the test that started the script.

import { createRequire } from "node:module";
import readline from "node:readline";

export const facts = JSON.parse(process.env.FACTS);
const require = createRequire(`${facts.modules}/`);
const { chromium } = require("playwright-core");

const DEADLINE = 60000;
export const CONFIG = "com.cassianetworks.Bypass1.Config";
export const STATS = "com.cassianetworks.Bypass1.Stats";

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Asks the test to do something outside the browser.
export async function ask(...request) {
    process.stdout.write(JSON.stringify(request) + "\n");
    return JSON.parse((await answers.next()).value);
}

// Polls until `look` is true; `what` says what did not come.
export async function eventually(what, look) {
    const end = Date.now() + DEADLINE;
    let seen;
    while (!(seen = await look())) {
        if (Date.now() > end)
            throw new Error(`not within ${DEADLINE} ms: ${what}`);
        await new Promise(resolve => setTimeout(resolve, 20));
    }
    return seen;
}

// Opens the page inside Cockpit's shell. Errors of the page, and what its content security policy refuses, end the script.
async function open(browser, options) {
    const { language, ...others } = options;
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...others });
    // As Cockpit's own menu sets it.
    if (language)
        await context.addCookies([{ name: "CockpitLang", value: language, url: facts.url }]);
    const tab = await context.newPage();
    tab.setDefaultTimeout(DEADLINE);
    const trouble = [];
    const sent = [];
    tab.on("websocket", socket => socket.on("framesent", ({ payload }) => sent.push(String(payload))));
    const ours = address => address.includes("/cassia-bypass/");
    tab.on("pageerror", error => { if (ours(error.stack ?? "")) trouble.push(error.stack) });
    tab.on("console", message => {
        if (message.type() === "error" && ours(message.location().url))
            trouble.push(message.text());
    });
    await tab.goto(`${facts.url}/cassia-bypass`);
    const page = tab.frameLocator("iframe[name='cockpit1:localhost/cassia-bypass']");
    await page.getByRole("heading", { name: "MQTT bypass", level: 1 }).waitFor();
    const frame = await eventually("the page's frame", () => tab.frames().find(one => ours(one.url())));
    return { tab, page, frame, trouble, sent };
}

export async function run(script, options = {}) {
    const browser = await chromium.launch({
        executablePath: "/usr/bin/chromium",
        args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    let failure = null;
    try {
        const opened = await open(browser, options);
        try {
            await script({ ...opened, browser, field: name => opened.page.locator(`[id="setting-${name}"]`) });
        } catch (error) {
            failure = error;
            const text = await opened.frame.locator("body").innerText({ timeout: 5000 }).catch(() => "(gone)");
            process.stderr.write(`the page said:\n${text}\n${opened.trouble.join("\n")}\n`);
            await opened.tab.screenshot({ path: `${facts.pictures}/failed-${process.pid}.png` });
        }
        if (opened.trouble.length > 0)
            failure ??= new Error(`errors in the page: ${opened.trouble.join("\n")}`);
    } finally {
        await browser.close();
    }
    if (failure)
        throw failure;
    process.exit(0);
}

// Violations that axe finds in the page, as text; an empty list is good.
export async function axe(frame) {
    await frame.evaluate(require("node:fs").readFileSync(`${facts.modules}/axe-core/axe.min.js`, "utf8"));
    return frame.evaluate(async () => {
        const { violations } = await window.axe.run(document);
        return violations.map(one => `${one.id}: ${one.help}: ${one.nodes.map(node => node.html.slice(0, 200)).join("; ")}`);
    });
}
