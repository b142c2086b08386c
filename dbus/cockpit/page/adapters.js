// Which adapters scan: the first one, all, or those that are ticked of what is there and what is set.

import { h, icon } from "./dom.js";
import { Field } from "./field.js";
import { _ } from "./i18n.js";
import { equal } from "./values.js";

const FIRST = "first";
const ALL = "all";
const THESE = "these";

export class Adapters extends Field {
    makeControl() {
        Object.assign(this, { chosen: new Set(), boxes: [], known: [] });
        const modes = [[FIRST, _("The first one")], [ALL, _("All")], [THESE, _("These:")]];
        this.input = h("select", { id: this.id, name: this.name, oninput: () => this.picked() },
                       modes.map(([mode, text]) => h("option", { value: mode }, text)));
        this.list = h("div", { class: "adapters" });
        this.other = h("input", {
            id: `${this.id}-other`, type: "text", spellcheck: "false", autocomplete: "off", placeholder: "CC:1B:E0:E0:E6:D0",
            oninput: () => this.edited()
        });
        this.these = h("div", { class: "these", role: "group", "aria-label": _("Adapters to scan with") }, this.list,
                       h("label", { for: this.other.id, class: "hint" }, _("Another one, by its address")),
                       h("span", { class: "pf-v6-c-form-control address" }, this.other));
        return h("div", {},
                 h("span", { class: "pf-v6-c-form-control" }, this.input,
                   h("span", { class: "pf-v6-c-form-control__utilities" },
                     h("span", { class: "pf-v6-c-form-control__toggle-icon" }, icon("caret-down")))),
                 this.these);
    }

    // Who says "these" begins with those that are there.
    picked() {
        if (this.input.value === THESE && this.chosen.size === 0)
            this.chosen = new Set(this.known.map(adapter => adapter.Address));
        this.draw();
        this.edited();
    }

    // Those that are there: `Adapter` (hci0) and `Address`.
    there(adapters) {
        const known = adapters.filter(adapter => adapter.Address);
        if (equal(known, this.known))
            return;
        this.known = known;
        this.draw();
    }

    draw() {
        const names = new Map(this.known.map(({ Adapter: name, Address: address }) => [address, name]));
        const addresses = [...new Set([...names.keys(), ...this.chosen, ...this.boxes.map(box => box.value)])].sort();
        this.boxes = addresses.map((address, index) => h("input", {
            type: "checkbox", value: address, id: `${this.id}-${index}`, checked: this.chosen.has(address), disabled: !this.mayChange,
            onchange: event => {
                this.chosen[event.target.checked ? "add" : "delete"](address);
                this.edited();
            }
        }));
        this.list.replaceChildren(...this.boxes.map(box => h("label", { for: box.id }, box, ` ${box.value} `,
                                                             names.get(box.value) ? `(${names.get(box.value)})` : _("(not here)"))));
    }

    get value() {
        if (this.input.value === FIRST)
            return [];
        if (this.input.value === ALL)
            return [ALL];
        const other = this.other.value.trim();
        const all = [...this.boxes.map(box => box.value).filter(address => this.chosen.has(address)), ...other ? [other] : []];
        return all.length > 0 ? all : undefined;
    }

    // In any order.
    get dirty() {
        return !equal([...this.value ?? [""]].sort(), [...this.current ?? []].sort());
    }

    show(value) {
        this.input.value = value.length === 0 ? FIRST : equal(value, [ALL]) ? ALL : THESE;
        this.chosen = new Set(this.input.value === THESE ? value : []);
        this.other.value = "";
        this.draw();
    }

    say(value) {
        return value.length === 0 ? _("The first one") : equal(value, [ALL]) ? _("All") : value.join(", ");
    }

    take(from) {
        super.take(from);
        Object.assign(this, { chosen: from.chosen, known: from.known });
        this.other.value = from.other.value;
        this.draw();
    }

    refresh() {
        this.these.hidden = this.input.value !== THESE;
        super.refresh();
    }

    allow(mayChange) {
        super.allow(mayChange);
        for (const box of this.boxes)
            box.disabled = !mayChange;
        this.other.readOnly = !mayChange;
    }
}
