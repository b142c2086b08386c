// A write-only setting: the page knows whether one is stored, and forgets what was typed once it is saved.

import { button, h, label } from "./dom.js";
import { Field, isPem } from "./field.js";
import { _ } from "./i18n.js";

export class Secret extends Field {
    makeControl() {
        const typed = {
            id: this.id, name: this.name, oninput: () => this.edited(), spellcheck: "false", autocapitalize: "off",
            autocomplete: "new-password"
        };
        let entry;
        if (isPem(this.setting)) {
            this.input = h("textarea", { ...typed, rows: 4, class: "pem" });
            entry = h("div", {},
                      h("span", { class: "pf-v6-c-form-control pf-m-textarea pf-m-resize-vertical" }, this.input), this.makeReader());
        } else {
            this.input = h("input", { ...typed, type: "password" });
            entry = h("span", { class: "pf-v6-c-form-control" }, this.input);
        }
        const action = (text, kind, onclick) => button(text, `${kind} pf-m-small`, onclick, { "aria-label": `${text} ${this.title}` });
        this.entry = h("div", { class: "entry" }, entry);
        this.state = h("span", {});
        this.replace = action(_("Replace"), "pf-m-secondary", () => this.go("replace"));
        this.remove = action(_("Remove"), "pf-m-secondary", () => this.go("remove"));
        this.cancel = action(_("Keep"), "pf-m-link", () => this.go("keep"));
        this.mode = "keep";
        return h("div", { role: "group", "aria-label": this.title },
                 h("div", { class: "secret" }, this.state, this.replace, this.remove, this.cancel), this.entry);
    }

    go(mode) {
        this.mode = mode;
        this.input.value = "";
        this.edited();
        (mode === "replace" ? this.input : mode === "remove" ? this.cancel : this.replace).focus();
    }

    get value() {
        return this.mode === "remove" ? "" : this.input.value;
    }

    get dirty() {
        return this.mode === "remove" || this.input.value !== "";
    }

    get special() {
        return this.dirty || this.current;
    }

    update(config) {
        this.current = config[`${this.name}Set`];
        if (!this.current && this.mode !== "keep")
            this.mode = "keep";
        this.refresh();
    }

    discard() {
        this.touched = false;
        this.mode = "keep";
        this.input.value = "";
        this.setProblem("");
        this.refresh();
    }

    saved(config) {
        this.current = config[`${this.name}Set`];
        this.discard();
    }

    refresh() {
        const stored = this.current;
        const word = this.mode === "remove" ? label(_("Will be removed"), "warning") : stored ? label(_("Stored"), "success") : label(_("Not stored"));
        if (this.state.textContent !== word.textContent)
            this.state.replaceChildren(word);
        this.entry.hidden = (stored && this.mode !== "replace") || (!stored && !this.mayChange);
        this.replace.hidden = this.remove.hidden = !stored || !this.mayChange || this.mode !== "keep";
        this.cancel.hidden = !stored || this.mode === "keep";
        this.element?.classList.toggle("dirty", this.dirty);
        this.markProblem();
    }

    focus() {
        (this.entry.hidden ? this.replace : this.input).focus();
    }
}
