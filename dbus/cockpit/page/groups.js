// The order of the form, after figures 4 to 9 of the guide. What is not named here comes last, under "More".

import { N_ } from "./i18n.js";

export const GROUPS = [
    [N_("Scan"), ["ScanMode", "Adapters"]],
    [N_("Broker"), ["Protocol", "Host", "Port", "FallbackHosts", "ConnectionType", "Username", "Password", "ScanTopic", "ScanQos",
        "MqttVersion", "KeepAliveSecs", "ClientId", "RouterAddress"]],
    [N_("Security"), ["EncryptionMode", "PskIdentity", "Psk", "CaCertificate", "RequireClientCertificate", "ClientCertificate",
        "ClientKey"]],
    [N_("Delivery"), ["PushIntervalMs", "PushBatchSize", "QueueMaxBytes", "SpoolMaxBytes", "SpoolMaxAgeSecs", "ReplayMaxPerSec"]],
    [N_("Filters"), ["FilterNames", "FilterMacs", "FilterUuids", "FilterRssi", "FilterValues", "DuplicatesMs"]],
    [N_("Format"), ["PayloadFormat", "EventTypeKey", "Timestamp", "TimestampFormat", "Beacon"]],
    [N_("Monitoring"), ["StatusTopic"]],
];

// Groups that are open when the page comes; the rest is not needed for the guide's scenarios.
export const OPEN = new Set(["Scan", "Broker", "Security"]);

// Fields that are out of the way while the mode does not use them, unless they hold something.
export const FOR_MODE = {
    PskIdentity: "psk", Psk: "psk", CaCertificate: "certificate", RequireClientCertificate: "certificate",
    ClientCertificate: "certificate", ClientKey: "certificate",
};

// The settings by group, each one exactly once.
export function grouped(settings) {
    const rest = new Map(settings.map(setting => [setting.Name, setting]));
    const take = name => {
        const setting = rest.get(name);
        rest.delete(name);
        return setting;
    };
    const groups = GROUPS.map(([name, names]) => [name, names.map(take).filter(setting => setting)]);
    return [...groups, [N_("More"), [...rest.values()]]].filter(([, list]) => list.length > 0);
}
