// Devices that are heard, while somebody wants to see them: the service notes them for as long as it is asked.

import { button, card, h, label } from "./dom.js";
import { _, format, N_ } from "./i18n.js";
import { outcomeOf } from "./words.js";

const EVERY_MS = 2000;
const COLUMNS = [N_("Name"), N_("Address"), N_("Signal"), N_("Last heard"), N_("Adverts"), N_("Adapter"), N_("What became of it"), ""];
const UNKNOWN_RSSI = 127;

export class Devices {
    // `only` is told the address that alone is to pass.
    constructor(service, only) {
        Object.assign(this, { service, only, rows: new Map() });
        const id = "devices-watch";
        this.watch = h("input", { id, type: "checkbox", role: "switch", class: "pf-v6-c-switch__input", onchange: () => this.ask() });
        this.body = h("tbody", { class: "pf-v6-c-table__tbody" });
        this.table = h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": _("Devices that are heard"), hidden: true },
                       h("table", { class: "pf-v6-c-table pf-m-compact", "aria-label": _("Nearby devices") },
                         h("thead", { class: "pf-v6-c-table__thead" },
                           h("tr", { class: "pf-v6-c-table__tr" }, COLUMNS.map(text => text
                               ? h("th", { class: "pf-v6-c-table__th pf-m-nowrap", scope: "col" }, _(text)) : h("td", {})))), this.body));
        this.empty = h("p", { class: "hint", role: "status" });
        this.element = card(_("Nearby devices"), [this.empty, this.table], h("label", { class: "pf-v6-c-switch", for: id }, this.watch,
            h("span", { class: "pf-v6-c-switch__toggle" }), h("span", { class: "pf-v6-c-switch__label" }, _("Watch"))));
        this.element.classList.add("place");
        this.say();
    }

    load() {
        this.element.hidden = !this.service.listsDevices || !this.service.mayChange;
        this.ask();
    }

    say() {
        this.table.hidden = this.rows.size === 0;
        this.empty.hidden = !this.table.hidden;
        this.empty.textContent = this.watch.checked ? _("Listening ...") : _("Turn on \"Watch\" to see which devices are heard, and what becomes of their adverts.");
    }

    // As long as it is watched and seen.
    async ask() {
        clearTimeout(this.timer);
        const turn = this.turn = (this.turn ?? 0) + 1;
        this.say();
        if (!this.watch.checked || this.element.hidden || this.service.state !== "running")
            return;
        const devices = this.service.hidden ? null : await this.service.devices();
        if (turn !== this.turn)
            return;
        if (devices)
            this.draw(devices);
        this.timer = setTimeout(() => this.ask(), EVERY_MS);
    }

    // A row stays where it is, so that nobody presses the button of another device.
    draw(devices) {
        const there = new Set(devices.map(device => device.Address));
        for (const [address, row] of this.rows) {
            if (!there.has(address)) {
                row.element.remove();
                this.rows.delete(address);
            }
        }
        for (const device of devices) {
            let row = this.rows.get(device.Address);
            if (!row) {
                row = this.row(device);
                this.rows.set(device.Address, row);
                this.body.append(row.element);
            }
            row.fill(device);
        }
        this.say();
    }

    row({ Address: address, AddressType: type }) {
        const cells = COLUMNS.map(() => h("td", { class: "pf-v6-c-table__td" }));
        const [name, place, signal, age, adverts, adapter, outcome, action] = cells;
        place.append(address, " ", type === "random" ? h("span", { class: "hint" }, _("random")) : "");
        action.append(button(_("Only this one"), "pf-m-link pf-m-inline pf-m-small", () => this.only(address),
                             { "aria-label": format(_("Only this one: $0"), address) }));
        let drawn;
        const fill = device => {
            name.textContent = device.Name;
            signal.textContent = device.Rssi === UNKNOWN_RSSI ? "" : `${device.Rssi} dBm`;
            age.textContent = format(_("$0 s ago"), Math.round(device.AgeMs / 1000));
            adverts.textContent = device.Adverts.toLocaleString();
            adapter.textContent = device.Adapter;
            if (device.Outcome !== drawn)
                outcome.replaceChildren(label(outcomeOf(device.Outcome), device.Outcome === "published" ? "success" : null));
            drawn = device.Outcome;
        };
        return { element: h("tr", { class: "pf-v6-c-table__tr" }, cells), fill };
    }
}
