// What a certificate says of itself, below the setting that holds it: of the saved one, or of one that was just pasted.

import { descriptions, label } from "./dom.js";

const DAY = 86400000;
const date = when => new Date(when).toLocaleDateString(undefined, { dateStyle: "long" });

function remaining(days) {
    if (days < 0)
        return label("expired", "danger");
    return label(days === 1 ? "1 day left" : `${days} days left`, days <= 30 ? "warning" : "success");
}

const described = (certificate, saved) => descriptions([
    ["Subject", certificate.Subject],
    ["Issuer", certificate.Issuer],
    ["Valid from", date(certificate.NotBefore)],
    ["Expires", [date(certificate.NotAfter), " ", remaining(certificate.DaysLeft)]],
    ["State", saved ? "" : "Not saved yet"],
]);

// Certificates as Check has them.
export function showCertificates(fields, certificates) {
    for (const field of fields.values()) {
        const mine = certificates.filter(certificate => certificate.Setting === field.name);
        const key = JSON.stringify([mine, field.dirty]);
        if (field.certificates === key || (mine.length === 0 && !field.certificates))
            continue;
        field.certificates = key;
        field.below.replaceChildren(...mine.map(certificate => described(certificate, !field.dirty)));
    }
}

// The same of Stats, which everybody may read.
export const ofStatistics = certificates => certificates.map(certificate =>
    ({ ...certificate, DaysLeft: Math.floor((certificate.NotAfter - Date.now()) / DAY) }));
