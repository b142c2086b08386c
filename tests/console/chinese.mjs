// Cockpit's language is Chinese: so is the page.

import assert from "node:assert/strict";
import { axe, run } from "./page.mjs";

await run(async ({ page, frame, field }) => {
    await page.locator("#health").getByText("未设置").waitFor();
    assert.match(await frame.evaluate(() => document.documentElement.lang), /^zh-CN$/i);
    await field("Host").fill("b.example");
    await page.getByText("1 项更改未保存").waitFor();
    await page.getByRole("button", { name: "保存", exact: true }).click();
    await page.locator(".answer").getByText("已保存。协议设为 MQTT 之前不会发布任何内容。").waitFor();
    assert.deepEqual(await axe(frame), []);
}, { language: "zh-cn" });
