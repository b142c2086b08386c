// Words of the service as people say them. What is not here is shown as the service has it.

import { _, format, N_ } from "./i18n.js";

const WORDS = {
    // Health and its reasons
    "online": N_("Online"), "degraded": N_("Degraded"), "offline": N_("Offline"),
    "starting": N_("Starting"), "no-protocol": N_("no protocol is set"), "broker-silent": N_("the broker is silent"),
    "no-acknowledgement": N_("the broker acknowledges nothing"), "capture-lost": N_("packets are lost in the kernel"),
    "reports-damaged": N_("reports of the adapter arrive damaged"), "spool-memory-only": N_("the disk cannot be used"),
    // The connection
    "connected": N_("Connected"), "connecting": N_("Connecting"), "idle": N_("Idle"), "waiting": N_("Not connected"), "off": N_("Off"),
    // The radio and the capture
    "scanning": N_("Scanning"), "test": N_("Test"), "no-bluez": N_("Bluetooth service missing"), "adapter-missing": N_("Adapter missing"),
    "adapter-off": N_("Adapter off"), "passive-unsupported": N_("Passive scan not supported"),
    "none": N_("None"), "monitor": N_("From the kernel"), "signals": N_("From BlueZ"),
    // The store
    "ready": N_("Ready"), "recovering": N_("Recovering"), "memory-only": N_("Memory only"),
};

const COUNTS = {
    Received: N_("Received"), Recovered: N_("Recovered"), Published: N_("Published"), Filtered: N_("Filtered"), Deduplicated: N_("Deduplicated"),
    Unpublished: N_("Unpublished"), Dropped: N_("Dropped"), Queued: N_("Queued"), InFlight: N_("In flight"), Spooled: N_("Spooled"),
    Messages: N_("Messages"), Malformed: N_("Malformed"), CaptureLost: N_("Capture lost"), Truncated: N_("Truncated"),
};

const FILTERS = { rssi: N_("Weakest signal"), mac: N_("Addresses"), name: N_("Names"), uuid: N_("Service UUIDs"), value: N_("Bytes") };
const OUTCOMES = { published: N_("Published"), duplicate: N_("Repeat"), unpublished: N_("Unpublished") };

// What became of an advert: `filtered:` has the kind of the filter after it.
export function outcomeOf(text) {
    const [, kind] = text.match(/^filtered:(.*)$/) ?? [];
    if (kind !== undefined)
        return format(_("Filtered: $0"), kind in FILTERS ? _(FILTERS[kind]) : kind);
    return text in OUTCOMES ? _(OUTCOMES[text]) : text;
}

export const countOf = name => _(COUNTS[name]);
export const word = text => text in WORDS ? _(WORDS[text]) : text;
