// What came of a save, at the button that was pressed: saved, and whether the broker is reached with it.

import { announce, button, h, icon, ICONS, spinner } from "./dom.js";
import { GROUPS } from "./groups.js";
import { _, format } from "./i18n.js";

// So long a connection that stays as it is counts as not touched by what was saved.
const STEADY_MS = 3000;
const OF_THE_BROKER = new Set([...GROUPS.filter(([name]) => ["Broker", "Security"].includes(name)).flatMap(([, names]) => names), "StatusTopic"]);

// Kind and text. `before` are the counters of the moment before; what is `steady` will not change any more because of the save.
export function outcome(config, before, stats, steady) {
    if (config.Protocol !== "mqtt")
        return ["info", _("Saved. Nothing is published until the protocol is MQTT.")];
    const place = stats.Broker || config.Host;
    const again = steady || stats.Connects > before.Connects;
    if (stats.LinkState === "connected" && again)
        return ["success", format(_("Saved. Connected to $0"), place)];
    if (stats.LinkState === "idle" && again)
        return ["success", format(_("Saved. It connects to $0 when there is something to send."), place)];
    if (stats.LastErrorDetail && (stats.Failures > before.Failures || (stats.LinkState === "waiting" && steady)))
        return ["danger", format(_("Saved, but $0 is not reached: $1"), place, stats.LastErrorDetail)];
    return ["", format(_("Saved. Connecting to $0 ..."), place)];
}

export class Answer {
    constructor(service, changed) {
        Object.assign(this, { service, changed });
        this.text = h("span", { class: "answer", tabindex: "-1" });
        this.closer = button(_("Close"), "pf-m-link pf-m-inline", () => this.clear());
        this.element = h("div", { class: "answered", hidden: true }, this.text, this.closer);
        service.addEventListener("stats", () => this.update());
    }

    // To be kept until the answer begins.
    before() {
        const { Connects, Failures } = this.service.stats;
        return { Connects, Failures };
    }

    begin(before, names) {
        this.counters = before;
        this.since = names.some(name => OF_THE_BROKER.has(name)) ? Date.now() : 0;
        this.element.hidden = false;
        this.update();
    }

    update() {
        if (!this.counters)
            return;
        const { config, stats } = this.service;
        const [kind, text] = outcome(config, this.counters, stats, Date.now() - this.since > STEADY_MS);
        if (text === this.said)
            return;
        this.said = text;
        const mark = kind ? h("span", { class: `mark ${kind}` }, icon(ICONS[kind])) : spinner(_("Connecting"), "md");
        this.text.replaceChildren(mark, h("span", { class: "said" }, text));
        announce(text);
    }

    get shown() {
        return !this.element.hidden;
    }

    clear() {
        this.counters = this.said = undefined;
        this.text.replaceChildren();
        if (!this.shown)
            return;
        this.element.hidden = true;
        this.changed();
    }
}
