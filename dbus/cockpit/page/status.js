// How the service is: health, broker, radio, and what it advises. Sentences are the service's own.
/* global cockpit */

import { alert, card, descriptions, h, label } from "./dom.js";
import { _, format } from "./i18n.js";
import { reporter } from "./report.js";
import { word as named } from "./words.js";

const COLOURS = {
    online: "success", degraded: "warning", offline: "danger",
    connected: "success", idle: "success", waiting: "danger",
    scanning: "success", test: "info",
    ready: "success", recovering: "info", "memory-only": "warning",
};
const SETTLE_MS = 500;

const word = text => text ? label(named(text), COLOURS[text] ?? null) : "";

// A new router is no broken one.
export const isSetUp = config => config.Protocol !== "none";
// The broker was tried and is not reached.
export const isBroken = stats => stats.LinkState === "waiting" || (stats.LinkState === "connecting" && Boolean(stats.LastErrorDetail));

const beside = (state, ...texts) => h("div", { class: "words" }, word(state), texts.filter(text => text).map(text => h("span", {}, text)));
const moment = ms => ms ? new Date(Number(ms)).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "";

function span(seconds) {
    const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
    return days ? format(_("$0 d $1 h"), days, hours) : hours ? format(_("$0 h $1 min"), hours, minutes)
        : minutes ? format(_("$0 min"), minutes) : format(_("$0 s"), seconds);
}

// For how much of the time each adapter listens, as far as it is known.
const listening = s => (s.Radios ?? []).filter(radio => radio.DutyCyclePercent)
        .map(radio => format(_("$0 listens $1 % of the time"), radio.Adapter, radio.DutyCyclePercent)).join(", ");

export class Status {
    constructor(service) {
        this.service = service;
        this.list = h("div", {});
        this.broken = h("div", { role: "status" });
        this.advice = h("div", { role: "status" });
        this.hints = h("div", { class: "hints" }, this.broken, this.advice);
        this.element = card(_("Status"), this.list, reporter());
        this.head = document.getElementById("health");
        service.addEventListener("stats", () => this.update());
        service.addEventListener("config", () => { this.update(); this.ask() });
    }

    load() {
        this.asked = undefined;
        this.advice.replaceChildren();
        this.update();
    }

    update() {
        const s = this.service.stats;
        // Only what changed is drawn, or a reader of the screen would never come to an end.
        const rows = [isSetUp(this.service.config), s.Health, s.HealthReason, s.HealthSince, s.LinkState, s.Broker, s.LastErrorDetail, s.RadioState, s.RadioDetail,
            listening(s), s.Capture, s.CaptureReason, s.SpoolState, s.SpoolDetail, s.Spooled, span(s.SpoolCoverSecs), s.StateWritable,
            s.ClockSynchronised, span(Math.floor(s.UptimeSecs / 60) * 60)];
        const key = JSON.stringify(rows);
        if (key !== this.drawn)
            this.draw(s);
        this.drawn = key;
        const trouble = JSON.stringify([s.Health, s.HealthReason, s.LinkState, s.LastErrorDetail, s.RadioState, listening(s), s.SpoolState]);
        if (trouble !== this.asked)
            this.ask();
        this.asked = trouble;
    }

    draw(s) {
        const [setUp, broken] = [isSetUp(this.service.config), isBroken(s)];
        this.head.replaceChildren(!setUp ? label(_("Not set up")) : broken ? label(_("No connection"), "danger") : word(s.Health));
        this.broken.replaceChildren(...setUp && broken ? [alert("danger", format(_("No connection to $0"), s.Broker), [s.LastErrorDetail])] : []);
        const since = moment(s.HealthSince);
        this.list.replaceChildren(descriptions([
            [_("Health"), setUp
                ? beside(s.Health, named(s.HealthReason), since && format(_("since $0"), since))
                : h("div", { class: "words" }, label(_("Not set up")), h("span", {}, _("Nothing is published until the protocol is MQTT.")))],
            [_("Broker"), !setUp ? "" : h("div", { class: "words" }, broken && s.LinkState === "connecting" ? label(named(s.LinkState), "danger") : word(s.LinkState),
                                      h("span", {}, s.Broker), s.LastErrorDetail ? h("span", {}, s.LastErrorDetail) : null)],
            [_("Radio"), beside(s.RadioState, s.RadioDetail, listening(s))],
            [_("Capture"), beside(s.Capture, s.CaptureReason)],
            [_("Store"), beside(s.SpoolState, s.SpoolDetail, ["ready", "recovering"].includes(s.SpoolState) && format(_("space for $0 at this rate"), span(s.SpoolCoverSecs)))],
            [_("State"), s.StateWritable ? "" : label(_("Settings cannot be saved"), "danger")],
            [_("Clock"), s.ClockSynchronised ? _("synchronised") : label(_("not synchronised"), "warning")],
            [_("Router"), h("code", {}, s.Router)],
            [_("Version"), format(_("$0, up $1"), s.Version, s.UptimeSecs < 60 ? _("under a minute") : span(s.UptimeSecs))],
        ]));
    }

    // Hints say what to do, the most urgent first.
    ask() {
        clearTimeout(this.timer);
        this.timer = setTimeout(async () => {
            if (this.service.state !== "running")
                return;
            try {
                const { Hints: hints } = await this.service.diagnose();
                const key = JSON.stringify(hints);
                if (key !== this.hinted)
                    this.advice.replaceChildren(...hints.length ? [alert("info", _("What to do"), [h("ul", { class: "pf-v6-c-list" }, hints.map(hint => h("li", {}, hint)))])] : []);
                this.hinted = key;
            } catch (error) {
                console.debug("no diagnosis:", cockpit.message(error));
            }
        }, SETTLE_MS);
    }
}
