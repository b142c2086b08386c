// Settings, their choices and their units in words. A setting that is not here gets its own name, a choice its own word.

import { _, N_ } from "./i18n.js";
import { title } from "./values.js";

const LABELS = {
    ScanMode: N_("Scan mode"), Adapters: N_("Adapters"),
    Protocol: N_("Protocol"), Host: N_("Host"), Port: N_("Port"), FallbackHosts: N_("Fallback hosts"),
    ConnectionType: N_("Connection"), Username: N_("Username"), Password: N_("Password"),
    ScanTopic: N_("Topic"), ScanQos: N_("Quality of service (QoS)"), MqttVersion: N_("MQTT version"),
    KeepAliveSecs: N_("Keep alive"), ClientId: N_("Client ID"), RouterAddress: N_("Address of this router"),
    EncryptionMode: N_("Encryption"), PskIdentity: N_("Identity of the pre-shared key"), Psk: N_("Pre-shared key"),
    CaCertificate: N_("CA certificate"), RequireClientCertificate: N_("Present a client certificate"),
    ClientCertificate: N_("Client certificate"), ClientKey: N_("Client key"),
    PushIntervalMs: N_("Longest wait for a batch"), PushBatchSize: N_("Size of a batch"), QueueMaxBytes: N_("Memory for waiting messages"),
    SpoolMaxBytes: N_("Disk space for waiting messages"), SpoolMaxAgeSecs: N_("Longest wait on the disk"),
    ReplayMaxPerSec: N_("Rate of sending again"),
    FilterNames: N_("Names"), FilterMacs: N_("Addresses"), FilterUuids: N_("Service UUIDs"), FilterRssi: N_("Weakest signal"),
    FilterValues: N_("Bytes"), DuplicatesMs: N_("Repeats"),
    PayloadFormat: N_("Payload format"), EventTypeKey: N_("Key of the event type"), Timestamp: N_("Timestamp"),
    TimestampFormat: N_("Timestamp format"), Beacon: N_("Decode beacons"),
    StatusTopic: N_("Status topic"),
};

const CHOICES = {
    ScanMode: { off: N_("Off"), passive: N_("Passive: listens"), active: N_("Active: also asks for scan responses") },
    Protocol: { none: N_("None: nothing is published"), mqtt: "MQTT" },
    ConnectionType: { long: N_("Long: stays connected"), short: N_("Short: connects for each batch") },
    ScanQos: { 0: N_("0: at most once"), 1: N_("1: at least once"), 2: N_("2: exactly once") },
    EncryptionMode: { none: N_("None"), psk: N_("TLS with a pre-shared key"), certificate: N_("TLS with certificates") },
    PayloadFormat: { array: N_("Array of items"), object: N_("One item a message"), envelope: N_("Envelope with a sequence number") },
    TimestampFormat: { rfc3339: N_("RFC 3339, UTC"), local: N_("Local time") },
    EventTypeKey: { evtType: N_("evtType (firmware 2.x)"), evt_type: N_("evt_type (firmware 1.x)") },
};

const BYTES = [[N_("bytes"), 1], ["KiB", 1024], ["MiB", 1048576], ["GiB", 1073741824]];
const MILLISECONDS = [[N_("milliseconds"), 1], [N_("seconds"), 1000], [N_("minutes"), 60000], [N_("hours"), 3600000]];
const SECONDS = [[N_("seconds"), 1], [N_("minutes"), 60], [N_("hours"), 3600], [N_("days"), 86400]];

// The first one is that of the service, the others are multiples of it.
const UNITS = {
    QueueMaxBytes: BYTES, SpoolMaxBytes: BYTES, PushIntervalMs: MILLISECONDS, DuplicatesMs: MILLISECONDS,
    KeepAliveSecs: SECONDS, SpoolMaxAgeSecs: SECONDS,
    PushBatchSize: [[N_("adverts"), 1]], ReplayMaxPerSec: [[N_("adverts per second"), 1]], FilterRssi: [["dBm", 1]],
};

export const labelOf = name => name in LABELS ? _(LABELS[name]) : title(name);
export const choiceOf = (name, word) => CHOICES[name]?.[word] ? _(CHOICES[name][word]) : word;
export const choicesOf = setting => setting.Choices.length > 0 ? setting.Choices : Object.keys(CHOICES[setting.Name] ?? {});
export const unitsOf = name => UNITS[name] ?? [];

// Number and index of the unit: the largest one that leaves a whole number.
export function inUnit(units, value) {
    const fits = units.map(([, factor], index) => value !== 0 && value % factor === 0 ? index : 0);
    const index = Math.max(...fits);
    return [value / units[index][1], index];
}

// The value of the service, or undefined where there is none: 1.5 MiB is a whole number of bytes, 0.3 KiB is not.
export function ofUnit(factor, text) {
    const value = /^[+-]?[0-9]+([.,][0-9]+)?$/.test(text.trim()) ? Number(text.trim().replace(",", ".")) * factor : NaN;
    return Number.isSafeInteger(value) ? value : undefined;
}
