// Every text of the page is marked for translation, each is in every language, with its plural forms and placeholders, and none is left over.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { catalog } from "./po.mjs";

const page = new URL("../../dbus/cockpit/page/", import.meta.url);
const interfaces = ["Config", "Stats"].map(name =>
    readFileSync(new URL(`../../dbus/com.cassianetworks.Bypass1.${name}.xml`, import.meta.url), "utf8")).join("");
const TEXT = String.raw`"((?:[^"\\]|\\.)*)"`;

// Keys of groups, whose names are marked where they are listed, and a method.
const ALLOWED = new Set(["answer.js: Security", "groups.js: Scan", "groups.js: Security", "service.js: Introspect"]);

const texts = new Map();
const unmarked = [];
for (const name of readdirSync(page).filter(file => file.endsWith(".js"))) {
    const source = readFileSync(new URL(name, page), "utf8").replace(/^\s*\/\/.*$/gm, "");
    for (const [, text] of source.matchAll(new RegExp(String.raw`\bN?_\(${TEXT}\)`, "g")))
        texts.set(JSON.parse(`"${text}"`), 1);
    for (const [, one] of source.matchAll(new RegExp(String.raw`\bcounted\(${TEXT}, ${TEXT}`, "g")))
        texts.set(one, 2);
    // What reads like a text for people and is no name of D-Bus, an event, a key.
    const rest = source.replace(new RegExp(String.raw`\bN?_\(${TEXT}\)|\bcounted\(${TEXT}, ${TEXT}|import .*|console\..*|from ${TEXT}`, "g"), "");
    for (const [, text] of rest.matchAll(new RegExp(TEXT, "g"))) {
        if (/^[A-Z][a-z]+( |$|[.:?])|^[a-z]+ [a-z]+ [a-z]+[.]?$/.test(text) && !interfaces.includes(`name="${text}"`) && !interfaces.includes(`\`${text}\``))
            unmarked.push(`${name}: ${text}`);
    }
    for (const [, text] of rest.matchAll(/(?<!")`([^`\n]*)`(?!")/g)) {
        if (/[a-z]{2,} [a-z]{2,}/.test(text.replace(/\$\{[^}]*\}/g, "0")) && !/\bpf-|^fas |^</.test(text))
            unmarked.push(`${name}: ${text}`);
    }
}
assert.ok(texts.size > 200);
assert.deepEqual(unmarked.filter(one => !ALLOWED.has(one)), []);

for (const [language, plurals] of [["de", 2], ["zh_CN", 1]]) {
    const translated = catalog(language);
    assert.deepEqual([...texts.keys()].filter(text => !translated.has(text)), [], `not in ${language}.po`);
    assert.deepEqual([...translated.keys()].filter(text => !texts.has(text)), [], `left over in ${language}.po`);
    for (const [text, forms] of translated) {
        assert.equal(forms.length, texts.get(text) === 2 ? plurals : 1, text);
        const places = words => [...new Set(words.match(/\$[0-9]/g))].sort();
        for (const form of forms)
            assert.deepEqual(places(form), places(text), `${language}: ${text}`);
    }
}
