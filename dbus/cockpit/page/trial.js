// "Test connection": the service tries the broker with what the form holds, and says which step failed and what to change.
/* global cockpit */

import { alert, button, descriptions, dialog, h, icon, spinner } from "./dom.js";
import { _, format, N_ } from "./i18n.js";

const STEPS = {
    name: N_("Name of the broker"), tcp: N_("TCP connection"), tls: N_("Encryption (TLS)"), mqtt: N_("MQTT login"),
    publish: N_("Message on the topic")
};

function step({ Step: name, Result: result, DurationMs: milliseconds }) {
    const good = result === "ok";
    return h("li", { class: `pf-v6-c-progress-stepper__step ${good ? "pf-m-success" : "pf-m-danger"}` },
             h("div", { class: "pf-v6-c-progress-stepper__step-connector" },
               h("span", { class: "pf-v6-c-progress-stepper__step-icon" }, icon(good ? "check-circle" : "exclamation-circle"))),
             h("div", { class: "pf-v6-c-progress-stepper__step-main" },
               h("div", { class: "pf-v6-c-progress-stepper__step-title" }, name in STEPS ? _(STEPS[name]) : name,
                 h("span", { class: "pf-v6-screen-reader" }, `: ${result}`)),
               h("div", { class: "pf-v6-c-progress-stepper__step-description" },
                 format(good ? _("$0 ms") : _("failed after $0 ms"), Math.max(1, Math.round(milliseconds))))));
}

export function report(answer) {
    const good = answer.Verdict === "ok";
    const certificate = answer.Certificate ?? {};
    const days = time => time === undefined ? "" : new Date(time).toLocaleDateString(undefined, { dateStyle: "long" });
    return [
        alert(good ? "success" : "danger", good ? _("The broker can be used") : format(_("This does not work: $0"), answer.Verdict), [answer.Detail]),
        h("ol", { class: "pf-v6-c-progress-stepper pf-m-vertical", "aria-label": _("Steps") }, answer.Steps.map(step)),
        descriptions([
            [_("Broker"), answer.Broker], [_("Address"), answer.Address], [_("Client ID"), answer.ClientId], [_("Topic"), answer.Topic],
            [_("Encryption"), answer.Tls], [_("Certificate of"), certificate.Subject], [_("Issued by"), certificate.Issuer],
            [_("Valid from"), days(certificate.NotBefore)], [_("Expires"), days(certificate.NotAfter)],
        ]),
    ];
}

export async function testConnection(service, settings) {
    const result = h("div", { class: "trial", role: "status" }, h("p", { class: "waiting" }, spinner(_("Testing")), _("Trying the broker. This takes up to 22 seconds.")));
    const changed = Object.keys(settings).length > 0;
    dialog(_("Test connection"), [
        h("p", {}, changed
            ? _("With the settings of the form, saved or not. Nothing is changed, and the connection in use is left alone.")
            : _("With the present settings. The connection in use is left alone.")),
        result,
    ], box => [button(_("Close"), "pf-m-primary", () => box.close())]);
    try {
        result.replaceChildren(...report(await service.test(settings)));
    } catch (error) {
        result.replaceChildren(alert("danger", _("This cannot be tried"), [cockpit.message(error)]));
    }
}
