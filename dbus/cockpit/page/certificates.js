// What a certificate says of itself, below the setting that holds it: of the saved one, or of one that was just pasted.

import { descriptions, label } from "./dom.js";
import { _, counted } from "./i18n.js";

const DAY = 86400000;
const date = when => new Date(when).toLocaleDateString(undefined, { dateStyle: "long" });

function remaining(days) {
    if (days < 0)
        return label(_("expired"), "danger");
    return label(counted("$0 day left", "$0 days left", days), days <= 30 ? "warning" : "success");
}

const described = (certificate, saved) => descriptions([
    [_("Subject"), certificate.Subject],
    [_("Issuer"), certificate.Issuer],
    [_("Valid from"), date(certificate.NotBefore)],
    [_("Expires"), [date(certificate.NotAfter), " ", remaining(certificate.DaysLeft)]],
    [_("State"), saved ? "" : _("Not saved yet")],
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
