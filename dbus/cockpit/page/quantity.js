// A number with its unit: what the service counts in bytes, seconds and milliseconds, as people say it.

import { h, icon } from "./dom.js";
import { Field } from "./field.js";
import { _, format } from "./i18n.js";
import { inUnit, ofUnit, unitsOf } from "./labels.js";
import { fromText } from "./values.js";

export class Quantity extends Field {
    makeControl() {
        this.units = unitsOf(this.name);
        const control = super.makeControl();
        const id = `${this.id}-unit`;
        if (this.units.length === 1)
            return h("div", { class: "quantity" }, control, h("span", {}, _(this.units[0][0])));
        this.unit = h("select", { id, "aria-label": format(_("Unit of $0"), this.title), oninput: () => this.edited() },
                      this.units.map(([word], index) => h("option", { value: String(index) }, _(word))));
        return h("div", { class: "quantity" }, control,
                 h("span", { class: "pf-v6-c-form-control" }, this.unit,
                   h("span", { class: "pf-v6-c-form-control__utilities" },
                     h("span", { class: "pf-v6-c-form-control__toggle-icon" }, icon("caret-down")))));
    }

    get value() {
        const value = ofUnit(this.units[this.unit?.value ?? 0][1], this.input.value);
        // What its type does not hold is none either.
        return value === undefined ? undefined : fromText(this.setting.Type, String(value));
    }

    show(value) {
        if (this.value === value)
            return;
        const [number, index] = inUnit(this.units, value);
        this.input.value = String(number);
        if (this.unit)
            this.unit.value = String(index);
    }

    say(value) {
        const [number, index] = inUnit(this.units, value);
        return `${number} ${_(this.units[index][0])}`;
    }

    take(from) {
        super.take(from);
        if (this.unit)
            this.unit.value = from.unit.value;
    }

    allow(mayChange) {
        super.allow(mayChange);
        if (!this.unit)
            return;
        this.unit.disabled = !mayChange;
        this.unit.parentElement.classList.toggle("pf-m-disabled", !mayChange);
    }
}
