// The service's journal, followed. Debug lines are left out: they may hold addresses of devices.
/* global cockpit */

import { button, card, h, label } from "./dom.js";
import { _, format, N_ } from "./i18n.js";
import { UNIT } from "./service.js";

const KEPT = 200;
const NAMES = [N_("emergency"), N_("alert"), N_("critical"), N_("error"), N_("warning"), N_("notice"), N_("info")];

const text = message => Array.isArray(message) ? new TextDecoder().decode(Uint8Array.from(message)) : String(message ?? "");

export class Journal {
    constructor() {
        this.list = h("ol", { class: "journal", tabindex: "0", "aria-label": _("Journal entries") });
        this.empty = h("p", { class: "hint" });
        const id = "journal-follow";
        this.follow = h("input", { id, type: "checkbox", role: "switch", class: "pf-v6-c-switch__input", checked: true, onchange: () => this.start() });
        this.element = card(_("Journal"), [this.empty, this.list], [
            h("label", { class: "pf-v6-c-switch", for: id }, this.follow,
              h("span", { class: "pf-v6-c-switch__toggle" }), h("span", { class: "pf-v6-c-switch__label" }, _("Follow"))),
            button(_("Open in Logs"), "pf-m-link pf-m-inline", () => cockpit.jump(`/system/logs/#/?priority=info&service=${UNIT}`)),
        ]);
    }

    // From the beginning, since rights may be others now.
    start() {
        this.process?.close("cancelled");
        this.process = null;
        if (!this.follow.checked)
            return;
        const command = ["journalctl", "--unit", UNIT, "--priority", "info", "--output", "json", "--lines", String(KEPT), "--follow"];
        const process = this.process = cockpit.spawn(command, { superuser: "try", err: "message" });
        let rest = "";
        this.list.replaceChildren();
        this.say(_("No entries yet."));
        process.stream(chunk => {
            const lines = (rest + chunk).split("\n");
            rest = lines.pop();
            this.add(lines.filter(line => line.startsWith("{")).map(line => JSON.parse(line)));
        });
        process.catch(error => {
            if (process === this.process)
                this.say(format(_("The journal cannot be read: $0"), cockpit.message(error)));
        });
    }

    say(what) {
        this.empty.hidden = this.list.childElementCount > 0;
        this.list.hidden = !this.empty.hidden;
        this.empty.textContent = what;
    }

    add(entries) {
        const atEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 8;
        this.list.append(...entries.map(entry => this.entry(entry)));
        while (this.list.childElementCount > KEPT)
            this.list.firstElementChild.remove();
        if (atEnd)
            this.list.scrollTop = this.list.scrollHeight;
        this.say("");
    }

    entry(entry) {
        const when = new Date(Number(entry.__REALTIME_TIMESTAMP) / 1000);
        const priority = Number(entry.PRIORITY ?? 6);
        const mark = priority <= 3 ? "danger" : priority === 4 ? "warning" : null;
        const line = h("li", {},
                       h("time", { datetime: when.toISOString() }, when.toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" })),
                       mark ? label(_(NAMES[priority]), mark) : null, h("span", { class: "message" }, text(entry.MESSAGE)));
        if (entry.MESSAGE_ID && entry.SYSLOG_IDENTIFIER === "cassia-bypassd")
            line.append(this.explainer(entry, line));
        return line;
    }

    // What the catalog says of such an entry.
    explainer(entry, line) {
        const explain = button(_("Explain"), "pf-m-link pf-m-inline pf-m-small", async () => {
            let said;
            try {
                const found = await cockpit.spawn(["journalctl", "--dump-catalog", entry.MESSAGE_ID], { err: "message" });
                const lines = found.split("\n").filter(part => !/^(-- |Defined-By:|Support:|Documentation:)/.test(part));
                said = lines.join("\n").trim().replace(/@([A-Z_]+)@/g, (all, field) => entry[field] ?? all);
            } catch (error) {
                said = cockpit.message(error);
            }
            explain.replaceWith();
            line.append(h("p", { class: "catalog" }, said || _("The catalog has nothing about this entry.")));
        });
        return explain;
    }
}
