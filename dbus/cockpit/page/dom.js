// Elements and the few PatternFly pieces that several parts of the page use.

import { _, N_ } from "./i18n.js";
import { printable } from "./values.js";

const SVG = new Set(["svg", "circle", "polyline", "line", "path"]);
const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "readOnly", "textContent"]);

// An element: attributes by name, listeners as functions under onclick and the like.
export function h(tag, attributes = {}, ...children) {
    const element = SVG.has(tag)
        ? document.createElementNS("http://www.w3.org/2000/svg", tag)
        : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function")
            element.addEventListener(name.slice(2), value);
        else if (AS_PROPERTY.has(name))
            element[name] = value;
        else if (value !== null && value !== undefined)
            element.setAttribute(name, value);
    }
    // Texts of strangers among them: of brokers, certificates, the journal.
    element.append(...children.flat().filter(child => child !== null && child !== undefined)
            .map(child => typeof child === "string" ? printable(child) : child));
    return element;
}

export const icon = name => h("i", { class: `fas fa-${name}`, "aria-hidden": "true" });

export function button(text, kind, onclick, attributes = {}) {
    return h("button", { type: "button", class: `pf-v6-c-button ${kind}`, onclick, ...attributes },
             h("span", { class: "pf-v6-c-button__text" }, text));
}

export const ICONS = { success: "check-circle", danger: "exclamation-circle", warning: "exclamation-triangle", info: "info-circle" };

const STATUSES = { success: N_("success"), danger: N_("danger"), warning: N_("warning"), info: N_("info") };

// A word with a colour and an icon that say the same: success, warning, danger, info or none.
export function label(text, status = null) {
    return h("span", { class: `pf-v6-c-label ${status ? `pf-m-${status}` : "pf-m-outline"}` },
             h("span", { class: "pf-v6-c-label__content" },
               status ? h("span", { class: "pf-v6-c-label__icon" }, icon(ICONS[status])) : null,
               h("span", { class: "pf-v6-c-label__text" }, text)));
}

export function alert(status, title, body = []) {
    return h("div", { class: `pf-v6-c-alert pf-m-inline pf-m-${status}`, tabindex: "-1" },
             h("div", { class: "pf-v6-c-alert__icon" }, icon(ICONS[status])),
             h("p", { class: "pf-v6-c-alert__title" },
               h("span", { class: "pf-v6-screen-reader" }, `${_(STATUSES[status])}: `), title),
             body.length ? h("div", { class: "pf-v6-c-alert__description" }, body) : null);
}

export const spinner = (text, size = "lg") => h("svg", {
    class: `pf-v6-c-spinner pf-m-${size}`, role: "progressbar", viewBox: "0 0 100 100", "aria-label": text
}, h("circle", { class: "pf-v6-c-spinner__path", cx: 50, cy: 50, r: 45, fill: "none" }));

// Term and description; what is empty is left out.
export function descriptions(rows, kind = "pf-m-horizontal") {
    return h("dl", { class: `pf-v6-c-description-list pf-m-compact ${kind}` },
             rows.filter(([, value]) => value !== "" && value !== null && value !== undefined)
                     .map(([term, value]) => h("div", { class: "pf-v6-c-description-list__group" },
                                               h("dt", { class: "pf-v6-c-description-list__term" },
                                                 h("span", { class: "pf-v6-c-description-list__text" }, term)),
                                               h("dd", { class: "pf-v6-c-description-list__description" },
                                                 h("div", { class: "pf-v6-c-description-list__text" }, value)))));
}

export function card(title, body, extra = null) {
    return h("section", { class: "pf-v6-c-card" },
             h("div", { class: "pf-v6-c-card__header" },
               h("div", { class: "pf-v6-c-card__header-main" },
                 h("h2", { class: "pf-v6-c-card__title" }, h("span", { class: "pf-v6-c-card__title-text" }, title))),
               extra ? h("div", { class: "pf-v6-c-card__actions pf-m-no-offset" }, extra) : null),
             h("div", { class: "pf-v6-c-card__body" }, body));
}

// Says something to those who do not see it. The same words twice are said twice.
export function announce(text) {
    const region = document.getElementById("announce");
    region.replaceChildren();
    requestAnimationFrame(() => { region.textContent = text });
}

// A dialog that gives the focus back when it closes. `actions` get the dialog.
export function dialog(title, body, actions, size = "sm") {
    const from = document.activeElement;
    const id = "dialog-title";
    const box = h("dialog", { class: `pf-v6-c-modal-box pf-m-${size}`, "aria-labelledby": id },
                  h("header", { class: "pf-v6-c-modal-box__header" },
                    h("div", { class: "pf-v6-c-modal-box__header-main" },
                      h("h2", { class: "pf-v6-c-modal-box__title", id },
                        h("span", { class: "pf-v6-c-modal-box__title-text" }, title)))),
                  h("div", { class: "pf-v6-c-modal-box__body", tabindex: "0" }, body));
    box.append(h("footer", { class: "pf-v6-c-modal-box__footer" }, actions(box)));
    box.addEventListener("close", () => {
        box.remove();
        if (from && from.isConnected)
            from.focus();
    });
    document.body.append(box);
    box.showModal();
    return box;
}

export function confirm(title, body, verb) {
    return new Promise(resolve => {
        let sure = false;
        const box = dialog(title, [h("p", {}, body)], self => [
            button(verb, "pf-m-danger", () => { sure = true; self.close() }),
            button(_("Cancel"), "pf-m-link", () => self.close(), { autofocus: "" }),
        ]);
        box.addEventListener("close", () => resolve(sure));
    });
}
