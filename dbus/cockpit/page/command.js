// Settings as the command line that sets them. Secrets never stand in it: the command asks for them.

import { announce, button, dialog, h } from "./dom.js";
import { _ } from "./i18n.js";

const quoted = word => /^[A-Za-z0-9_.,:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

function text(type, value) {
    if (type === "a(is)")
        return value.map(([offset, hex]) => `${offset}:${hex}`).join(",");
    // What a list of words between commas would not be read as.
    if (type === "as")
        return value.every(word => /^[^\s,"'[\]\\]+$/.test(word)) ? value.join(",") : JSON.stringify(value);
    const plain = String(value);
    return plain.startsWith("@") ? `@${plain}` : plain;
}

// `changes` are [setting, value]; the value of a secret is "" where it is to be removed, anything else where it is to be asked for.
export function commandLine(changes) {
    const open = changes.filter(([setting, value]) => !setting.Secret || value === "");
    const asked = changes.filter(([setting, value]) => setting.Secret && value !== "");
    return ["cassia-bypassctl set",
        ...open.map(([setting, value]) => quoted(`${setting.Name}=${text(setting.Type, value)}`)),
        // Standard input can be read once.
        ...asked.map(([{ Name: name }], index) => `--secret-from ${name}=${index === 0 ? "-" : "FILE"}`)].join(" ");
}

// Where the browser gives no clipboard to pages without TLS, what is marked can be copied all the same.
async function copy(area) {
    area.select();
    try {
        await navigator.clipboard.writeText(area.value);
    } catch {
        document.execCommand("copy");
    }
    announce(_("Copied."));
}

export function showCommand(changes, changed) {
    const line = commandLine(changes);
    const area = h("textarea", { readOnly: true, rows: 6, class: "pem", "aria-label": _("Command"), value: line });
    const hints = [
        changed ? _("This sets what is changed in the form, saved or not.") : _("This sets all that differs from what the package has."),
        line.includes("=-") && changes.some(([setting]) => setting.Secret) ? _("It asks for the secret: secrets never stand in a command.") : "",
        line.includes("=FILE") ? _("Put the names of files with the other secrets in place of FILE.") : "",
    ].filter(hint => hint);
    dialog(_("Copy as command"), [
        h("p", {}, changes.length ? hints.join(" ") : _("Nothing differs from what the package has.")),
        changes.length ? h("span", { class: "pf-v6-c-form-control pf-m-textarea pf-m-readonly command" }, area) : null,
    ], box => [
        changes.length ? button(_("Copy"), "pf-m-primary", () => copy(area)) : null,
        button(_("Close"), changes.length ? "pf-m-link" : "pf-m-primary", () => box.close()),
    ].filter(part => part));
}
