// One setting as a row of the form: its control, the service's help, and what the service says against the value.

import { button, h, icon } from "./dom.js";
import { _, format } from "./i18n.js";
import { choiceOf, choicesOf, labelOf } from "./labels.js";
import { equal, fromText, isEditable, isInteger, isList, toText } from "./values.js";

export const isPem = setting => /\bPEM\b/.test(setting.Expected);

// Help from the service marks words as `code`.
const marked = text => text.split("`").map((part, index) => index % 2 ? h("code", {}, part) : part);

export class Field {
    // `host` hears of edits (`edited`), of a field that is judged from now on (`judged`) and of wishes to reset (`reset`).
    constructor(setting, host, prefix = "setting") {
        Object.assign(this, { setting, host, name: setting.Name, title: labelOf(setting.Name), found: "", touched: false, mayChange: false });
        this.id = `${prefix}-${this.name}`;
        this.control = this.makeControl();
        this.note = h("div", { class: "pf-v6-c-helper-text__item", id: `${this.id}-help` },
                      h("span", { class: "pf-v6-c-helper-text__item-text" }, marked(setting.Help)));
        this.error = h("div", { class: "pf-v6-c-helper-text__item pf-m-error", id: `${this.id}-error`, hidden: true });
        this.newer = h("div", { class: "pf-v6-c-helper-text__item pf-m-warning", id: `${this.id}-other`, hidden: true });
        this.resetter = button(_("Reset"), "pf-m-link pf-m-inline pf-m-small", () => host.reset(this),
                               { "aria-label": format(_("Reset $0"), this.title), hidden: true });
        this.below = h("div", { class: "below", role: "status" });
        // What was typed is judged when it is left, and from then on while one types.
        this.control.addEventListener("focusout", () => this.touch());
        this.element = this.makeRow();
        this.markProblem();
    }

    makeRow() {
        return h("div", { class: "pf-v6-c-form__group" },
                 h("div", { class: "pf-v6-c-form__group-label" },
                   h("label", { class: "pf-v6-c-form__label", for: this.id },
                     h("span", { class: "pf-v6-c-form__label-text" }, this.title))),
                 h("div", { class: "pf-v6-c-form__group-control" },
                   this.control,
                   h("div", { class: "pf-v6-c-form__helper-text" },
                     h("div", { class: "pf-v6-c-helper-text" }, this.error, this.newer, h("div", { class: "help" }, this.note, this.resetter))),
                   this.below));
    }

    makeControl() {
        const { Type: type } = this.setting;
        const choices = choicesOf(this.setting);
        const attributes = { id: this.id, name: this.name, oninput: () => this.edited() };
        if (type === "b") {
            this.input = h("input", { ...attributes, type: "checkbox", class: "pf-v6-c-switch__input", role: "switch" });
            return h("span", { class: "pf-v6-c-switch" }, this.input, h("span", { class: "pf-v6-c-switch__toggle" }));
        }
        if (choices.length > 0) {
            this.input = h("select", attributes, choices.map(word => this.option(word)));
            return h("span", { class: "pf-v6-c-form-control" }, this.input,
                     h("span", { class: "pf-v6-c-form-control__utilities" },
                       h("span", { class: "pf-v6-c-form-control__toggle-icon" }, icon("caret-down"))));
        }
        const typed = { ...attributes, spellcheck: "false", autocomplete: "off", autocapitalize: "off" };
        if (isPem(this.setting) || isList(type)) {
            this.input = h("textarea", { ...typed, rows: isPem(this.setting) ? 4 : 2, class: isPem(this.setting) ? "pem" : null });
            const area = h("span", { class: "pf-v6-c-form-control pf-m-textarea pf-m-resize-vertical" }, this.input);
            return h("div", {}, area, isPem(this.setting) ? this.makeReader() : h("p", { class: "hint" }, this.lineHint()));
        }
        this.input = h("input", { ...typed, type: "text", inputmode: isInteger(type) ? "numeric" : null });
        return h("span", { class: `pf-v6-c-form-control ${isInteger(type) ? "number" : ""}` }, this.input);
    }

    lineHint() {
        return this.setting.Type === "as" ? _("One on each line.") : _("One pair on each line: offset, a space, hex.");
    }

    option(word) {
        return h("option", { value: word }, choiceOf(this.name, word));
    }

    makeReader() {
        const file = h("input", { type: "file", hidden: true, "aria-hidden": "true", tabindex: "-1" });
        file.addEventListener("change", async () => {
            this.input.value = await file.files[0].text();
            file.value = "";
            this.edited();
        });
        this.reader = button(_("Read from a file"), "pf-m-link pf-m-inline pf-m-small", () => file.click(),
                             { "aria-label": format(_("Read from a file: $0"), this.title) });
        return h("p", { class: "hint" }, file, this.reader);
    }

    // A choice is whole at once, a text when it is left.
    edited() {
        this.touched ||= this.input.tagName === "SELECT" || this.input.type === "checkbox";
        this.refresh();
        this.host.edited(this);
    }

    // What the control holds; undefined where it is nothing that the type has.
    get value() {
        return this.setting.Type === "b" ? this.input.checked : fromText(this.setting.Type, this.input.value);
    }

    get dirty() {
        return isEditable(this.setting.Type) && !equal(this.value, this.current);
    }

    // Whether it holds anything but what a reset goes back to.
    get special() {
        return this.dirty || !equal(this.current, this.setting.Default);
    }

    // The service has this value now. What is being edited stays, and says so.
    update(config) {
        const before = this.current;
        const edited = before !== undefined && this.dirty;
        this.current = config[this.name];
        if (!edited)
            this.show(this.current);
        else if (!equal(before, this.current))
            this.overtaken = true;
        this.refresh();
    }

    show(value) {
        // A choice of a newer version.
        if (this.input.tagName === "SELECT" && ![...this.input.options].some(option => option.value === String(value)))
            this.input.append(this.option(String(value)));
        if (this.setting.Type === "b")
            this.input.checked = value;
        else if (this.input.value !== toText(this.setting.Type, value))
            this.input.value = toText(this.setting.Type, value);
    }

    // The value as people say it.
    say(value) {
        return choiceOf(this.name, toText(this.setting.Type, value));
    }

    // What is being edited in a field that this one takes the place of.
    take(from) {
        const { current, mode, touched } = from;
        Object.assign(this, { current, mode, touched });
        this.input.value = from.input.value;
        this.input.checked = from.input.checked;
    }

    discard() {
        this.show(this.current);
        this.touched = false;
        this.setProblem("");
        this.refresh();
    }

    // It was saved; the service may write it in another way.
    saved(config) {
        this.current = config[this.name];
        this.discard();
    }

    refresh() {
        this.overtaken &&= this.dirty;
        this.newer.hidden = !this.overtaken;
        this.newer.textContent = this.overtaken
            ? format(_("Someone changed this meanwhile to: $0"), this.say(this.current) || _("nothing")) : "";
        this.resetter.hidden = !this.mayChange || equal(this.current, this.setting.Default);
        this.element?.classList.toggle("dirty", this.dirty);
        this.markProblem();
    }

    allow(mayChange) {
        this.mayChange = mayChange;
        const enabled = mayChange && isEditable(this.setting.Type);
        // Text that is not to be changed can still be read, marked and copied.
        if (this.input.tagName === "SELECT" || this.input.type === "checkbox")
            this.input.disabled = !enabled;
        else
            this.input.readOnly = !enabled;
        if (this.reader)
            this.reader.disabled = !enabled;
        this.input.parentElement.classList.toggle("pf-m-readonly", !enabled && this.input.readOnly);
        this.input.parentElement.classList.toggle("pf-m-disabled", this.input.disabled);
        this.refresh();
    }

    // What is against the value, as far as it is to be told.
    get problem() {
        return this.touched ? this.found : "";
    }

    touch(tell = true) {
        if (this.touched)
            return;
        this.touched = true;
        this.markProblem();
        if (tell && this.found)
            this.host.judged();
    }

    setProblem(text) {
        this.found = text;
        this.markProblem();
    }

    markProblem() {
        if (!this.error)
            return;
        this.error.hidden = !this.problem;
        this.error.replaceChildren(...this.problem
            ? [h("span", { class: "pf-v6-c-helper-text__item-icon" }, icon("exclamation-circle")),
                h("span", { class: "pf-v6-c-helper-text__item-text" }, this.problem)] : []);
        this.input.setAttribute("aria-invalid", String(Boolean(this.problem)));
        this.input.closest(".pf-v6-c-form-control")?.classList.toggle("pf-m-error", Boolean(this.problem));
        const told = [this.error, this.newer, this.note].filter(part => !part.hidden).map(part => part.id);
        this.input.setAttribute("aria-describedby", told.join(" "));
    }

    focus() {
        this.input.focus();
    }
}
