// The ledger: where each advert went. Both columns have the same sum at any moment.

import { card, descriptions, h, label } from "./dom.js";
import { _ } from "./i18n.js";
import { countOf } from "./words.js";

const IN = ["Received", "Recovered"];
const OUT = ["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"];

// Counted beside the ledger.
const BESIDE = ["Messages", "Malformed", "CaptureLost", "Truncated"];

const number = value => value.toLocaleString();

export class Ledger {
    constructor(service) {
        this.service = service;
        this.body = h("tbody", { class: "pf-v6-c-table__tbody" });
        this.verdict = h("span", {});
        const column = (text, kind) => h("th", { class: `pf-v6-c-table__th ${kind}`, scope: "col" }, text);
        this.element = card(_("Ledger"), h("table", { class: "pf-v6-c-table pf-m-compact", "aria-label": _("Where each advert went") },
            h("thead", { class: "pf-v6-c-table__thead" },
              h("tr", { class: "pf-v6-c-table__tr" }, column(_("Adverts"), ""), column(_("In"), "count"), column(_("Out"), "count"))),
            this.body), this.verdict);
        this.beside = h("div", {});
        this.element.lastElementChild.append(this.beside);
        service.addEventListener("stats", () => this.update());
    }

    update() {
        const { stats } = this.service;
        const ledger = stats.Ledger;
        const key = JSON.stringify([ledger, BESIDE.map(name => stats[name])]);
        if (!ledger || key === this.drawn)
            return;
        this.drawn = key;
        const rows = [...IN.map(name => this.row(countOf(name), ledger[name], null)), ...OUT.flatMap(name => [
            this.row(countOf(name), null, ledger[name]),
            ...Object.keys(ledger).filter(part => part.startsWith(`${name}.`) && ledger[part] > 0)
                    .map(part => this.row(part.slice(name.length + 1), null, ledger[part], "part")),
        ])];
        const reasons = name => Object.keys(ledger).filter(part => part.startsWith(`${name}.`) && ledger[part] > 0)
                .map(part => `${part.slice(name.length + 1)} ${number(ledger[part])}`).join(", ");
        const counted = name => number(stats[name]) + (reasons(name) && ` (${reasons(name)})`);
        this.beside.replaceChildren(descriptions(BESIDE.map(name => [countOf(name), counted(name)])));
        const sum = names => names.reduce((total, name) => total + ledger[name], 0);
        const [come, gone] = [sum(IN), sum(OUT)];
        this.body.replaceChildren(...rows, this.row(_("Sum"), come, gone, "sum"));
        this.verdict.replaceChildren(come === gone ? label(_("adds up"), "success") : label(_("does not add up"), "danger"));
    }

    row(name, come, gone, kind = "") {
        const cell = value => h("td", { class: "pf-v6-c-table__td count" }, value === null ? "" : number(value));
        return h("tr", { class: `pf-v6-c-table__tr ${kind}` },
                 h("th", { class: "pf-v6-c-table__th", scope: "row" }, name), cell(come), cell(gone));
    }
}
