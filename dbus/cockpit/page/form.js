// The settings as a form, made from what the service says of them. Saving is one Apply of what changed.
/* global cockpit */

import { Answer } from "./answer.js";
import { ofStatistics, showCertificates } from "./certificates.js";
import { showCommand } from "./command.js";
import { alert, announce, button, confirm, h } from "./dom.js";
import { FOR_MODE, grouped } from "./groups.js";
import { _, counted, format } from "./i18n.js";
import { makeField } from "./kinds.js";
import { Section } from "./section.js";
import { testConnection } from "./trial.js";
import { equal } from "./values.js";

const TYPING_MS = 300;

export class Form {
    constructor(service) {
        this.service = service;
        this.fields = new Map();
        this.summary = h("div", { class: "summary", role: "alert" });
        this.hints = h("div", { class: "summary", role: "status" });
        this.sections = h("form", { class: "sections", id: "settings", novalidate: "", onsubmit: event => { event.preventDefault(); this.save() } });
        this.count = h("span", { class: "count", role: "status" });
        this.saver = button(_("Save"), "pf-m-primary", null, { type: "submit", form: "settings" });
        this.discarder = button(_("Discard"), "pf-m-secondary", () => this.discard());
        // Where the eye is: at the top until something is changed, then in the bar.
        [this.tester, this.testerInBar] = [0, 1].map(() => button(_("Test connection"), "pf-m-secondary", () => this.test()));
        [this.copier, this.copierInBar] = [0, 1].map(() => button(_("Copy as command"), "pf-m-link pf-m-inline", () => this.copy()));
        this.resetter = button(_(_("Reset all")), "pf-m-link pf-m-danger pf-m-inline", () => this.resetAll());
        this.answer = new Answer(service, () => this.refresh());
        this.editing = h("div", { class: "editing" }, this.saver, this.discarder, this.testerInBar, this.copierInBar, this.count);
        this.bar = h("div", { class: "bar", role: "group", "aria-label": _("Actions for the settings"), hidden: true },
                     this.editing, this.answer.element);
        this.element = h("section", { "aria-labelledby": "settings-title" },
                         h("div", { class: "head" },
                           h("h2", { class: "pf-v6-c-title pf-m-xl", id: "settings-title" }, _("Settings")), this.tester, this.copier, this.resetter),
                         this.summary, this.hints, this.sections, this.bar);
        service.addEventListener("config", () => { this.update(); this.checkSoon() });
        service.addEventListener("stats", () => { this.radios(); if (!service.mayChange) this.certify() });
    }

    // The service is there (again): its settings may be others, what was being edited is kept.
    load() {
        const { settings, mayChange } = this.service;
        if (!equal(settings, this.settings)) {
            this.settings = settings;
            this.build();
        }
        for (const field of this.fields.values())
            field.allow(mayChange);
        this.resetter.hidden = !mayChange;
        this.update();
        this.check();
        this.radios(true);
    }

    build() {
        const former = this.fields;
        this.fields = new Map(this.settings.map(setting => {
            const field = makeField(setting, this);
            const old = former.get(setting.Name);
            if (old?.dirty && old.setting.Type === setting.Type)
                field.take(old);
            return [setting.Name, field];
        }));
        this.groups = grouped(this.settings).map(([name, list]) =>
            new Section(name, list.map(setting => this.fields.get(setting.Name))));
        this.sections.replaceChildren(...this.groups.map(group => group.element));
    }

    get dirty() {
        return [...this.fields.values()].filter(field => field.dirty);
    }

    update() {
        // What we save ourselves is not someone else's change.
        if (this.saving)
            return;
        for (const field of this.fields.values())
            field.update(this.service.config);
        this.refresh();
    }

    refresh() {
        const mode = this.fields.get("EncryptionMode")?.value;
        for (const [name, needed] of Object.entries(FOR_MODE)) {
            const field = this.fields.get(name);
            if (field)
                field.element.hidden = mode !== needed && !field.special && !field.problem;
        }
        const count = this.dirty.length;
        const { mayChange } = this.service;
        this.count.textContent = count === 0 ? "" : counted("$0 unsaved change", "$0 unsaved changes", count);
        this.saver.disabled = Boolean(this.saving);
        this.editing.hidden = count === 0;
        this.tester.hidden = !mayChange || count > 0;
        this.copier.hidden = count > 0;
        this.bar.hidden = !mayChange || (count === 0 && !this.answer.shown);
        this.groups?.forEach(group => group.refresh());
    }

    edited() {
        this.answer.clear();
        this.refresh();
        this.checkSoon();
    }

    judged() {
        this.refresh();
    }

    checkSoon() {
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.check(), TYPING_MS);
    }

    // The adapters that the service scans with, and those that BlueZ has.
    async radios(look = false) {
        if (look)
            this.found = await this.service.adapters();
        const all = new Map([...this.service.stats.Radios ?? [], ...this.found ?? []].map(({ Adapter, Address }) => [Address, { Adapter, Address }]));
        this.fields.get("Adapters")?.there?.([...all.values()]);
    }

    // For those who may not ask for a check: the certificates in use.
    certify() {
        showCertificates(this.fields, ofStatistics(this.service.stats.Certificates ?? []));
    }

    // What changed, as Apply wants it. What its type cannot hold is left out: `check` says so at the field.
    changes() {
        const good = this.dirty.filter(field => field.value !== undefined);
        return Object.fromEntries(good.map(field => [field.name, { t: field.setting.Type, v: field.value }]));
    }

    // Asks the service about the settings as they would be. True if it has nothing against them.
    async check() {
        clearTimeout(this.typing);
        const turn = this.turn = (this.turn ?? 0) + 1;
        if (!this.service.mayChange) {
            this.certify();
            return false;
        }
        const problems = new Map(this.dirty.filter(field => field.value === undefined)
                .map(field => [field.name, format(_("expected $0"), field.setting.Expected)]));
        try {
            const answer = await this.service.check(this.changes());
            if (turn !== this.turn)
                return false;
            for (const problem of answer.Problems)
                problems.set(problem.Setting, problem.Message);
            showCertificates(this.fields, answer.Certificates);
            this.hint(answer.Hints ?? []);
        } catch (error) {
            console.debug("not checked:", cockpit.message(error));
            return false;
        }
        for (const field of this.fields.values())
            field.setProblem(problems.get(field.name) ?? "");
        this.problems = problems;
        if (problems.size === 0)
            this.summary.replaceChildren();
        this.refresh();
        return problems.size === 0;
    }

    // What is about to be saved is right and protects little; of what is saved Diagnose says it.
    hint(hints) {
        const shown = this.dirty.length ? hints : [];
        this.hints.replaceChildren(...shown.map(text => alert("warning", text)));
    }

    async save() {
        clearTimeout(this.typing);
        if (this.dirty.length === 0)
            return;
        if (this.dirty.some(field => field.value === undefined)) {
            await this.check();
            this.refused("");
            return;
        }
        const sent = this.dirty;
        const focused = this.bar.contains(document.activeElement);
        const before = this.answer.before();
        this.saving = this.saver.disabled = true;
        try {
            await this.service.apply(this.changes());
            await this.service.reload();
        } catch (error) {
            this.saving = false;
            await this.check();
            this.refused(cockpit.message(error));
            return;
        }
        this.saving = false;
        for (const field of sent)
            field.saved(this.service.config);
        this.summary.replaceChildren();
        this.update();
        this.answer.begin(before, sent.map(field => field.name));
        this.refresh();
        if (focused)
            this.answer.text.focus();
        await this.check();
    }

    // Lists what is wrong, each with a way to its field.
    refused(said, title = _("Nothing was saved")) {
        this.fields.forEach(field => field.touch(false));
        const problems = [...this.problems ?? []];
        const item = ([name, text]) => {
            const field = this.fields.get(name);
            return h("li", {}, field
                ? button(field.title, "pf-m-link pf-m-inline", () => this.visit(field)) : name, `: ${text}`);
        };
        const box = alert("danger", title,
                          problems.length ? [h("ul", { class: "pf-v6-c-list" }, problems.map(item))] : [said]);
        this.summary.replaceChildren(box);
        this.refresh();
        box.focus();
    }

    visit(field) {
        this.groups.find(group => group.fields.includes(field)).open();
        field.element.hidden = false;
        field.focus();
    }

    // One address alone is to pass: a change like any other, saved by who made it.
    only(address) {
        const field = this.fields.get("FilterMacs");
        field.input.value = address;
        field.edited();
        this.visit(field);
    }

    discard() {
        for (const field of this.dirty)
            field.discard();
        this.summary.replaceChildren();
        this.check();
        this.refresh();
        announce(_("Changes discarded."));
    }

    async test() {
        await this.check();
        if (this.dirty.some(field => field.value === undefined))
            this.refused("", _("Nothing was tried"));
        else
            testConnection(this.service, this.changes());
    }

    // What is changed; if nothing is, what differs from the package.
    copy() {
        const dirty = this.dirty.filter(field => field.value !== undefined);
        const all = dirty.length ? dirty : [...this.fields.values()].filter(field => field.special);
        showCommand(all.map(field => [field.setting, field.setting.Secret && !dirty.length ? null : field.value]), dirty.length > 0);
    }

    async reset(field) {
        const to = field.say(field.setting.Default);
        const goal = field.setting.Type === "s" && to === "" ? _("It becomes empty.") : format(_("It becomes: $0."), to || _("none"));
        if (await confirm(format(_("Reset $0?"), field.title), `${goal} ${_("This takes effect at once.")}`, _("Reset")))
            this.resetting([field]);
    }

    async resetAll() {
        const text = _("Every setting goes back to its packaged value, and stored secrets are removed. This takes effect at once.");
        if (await confirm(_("Reset all settings?"), text, _("Reset all")))
            this.resetting([]);
    }

    async resetting(fields) {
        try {
            await this.service.reset(fields.map(field => field.name));
            for (const field of fields.length ? fields : this.fields.values())
                field.discard();
            announce(_("Settings reset."));
        } catch (error) {
            this.problems = new Map();
            this.refused(cockpit.message(error));
        }
    }
}
