// Without a mouse: every control is reached by Tab in the order of the page, and works with the keys that it should.

import assert from "node:assert/strict";
import { ask, axe, CONFIG, eventually, run } from "./page.mjs";

const CONTROLS = "a[href], button, input:not([type=file]), select, textarea, [tabindex='0']";

await run(async ({ tab, page, frame, field }) => {
    const focused = () => frame.evaluate(() => document.activeElement.id || document.activeElement.innerText.trim());
    const press = async key => tab.keyboard.press(key);
    // Tab until the control with this id or text has the focus.
    const reach = async what => {
        for (let count = 0; count < 200; count++) {
            if (await focused() === what)
                return;
            await press("Tab");
        }
        assert.fail(`${what} is not reached`);
    };
    await field("ScanMode").waitFor();
    // The groups open with both keys of a button.
    for (const [group, key] of [["Delivery", "Enter"], ["Filters", "Space"], ["Format", "Enter"], ["Monitoring", "Space"]]) {
        await reach(`group-${group}-toggle`);
        await press(key);
        await page.locator(`[id="group-${group}"]`).waitFor();
    }
    // From the top, each control once, in the order of the page.
    const expected = await frame.evaluate(selector => {
        window.controls = [...document.querySelectorAll(selector)]
                .filter(control => !control.disabled && control.offsetParent !== null && control.tabIndex >= 0);
        document.activeElement.blur();
        return window.controls.length;
    }, CONTROLS);
    assert.ok(expected > 40);
    await frame.evaluate(() => window.controls[0].focus());
    for (let index = 0; index < expected; index++) {
        const at = await frame.evaluate(() => window.controls.indexOf(document.activeElement));
        assert.equal(at, index, `after ${index} times Tab: ${await focused()}`);
        const seen = await frame.evaluate(() => {
            const control = document.activeElement;
            const { outlineStyle, boxShadow } = getComputedStyle(control);
            const box = control.getBoundingClientRect();
            // A switch hides its input; its track has the ring.
            return control.role === "switch" || ((outlineStyle !== "none" || boxShadow !== "none") && box.height > 0);
        });
        assert.ok(seen, `the focus is not seen: ${await focused()}`);
        await press("Tab");
    }
    assert.deepEqual(await axe(frame), []);

    // A setting by keys, and saved by Enter.
    await frame.evaluate(() => window.controls[0].focus());
    await reach("setting-ScanMode");
    await press("ArrowDown");
    assert.equal(await field("ScanMode").inputValue(), "active");
    await reach("setting-Host");
    await tab.keyboard.type("broker.example");
    await reach("setting-Timestamp");
    await press("Space");
    await page.getByText("3 unsaved changes").waitFor();
    await reach("setting-StatusTopic");
    await press("Enter");
    await page.locator(".answer").getByText(/^Saved/).waitFor();
    assert.deepEqual([await ask("get", CONFIG, "ScanMode"), await ask("get", CONFIG, "Host"), await ask("get", CONFIG, "Timestamp")],
                     ["active", "broker.example", true]);

    // A dialog takes the focus, keeps it, ends with Escape and gives it back.
    await reach("Test connection");
    await press("Enter");
    const trial = page.getByRole("dialog", { name: "Test connection" });
    await trial.getByText(/This does not work/).waitFor();
    for (let count = 0; count < 4; count++) {
        await press("Tab");
        const inside = await frame.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement));
        assert.ok(inside, await focused());
    }
    assert.deepEqual(await axe(frame), []);
    await trial.getByRole("button", { name: "Close" }).focus();
    await press("Escape");
    await eventually("the focus is back", async () => await focused() === "Test connection");
});
