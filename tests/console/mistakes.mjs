// Wrong values: the service's own words at the field, and nothing is saved. Then discarding and resetting.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    // What a field is described by, as a reader of the screen gets it.
    const told = name => field(name).evaluate(input =>
        input.getAttribute("aria-describedby").split(" ").map(id => document.getElementById(id).innerText.trim()));
    const says = (name, text) => eventually(`${name} says ${text}`, async () => (await told(name))[0] === text);
    const port = "expected 0 (standard port) or a TCP port, 1-65535";
    const topic = "expected a topic of 1-65535 bytes without +, #, control characters; the templates are {router} and, with PayloadFormat object, {device}";

    // What the D-Bus type does not hold, what the service refuses, and what belongs to another setting.
    const invalid = name => field(name).getAttribute("aria-invalid");
    await field("ScanTopic").fill("a/#");
    await field("ScanTopic").blur();
    await eventually("the topic is refused", async () => await invalid("ScanTopic") === "true");
    // While one types for the first time nothing is held against it; when it is left, and from then on at once.
    await field("Port").fill("70000");
    await field("ScanTopic").evaluate(input => { input.value = "a"; input.dispatchEvent(new Event("input")) });
    await eventually("it is judged again", async () => await invalid("ScanTopic") === "false");
    assert.equal(await invalid("Port"), "false");
    await field("Port").blur();
    await says("Port", port);
    await field("Port").fill("1");
    await eventually("it is right", async () => await field("Port").getAttribute("aria-invalid") === "false");
    await field("Port").fill("many");
    await says("Port", port);
    await field("Protocol").selectOption("mqtt");
    await field("ScanTopic").fill("a/#");
    await field("ScanTopic").blur();
    await eventually("the topic is refused", async () => await invalid("ScanTopic") === "true");
    // What nobody touched is not called wrong; what was visited is.
    assert.equal(await invalid("Host"), "false");
    await field("Host").focus();
    await field("Username").focus();
    await says("Host", "expected a DNS name or an IP address, not empty while Protocol is mqtt");
    assert.equal(await field("Host").getAttribute("aria-invalid"), "true");
    assert.equal(await field("Username").getAttribute("aria-invalid"), "false");

    await page.getByRole("button", { name: "Filters" }).click();
    await field("FilterValues").fill("0 FF\nnonsense");
    await field("FilterValues").blur();
    await eventually("the pairs are refused", async () => /^expected a list of at most 64 pairs/.test((await told("FilterValues"))[0]));
    await field("FilterValues").fill("-1 4C000215");
    await field("FilterNames").fill("Desk*\n*Strap\n\n");
    await eventually("the pairs are right", async () => await field("FilterValues").getAttribute("aria-invalid") === "false");

    await page.getByRole("button", { name: "Save" }).click();
    const summary = page.getByRole("alert").filter({ hasText: "Nothing was saved" });
    await summary.waitFor();
    assert.deepEqual((await summary.getByRole("listitem").allTextContents()).sort(), [
        "Host: expected a DNS name or an IP address, not empty while Protocol is mqtt", `Port: ${port}`,
        `Topic: ${topic}`]);
    assert.deepEqual(await axe(frame), []);
    await summary.getByRole("button", { name: "Topic", exact: true }).click();
    assert.equal(await field("ScanTopic").evaluate(input => input === document.activeElement), true);
    for (const [name, value] of [["Protocol", "none"], ["ScanTopic", "scanTopic"], ["Port", 0], ["FilterNames", []]])
        assert.deepEqual(await ask("get", CONFIG, name), value);

    // The service itself refuses, too: this is what it is asked when all can be sent.
    await field("Port").fill("1883");
    await page.getByRole("button", { name: "Save" }).click();
    await eventually("two mistakes are left", async () => await summary.getByRole("listitem").count() === 2);
    assert.equal(await ask("get", CONFIG, "Port"), 0);

    await field("ScanTopic").fill("scans");
    await field("Host").fill("broker.example");
    await eventually("nothing is wrong", async () => await page.locator("[aria-invalid=true]").count() === 0);
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".answer").getByText(/^Saved/).waitFor();
    assert.equal(await summary.count(), 0);
    assert.deepEqual(await ask("get", CONFIG, "FilterValues"), [[-1, "4C000215"]]);
    assert.deepEqual(await ask("get", CONFIG, "FilterNames"), ["Desk*", "*Strap"]);

    await field("Host").fill("other.example");
    await page.getByRole("button", { name: "Discard" }).click();
    assert.equal(await field("Host").inputValue(), "broker.example");

    // A stored password goes to no other broker, unless it is given again.
    await ask("set", "Username", "s", "somebody");
    await ask("set", "Password", "s", "hush");
    await field("Host").fill("other.example");
    await page.getByRole("button", { name: "Save" }).click();
    await summary.getByText("Host would send the stored one elsewhere").waitFor();
    await eventually("the password is wanted", async () => /^expected its value again in the same call/.test((await told("Password"))[0]));
    assert.equal(await ask("get", CONFIG, "Host"), "broker.example");
    await summary.getByRole("button", { name: "Password" }).click();
    await page.getByRole("button", { name: "Replace Password" }).click();
    await field("Password").fill("hush");
    await field("Protocol").selectOption("mqtt");
    await page.getByText("Password goes to other.example in the clear").first().waitFor();
    await eventually("it is given", async () => await page.locator("[aria-invalid=true]").count() === 0);
    await page.getByRole("button", { name: "Save" }).click();
    await eventually("it is saved", async () => await ask("get", CONFIG, "Host") === "other.example");

    // A reset asks first, and goes back to where it was asked.
    const reset = page.getByRole("button", { name: "Reset Topic" });
    await reset.click();
    const sure = page.getByRole("dialog", { name: "Reset Topic?" });
    await sure.getByText("It becomes: scanTopic.").waitFor();
    await sure.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await ask("get", CONFIG, "ScanTopic"), "scans");
    assert.equal(await reset.evaluate(button => button === document.activeElement), true);
    await reset.click();
    await sure.getByRole("button", { name: "Reset", exact: true }).click();
    await eventually("it is reset", async () => await field("ScanTopic").inputValue() === "scanTopic");
    assert.equal(await ask("get", CONFIG, "ScanTopic"), "scanTopic");
    await page.getByRole("button", { name: "Reset all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reset all" }).click();
    await eventually("all is reset", async () => await field("Host").inputValue() === "");
    assert.deepEqual([await ask("get", CONFIG, "Protocol"), await ask("get", CONFIG, "FilterNames")], ["none", []]);
});
