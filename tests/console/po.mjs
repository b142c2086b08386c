// The translations as the page gets them.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const PO = fileURLToPath(new URL("../../dbus/cockpit/po", import.meta.url));

export const header = language => locale(language)[""];

// Translations by their English text.
export function catalog(language) {
    const { "": _header, ...entries } = locale(language);
    return new Map(Object.entries(entries).map(([text, [, ...forms]]) => [text, forms]));
}

function locale(language) {
    let told;
    const script = execFileSync(`${PO}/to-js`, [`${PO}/${language}.po`], { encoding: "utf8" });
    vm.runInNewContext(script, { cockpit: { locale: data => { told = data } } });
    return JSON.parse(JSON.stringify(told));
}
