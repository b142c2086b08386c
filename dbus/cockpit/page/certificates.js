// What a certificate says of itself, below the setting that holds it: of the saved one, or of one that was just pasted.

import { descriptions, label } from "./dom.js";

const DAY = 86400000;
const date = when => new Date(when).toLocaleDateString(undefined, { dateStyle: "long" });

function remaining(days) {
    if (days < 0)
        return label("expired", "danger");
    return label(days === 1 ? "1 day left" : `${days} days left`, days <= 30 ? "warning" : "success");
}

const described = ([, subject, issuer, from, until, days], saved) => descriptions([
    ["Subject", subject],
    ["Issuer", issuer],
    ["Valid from", date(from)],
    ["Expires", [date(until), " ", remaining(days)]],
    ["State", saved ? "" : "Not saved yet"],
]);

// Rows of Check: setting, subject, issuer, not before, not after, days left.
export function showCertificates(fields, rows) {
    for (const field of fields.values()) {
        const mine = rows.filter(([setting]) => setting === field.name);
        const key = JSON.stringify([mine, field.dirty]);
        if (field.certificates === key || (mine.length === 0 && !field.certificates))
            continue;
        field.certificates = key;
        field.below.replaceChildren(...mine.map(row => described(row, !field.dirty)));
    }
}

// Rows of Stats, which everybody may read: setting, subject, from, until.
export const ofStatistics = rows => rows.map(([setting, subject, from, until]) =>
    [setting, subject, "", from, until, Math.floor((until - Date.now()) / DAY)]);
