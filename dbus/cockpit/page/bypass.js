// The page: what is shown depends on whether the service is there, and on what this user may do.
/* global cockpit */

import "./theme.js";
import { alert, announce, button, card, h, spinner } from "./dom.js";
import { Devices } from "./devices.js";
import { FirstRun } from "./first.js";
import { Form } from "./form.js";
import { _, format } from "./i18n.js";
import { goTo, Jump } from "./jump.js";
import { Journal } from "./journal.js";
import { Ledger } from "./ledger.js";
import { Plot } from "./plot.js";
import { Service, UNIT } from "./service.js";
import { Status } from "./status.js";

document.documentElement.lang = (cockpit.language ?? "en").replace("_", "-");
document.getElementById("lead").textContent = _("Bluetooth LE advertisements that this router hears, published to an MQTT broker.");

const notices = document.getElementById("notices");
const content = document.getElementById("content");

const service = new Service();
const status = new Status(service);
const form = new Form(service);
const journal = new Journal();
const devices = new Devices(service, address => form.only(address));
const first = new FirstRun(service);
const jump = new Jump();
const running = h("div", {}, jump.element, first.element, status.hints,
                  h("div", { class: "overview" },
                    h("div", {}, status.element, new Plot(service).element), new Ledger(service).element),
                  devices.element,
                  form.element);
const absence = h("div", {});
const place = h("div", { class: "place" });
content.append(place, journal.element);

function waiting() {
    return card(_("Service"), h("p", { class: "waiting" }, spinner(_("Connecting")), _("Asking for the service")));
}

// The service is not there: says so, and lets it be started.
function absent() {
    const failed = h("div", { role: "alert" });
    const start = button(_("Start the service"), "pf-m-primary", async () => {
        start.disabled = true;
        failed.replaceChildren();
        try {
            await service.start();
        } catch (error) {
            failed.replaceChildren(alert("danger", _("The service could not be started"), [cockpit.message(error)]));
        }
        start.disabled = false;
    });
    const state = h("p", {});
    cockpit.spawn(["systemctl", "show", "--property", "LoadState,ActiveState,Result", UNIT], { err: "message" })
            .then(text => {
                const of = Object.fromEntries(text.trim().split("\n").map(line => line.split("=")));
                state.textContent = of.LoadState === "not-found" ? format(_("$0 is not installed."), UNIT)
                    : format(_("systemd says of $0: $1, $2."), UNIT, of.ActiveState, of.Result);
            }).catch(error => console.debug("no state of the unit:", cockpit.message(error)));
    return h("div", { class: "pf-v6-c-card" },
             h("div", { class: "pf-v6-c-empty-state" },
               h("div", { class: "pf-v6-c-empty-state__content" },
                 h("div", { class: "pf-v6-c-empty-state__icon" }, h("i", { class: "fas fa-power-off", "aria-hidden": "true" })),
                 h("h2", { class: "pf-v6-c-empty-state__title-text" }, _("The service is not running")),
                 h("div", { class: "pf-v6-c-empty-state__body" },
                   h("p", {}, _("Nothing is heard and nothing is published. This page comes back by itself when it runs.")),
                   state, service.trouble ? h("p", {}, service.trouble) : null),
                 h("div", { class: "pf-v6-c-empty-state__footer" },
                   h("div", { class: "pf-v6-c-empty-state__actions" }, start), failed))));
}

function show() {
    const there = service.state === "running";
    document.getElementById("health").hidden = !there;
    if (there) {
        status.load();
        form.load();
        first.update();
        devices.load();
        jump.show([[_("Status"), () => goTo(status.element)],
            ...devices.element.hidden ? [] : [[_("Nearby devices"), () => goTo(devices.element)]], ...form.groups.map(group => [group.title, () => group.jump()]),
            [_("Journal"), () => goTo(journal.element)]]);
        place.replaceChildren(running);
        notices.replaceChildren(...service.mayChange ? [] : [alert("info", _("You can look, but not change anything"), [
            _("Turn on administrative access at the top of this window, or let your user join the group cassia-bypass-admin.")])]);
    } else {
        notices.replaceChildren();
        absence.replaceChildren(service.state === "unknown" ? waiting() : absent());
        place.replaceChildren(absence);
    }
    if (shown !== undefined && shown !== service.state)
        announce(there ? _("The service is running.") : _("The service is not running."));
    // What may be read of the journal depends on rights, which change together with the state.
    const rights = `${there} ${service.mayChange}`;
    if (!journal.process || (there && rights !== granted))
        journal.start();
    granted = rights;
    shown = service.state;
}

let shown;
let granted;
service.addEventListener("state", show);
show();
