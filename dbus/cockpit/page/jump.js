// Links to the parts of the page.

import { h } from "./dom.js";
import { _ } from "./i18n.js";

export class Jump {
    constructor() {
        this.list = h("ul", {});
        this.element = h("nav", { class: "jump", "aria-label": _("On this page") }, this.list);
    }

    // [text, what to do]: the address of the page belongs to Cockpit's shell, so that no link changes it.
    show(places) {
        this.list.replaceChildren(...places.map(([text, go]) =>
            h("li", {}, h("a", { href: "#", class: "pf-v6-c-button pf-m-link pf-m-inline", onclick: event => { event.preventDefault(); go() } }, text))));
    }
}

// Brings a part into view and the focus to it, for who reads on with the keyboard.
export function goTo(element, focus = element) {
    if (focus === element)
        element.tabIndex = -1;
    element.scrollIntoView();
    focus.focus({ preventScroll: true });
}
