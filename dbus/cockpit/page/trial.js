// "Test connection": the service tries the broker with what the form holds, and says which step failed and what to change.
/* global cockpit */

import { alert, button, descriptions, dialog, h, icon, spinner } from "./dom.js";

const STEPS = {
    name: "Name of the broker", tcp: "TCP connection", tls: "Encryption (TLS)", mqtt: "MQTT login", publish: "Message on the topic"
};

function step({ Step: name, Result: result, DurationMs: milliseconds }) {
    const good = result === "ok";
    return h("li", { class: `pf-v6-c-progress-stepper__step ${good ? "pf-m-success" : "pf-m-danger"}` },
             h("div", { class: "pf-v6-c-progress-stepper__step-connector" },
               h("span", { class: "pf-v6-c-progress-stepper__step-icon" }, icon(good ? "check-circle" : "exclamation-circle"))),
             h("div", { class: "pf-v6-c-progress-stepper__step-main" },
               h("div", { class: "pf-v6-c-progress-stepper__step-title" }, STEPS[name] ?? name,
                 h("span", { class: "pf-v6-screen-reader" }, `: ${result}`)),
               h("div", { class: "pf-v6-c-progress-stepper__step-description" },
                 `${good ? "" : "failed after "}${Math.max(1, Math.round(milliseconds))} ms`)));
}

function report(answer) {
    const good = answer.Verdict === "ok";
    const certificate = answer.Certificate ?? {};
    const days = time => time === undefined ? "" : new Date(time).toLocaleDateString(undefined, { dateStyle: "long" });
    return [
        alert(good ? "success" : "danger", good ? "The broker can be used" : `This does not work: ${answer.Verdict}`, [answer.Detail]),
        h("ol", { class: "pf-v6-c-progress-stepper pf-m-vertical", "aria-label": "Steps" }, answer.Steps.map(step)),
        descriptions([
            ["Broker", answer.Broker], ["Address", answer.Address], ["Client ID", answer.ClientId], ["Topic", answer.Topic],
            ["Encryption", answer.Tls], ["Certificate of", certificate.Subject], ["Issued by", certificate.Issuer],
            ["Valid from", days(certificate.NotBefore)], ["Expires", days(certificate.NotAfter)],
        ]),
    ];
}

export async function testConnection(service, settings) {
    const result = h("div", { class: "trial", role: "status" }, h("p", { class: "waiting" }, spinner("Testing"), "Trying the broker. This takes up to 22 seconds."));
    const changed = Object.keys(settings).length > 0;
    dialog("Test connection", [
        h("p", {}, changed
            ? "With the settings of the form, saved or not. Nothing is changed, and the connection in use is left alone."
            : "With the present settings. The connection in use is left alone."),
        result,
    ], box => [button("Close", "pf-m-primary", () => box.close())]);
    try {
        result.replaceChildren(...report(await service.test(settings)));
    } catch (error) {
        result.replaceChildren(alert("danger", "This cannot be tried", [cockpit.message(error)]));
    }
}
