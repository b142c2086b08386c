// The first run: broker, security, test, in a dialog that ends with what arrives.
/* global cockpit */

import { outcome } from "./answer.js";
import { alert, button, dialog, h, spinner } from "./dom.js";
import { FOR_MODE } from "./groups.js";
import { _, counted, format, N_ } from "./i18n.js";
import { makeField } from "./kinds.js";
import { isSetUp } from "./status.js";
import { report } from "./trial.js";

const STEPS = [
    [N_("Broker"), ["Host", "Port", "Username", "Password", "ScanTopic"]],
    [N_("Security"), ["EncryptionMode", "PskIdentity", "Psk", "CaCertificate", "RequireClientCertificate", "ClientCertificate", "ClientKey"]],
    [N_("Test"), []],
];
const TYPING_MS = 300;

export class FirstRun {
    constructor(service) {
        this.service = service;
        this.element = h("div", { class: "hints", hidden: true }, alert("info", _("This router is not set up yet"), [
            h("p", {}, _("Three steps: the broker, its security, a test.")),
            h("p", {}, button(_("Set up"), "pf-m-primary", () => this.open()))]));
        service.addEventListener("config", () => this.update());
        service.addEventListener("stats", () => this.arrived());
    }

    update() {
        this.element.hidden = !this.service.mayChange || isSetUp(this.service.config);
    }

    open() {
        const { service } = this;
        const settings = new Map(service.settings.map(setting => [setting.Name, setting]));
        this.before = null;
        this.fields = new Map(STEPS.flatMap(([, names]) => names).filter(name => settings.has(name))
                .map(name => [name, makeField(settings.get(name), this, "first")]));
        for (const field of this.fields.values()) {
            field.resetter.remove();
            field.update(service.config);
            field.allow(true);
        }
        this.heading = h("h3", { class: "pf-v6-c-title pf-m-md", tabindex: "-1" });
        this.trouble = h("div", { role: "alert" });
        this.body = h("form", { id: "first", class: "pf-v6-c-form", novalidate: "", onsubmit: event => { event.preventDefault(); this.next() } });
        this.backer = button(_("Back"), "pf-m-secondary", () => this.show(this.step - 1));
        this.nexter = button(_("Next"), "pf-m-primary", null, { type: "submit", form: "first" });
        this.starter = button(_("Save and start"), "pf-m-primary", () => this.start());
        this.closer = button(_("Cancel"), "pf-m-link", () => this.box.close());
        this.box = dialog(_("Set up"), [this.heading, this.trouble, this.body],
                          () => [this.nexter, this.starter, this.backer, this.closer], "md");
        // Nothing that was typed outlives the dialog.
        this.box.addEventListener("close", () => {
            this.fields.forEach(field => field.discard());
            this.before = null;
            clearTimeout(this.typing);
        });
        this.show(0);
    }

    show(step) {
        this.step = step;
        const [name, names] = STEPS[step];
        this.heading.textContent = format(_("Step $0 of $1: $2"), step + 1, STEPS.length, _(name));
        this.trouble.replaceChildren();
        this.body.replaceChildren(...names.map(one => this.fields.get(one)?.element).filter(row => row));
        this.backer.hidden = step === 0;
        this.nexter.hidden = step === STEPS.length - 1;
        this.starter.hidden = !this.nexter.hidden;
        this.refresh();
        this.heading.focus();
        if (!this.starter.hidden)
            this.test();
    }

    refresh() {
        const mode = this.fields.get("EncryptionMode")?.value;
        for (const [name, needed] of Object.entries(FOR_MODE)) {
            const field = this.fields.get(name);
            if (field)
                field.element.hidden = mode !== needed && !field.problem;
        }
    }

    edited() {
        this.refresh();
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.check(), TYPING_MS);
    }

    judged() {
        this.refresh();
    }

    // What is to be set: what was typed, and that the router publishes and listens.
    settings() {
        const { config } = this.service;
        const typed = [...this.fields.values()].filter(field => field.dirty && field.value !== undefined);
        return {
            ...Object.fromEntries(typed.map(field => [field.name, { t: field.setting.Type, v: field.value }])),
            Protocol: { t: "s", v: "mqtt" },
            ...config.ScanMode === "off" ? { ScanMode: { t: "s", v: "passive" } } : {},
        };
    }

    async check() {
        const { Problems: problems } = await this.service.check(this.settings());
        const found = new Map(problems.map(problem => [problem.Setting, problem.Message]));
        for (const field of this.fields.values()) {
            const wrong = field.dirty && field.value === undefined ? format(_("expected $0"), field.setting.Expected) : "";
            field.setProblem(wrong || (found.get(field.name) ?? ""));
        }
        this.refresh();
        return found;
    }

    async next() {
        if (this.step >= STEPS.length - 1)
            return;
        try {
            await this.check();
        } catch (error) {
            this.trouble.replaceChildren(alert("danger", _("This cannot be tried"), [cockpit.message(error)]));
            return;
        }
        const mine = STEPS[this.step][1].map(name => this.fields.get(name)).filter(field => field);
        mine.forEach(field => field.touch(false));
        this.refresh();
        const wrong = mine.find(field => field.problem);
        if (wrong)
            wrong.focus();
        else
            this.show(this.step + 1);
    }

    async test() {
        const result = h("div", { class: "trial", role: "status" },
                         h("p", { class: "waiting" }, spinner(_("Testing")), _("Trying the broker. This takes up to 22 seconds.")));
        this.body.replaceChildren(result);
        try {
            result.replaceChildren(...report(await this.service.test(this.settings())));
        } catch (error) {
            result.replaceChildren(alert("danger", _("This cannot be tried"), [cockpit.message(error)]));
        }
    }

    async start() {
        const { Connects, Failures, Received, Published } = this.service.stats;
        this.starter.disabled = true;
        try {
            await this.service.apply(this.settings());
            await this.service.reload();
        } catch (error) {
            this.trouble.replaceChildren(alert("danger", _("Nothing was saved"), [cockpit.message(error)]));
            this.starter.disabled = false;
            return;
        }
        this.heading.textContent = _("Saved");
        this.state = h("p", {});
        this.counts = h("p", { class: "counts" });
        this.body.replaceChildren(h("div", { role: "status" }, this.state, this.counts));
        this.trouble.replaceChildren();
        this.starter.hidden = this.backer.hidden = true;
        this.closer.replaceChildren(h("span", { class: "pf-v6-c-button__text" }, _("Done")));
        this.heading.focus();
        this.listed = null;
        this.before = { Connects, Failures, Received, Published };
        this.arrived();
    }

    // How many devices are heard, where the service tells it; adverts else.
    arrived() {
        const { before, service } = this;
        if (!before)
            return;
        // The first answer takes some seconds; what is known meanwhile is shown.
        if (!this.asking) {
            this.asking = true;
            service.devices().then(list => { this.listed = list ?? this.listed; this.asking = false });
        }
        const devices = this.listed;
        const { config, stats } = service;
        this.state.textContent = outcome(config, before, stats, false)[1];
        const heard = stats.Received - before.Received;
        this.counts.textContent = [
            devices ? counted("$0 device heard", "$0 devices heard", devices.length) : counted("$0 advert heard", "$0 adverts heard", heard),
            counted("$0 advert delivered", "$0 adverts delivered", stats.Published - before.Published),
        ].join(", ");
    }
}
