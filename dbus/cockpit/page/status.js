// How the service is: health, broker, radio, and what it advises. Words and sentences are the service's own.
/* global cockpit */

import { alert, card, descriptions, h, label } from "./dom.js";

const COLOURS = {
    online: "success", degraded: "warning", offline: "danger",
    connected: "success", idle: "success", waiting: "danger",
    scanning: "success", test: "info",
    ready: "success", recovering: "info", "memory-only": "warning",
};
const SETTLE_MS = 500;

const word = text => text ? label(text, COLOURS[text] ?? null) : "";
const beside = (state, ...texts) => h("div", { class: "words" }, word(state), texts.filter(text => text).map(text => h("span", {}, text)));
const moment = ms => ms ? new Date(Number(ms)).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "";

function span(seconds) {
    const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
    return days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min` : `${seconds} s`;
}

// For how much of the time each adapter listens, as far as it is known.
const listening = s => (s.Radios ?? []).filter(radio => radio.DutyCyclePercent)
        .map(radio => `${radio.Adapter} listens ${radio.DutyCyclePercent} % of the time`).join(", ");

export class Status {
    constructor(service) {
        this.service = service;
        this.list = h("div", {});
        this.hints = h("div", { class: "hints", role: "status" });
        this.element = card("Status", this.list);
        this.head = document.getElementById("health");
        service.addEventListener("stats", () => this.update());
        service.addEventListener("config", () => this.ask());
    }

    load() {
        this.asked = undefined;
        this.hints.replaceChildren();
        this.update();
    }

    update() {
        const s = this.service.stats;
        // Only what changed is drawn, or a reader of the screen would never come to an end.
        const rows = [s.Health, s.HealthReason, s.HealthSince, s.LinkState, s.Broker, s.LastErrorDetail, s.RadioState, s.RadioDetail,
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
        this.head.replaceChildren(word(s.Health));
        const since = moment(s.HealthSince);
        this.list.replaceChildren(descriptions([
            ["Health", beside(s.Health, s.HealthReason, since && `since ${since}`)],
            ["Broker", beside(s.LinkState, s.Broker, s.LastErrorDetail)],
            ["Radio", beside(s.RadioState, s.RadioDetail, listening(s))],
            ["Capture", beside(s.Capture, s.CaptureReason)],
            ["Store", beside(s.SpoolState, s.SpoolDetail, ["ready", "recovering"].includes(s.SpoolState) && `space for ${span(s.SpoolCoverSecs)} at this rate`)],
            ["State", s.StateWritable ? "" : label("Settings cannot be saved", "danger")],
            ["Clock", s.ClockSynchronised ? "synchronised" : label("not synchronised", "warning")],
            ["Router", h("code", {}, s.Router)],
            ["Version", `${s.Version}, up ${s.UptimeSecs < 60 ? "under a minute" : span(s.UptimeSecs)}`],
        ]));
    }

    // Diagnose is for those who may change settings; its hints say what to do, the most urgent first.
    ask() {
        clearTimeout(this.timer);
        this.timer = setTimeout(async () => {
            if (!this.service.mayChange || this.service.state !== "running")
                return;
            try {
                const { Hints: hints } = await this.service.diagnose();
                const key = JSON.stringify(hints);
                if (key !== this.hinted)
                    this.hints.replaceChildren(...hints.length ? [alert("info", "What to do", [h("ul", { class: "pf-v6-c-list" }, hints.map(hint => h("li", {}, hint)))])] : []);
                this.hinted = key;
            } catch (error) {
                console.debug("no diagnosis:", cockpit.message(error));
            }
        }, SETTLE_MS);
    }
}
