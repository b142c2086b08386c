// A group of the form that opens and closes.

import { h, icon, label } from "./dom.js";
import { OPEN } from "./groups.js";
import { _, format } from "./i18n.js";
import { goTo } from "./jump.js";

export class Section {
    constructor(name, fields) {
        Object.assign(this, { name, fields, title: _(name) });
        const id = `group-${name}`;
        this.toggle = h("button", {
            type: "button", class: "pf-v6-c-button pf-m-plain", id: `${id}-toggle`, "aria-labelledby": `${id}-title`,
            "aria-controls": id, onclick: () => this.set(this.content.hidden)
        }, h("span", { class: "pf-v6-c-button__icon" }, h("span", { class: "pf-v6-c-card__header-toggle-icon" }, icon("angle-down"))));
        this.badge = h("span", { class: "badge" });
        this.content = h("div", { class: "pf-v6-c-card__expandable-content", id },
                         h("div", { class: "pf-v6-c-card__body" },
                           h("div", { class: "pf-v6-c-form pf-m-horizontal" }, fields.map(field => field.element))));
        this.element = h("section", { class: "pf-v6-c-card pf-m-expandable", "aria-labelledby": `${id}-title` },
                         h("div", { class: "pf-v6-c-card__header" },
                           h("div", { class: "pf-v6-c-card__header-toggle" }, this.toggle),
                           h("div", { class: "pf-v6-c-card__header-main", onclick: () => this.set(this.content.hidden) },
                             h("h3", { class: "pf-v6-c-card__title" },
                               h("span", { class: "pf-v6-c-card__title-text", id: `${id}-title` }, this.title)), this.badge)),
                         this.content);
        this.set(OPEN.has(name));
    }

    set(open) {
        this.content.hidden = !open;
        this.toggle.setAttribute("aria-expanded", String(open));
        this.element.classList.toggle("pf-m-expanded", open);
    }

    open() {
        this.set(true);
    }

    jump() {
        this.open();
        goTo(this.element, this.toggle);
    }

    // Says what a closed group holds; one with a mistake in it opens.
    refresh() {
        const set = this.fields.filter(field => field.special).length;
        const wrong = this.fields.some(field => field.problem);
        if (wrong && this.content.hidden)
            this.open();
        const text = set ? format(_("$0 set"), set) : "";
        if (this.badge.textContent !== text)
            this.badge.replaceChildren(...text ? [label(text)] : []);
    }
}
