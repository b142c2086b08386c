// Wrong values: the service's own words at the field, and nothing is saved. Then discarding and resetting.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    // What a field is described by, as a reader of the screen gets it.
    const told = name => field(name).evaluate(input =>
        input.getAttribute("aria-describedby").split(" ").map(id => document.getElementById(id).innerText.trim()));
    const says = (name, text) => eventually(`${name} says ${text}`, async () => (await told(name))[0] === text);
    const port = "expected 0 (standard port) or a TCP port, 1-65535";

    // What the D-Bus type does not hold, what the service refuses, and what belongs to another setting.
    await field("Port").fill("70000");
    await says("Port", port);
    await field("Port").fill("many");
    await says("Port", port);
    await field("ScanQos").fill("3");
    await says("ScanQos", "expected 0, 1 or 2");
    await field("Protocol").selectOption("mqtt");
    await says("Host", "expected a DNS name or an IP address, not empty while Protocol is mqtt");
    assert.equal(await field("Host").getAttribute("aria-invalid"), "true");
    assert.equal(await field("Username").getAttribute("aria-invalid"), "false");

    await page.getByRole("button", { name: "Filters" }).click();
    await field("FilterValues").fill("0 FF\nnonsense");
    await eventually("the pairs are refused", async () => /^expected a list of at most 64 pairs/.test((await told("FilterValues"))[0]));
    await field("FilterValues").fill("-1 4C000215");
    await field("FilterNames").fill("Desk*\n*Strap\n\n");
    await eventually("the pairs are right", async () => await field("FilterValues").getAttribute("aria-invalid") === "false");

    await page.getByRole("button", { name: "Save" }).click();
    const summary = page.getByRole("alert").filter({ hasText: "Nothing was saved" });
    await summary.waitFor();
    assert.deepEqual((await summary.getByRole("listitem").allTextContents()).sort(), [
        "Host: expected a DNS name or an IP address, not empty while Protocol is mqtt", `Port: ${port}`,
        "Scan QoS: expected 0, 1 or 2"]);
    assert.deepEqual(await axe(frame), []);
    await summary.getByRole("button", { name: "Scan QoS" }).click();
    assert.equal(await field("ScanQos").evaluate(input => input === document.activeElement), true);
    for (const [name, value] of [["Protocol", "none"], ["ScanQos", 0], ["Port", 0], ["FilterNames", []]])
        assert.deepEqual(await ask("get", CONFIG, name), value);

    // The service itself refuses, too: this is what it is asked when all can be sent.
    await field("Port").fill("1883");
    await page.getByRole("button", { name: "Save" }).click();
    await eventually("two mistakes are left", async () => await summary.getByRole("listitem").count() === 2);
    assert.equal(await ask("get", CONFIG, "Port"), 0);

    await field("ScanQos").fill("1");
    await field("Host").fill("broker.example");
    await eventually("nothing is wrong", async () => await page.locator("[aria-invalid=true]").count() === 0);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Settings saved.").waitFor();
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
    await eventually("the password is wanted", async () => /^expected its value again in the same call/.test((await told("Password"))[0]));
    await page.getByRole("button", { name: "Save" }).click();
    await summary.getByText("Host would send the stored one elsewhere").waitFor();
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
    const reset = page.getByRole("button", { name: "Reset Scan QoS" });
    await reset.click();
    const sure = page.getByRole("dialog", { name: "Reset Scan QoS?" });
    await sure.getByText("It becomes: 0.").waitFor();
    await sure.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await ask("get", CONFIG, "ScanQos"), 1);
    assert.equal(await reset.evaluate(button => button === document.activeElement), true);
    await reset.click();
    await sure.getByRole("button", { name: "Reset", exact: true }).click();
    await eventually("it is reset", async () => await field("ScanQos").inputValue() === "0");
    assert.equal(await ask("get", CONFIG, "ScanQos"), 0);
    await page.getByRole("button", { name: "Reset all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reset all" }).click();
    await eventually("all is reset", async () => await field("Host").inputValue() === "");
    assert.deepEqual([await ask("get", CONFIG, "Protocol"), await ask("get", CONFIG, "FilterNames")], ["none", []]);
});
