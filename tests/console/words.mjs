// Units, choices in words, the list of adapters, the links to the parts of the page, and the command line of what is set.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, run } from "./page.mjs";

const ADDRESSES = ["00:1A:7D:DA:71:13", "00:1A:7D:DA:71:14"];

await run(async ({ page, frame, field }) => {
    const save = async () => {
        await page.getByRole("button", { name: "Save", exact: true }).click();
        await page.locator(".answer").getByText(/^Saved/).waitFor();
    };
    await field("Host").waitFor();
    await page.getByRole("navigation", { name: "On this page" }).getByRole("link", { name: "Delivery" }).click();
    await eventually("the group is open and has the focus", () => frame.evaluate(() =>
        document.activeElement.id === "group-Delivery-toggle" && !document.getElementById("group-Delivery").hidden));
    assert.equal(await frame.evaluate(() => location.hash), "#/");

    // 64 MiB and 7 days, and back to what the service counts in.
    const unit = name => frame.locator(`[id="setting-${name}-unit"]`);
    assert.deepEqual([await field("SpoolMaxBytes").inputValue(), await unit("SpoolMaxBytes").evaluate(select => select.selectedOptions[0].text)], ["64", "MiB"]);
    await unit("SpoolMaxBytes").selectOption("KiB");
    await field("SpoolMaxBytes").fill("2048");
    await unit("SpoolMaxAgeSecs").selectOption("days");
    await field("SpoolMaxAgeSecs").fill("0.5");
    await field("QueueMaxBytes").fill("0.3");
    await field("QueueMaxBytes").blur();
    await eventually("no whole number of bytes", async () => await field("QueueMaxBytes").getAttribute("aria-invalid") === "true");
    await field("QueueMaxBytes").fill("4");
    // One of three, each with what it means.
    await page.getByLabel("Quality of service (QoS)", { exact: true }).selectOption("1: at least once");
    await page.getByLabel("Adapters", { exact: true }).selectOption("These:");
    const other = page.getByLabel("Another one, by its address");
    await other.fill(ADDRESSES[0]);
    await save();
    assert.deepEqual([await ask("get", CONFIG, "SpoolMaxBytes"), await ask("get", CONFIG, "SpoolMaxAgeSecs"), await ask("get", CONFIG, "ScanQos"),
        await ask("get", CONFIG, "Adapters")], [2097152, 43200, 1, [ADDRESSES[0]]]);
    assert.deepEqual([await field("SpoolMaxBytes").inputValue(), await field("SpoolMaxAgeSecs").inputValue(), await other.inputValue()], ["2048", "0.5", ""],
                     "what was typed stays as it was typed");
    await other.fill(ADDRESSES[1]);
    await save();
    assert.deepEqual((await ask("get", CONFIG, "Adapters")).sort(), ADDRESSES);
    await page.getByRole("checkbox", { name: ADDRESSES[0] }).uncheck();
    assert.deepEqual(await axe(frame), []);
    await save();
    assert.deepEqual(await ask("get", CONFIG, "Adapters"), [ADDRESSES[1]]);
    await page.getByLabel("Adapters", { exact: true }).selectOption("All");
    await save();
    assert.deepEqual(await ask("get", CONFIG, "Adapters"), ["all"]);

    // What is changed as a command, which does the same.
    const command = page.getByLabel("Command", { exact: true });
    const shown = async () => {
        await page.getByRole("button", { name: "Copy as command" }).click();
        const line = await command.inputValue();
        assert.deepEqual(await axe(frame), []);
        await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
        return line;
    };
    await field("Username").fill("it's me");
    await field("Password").fill("hush");
    await page.getByRole("button", { name: "Filters" }).click();
    await field("FilterNames").fill("Desk*\nTwo words");
    const line = await shown();
    assert.equal(line, `cassia-bypassctl set 'Username=it'\\''s me' 'FilterNames=["Desk*","Two words"]' --secret-from Password=-`);
    await page.getByRole("button", { name: "Discard" }).click();
    const [status, said] = await ask("shell", `echo hush | ${line}`);
    assert.equal(status, 0, said);
    assert.deepEqual([await ask("get", CONFIG, "Username"), await ask("get", CONFIG, "FilterNames"), await ask("get", CONFIG, "PasswordSet")],
                     ["it's me", ["Desk*", "Two words"], true]);
    // Without changes: all that differs from the package.
    await page.getByRole("button", { name: "Replace Password" }).waitFor();
    await eventually("it has it all", async () => await field("Username").inputValue() === "it's me");
    const all = await shown();
    for (const word of ["SpoolMaxBytes=2097152", "ScanQos=1", "Adapters=all", "--secret-from Password=-"])
        assert.ok(all.includes(word), all);
    assert.equal(all.includes("hush"), false);
});
