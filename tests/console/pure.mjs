// The parts of the page that need no browser.

import assert from "node:assert/strict";
import { outcome } from "../../dbus/cockpit/page/answer.js";
import { commandLine } from "../../dbus/cockpit/page/command.js";
import { GROUPS, grouped } from "../../dbus/cockpit/page/groups.js";
import { inUnit, labelOf, ofUnit, unitsOf } from "../../dbus/cockpit/page/labels.js";
import { fromText, plain, title, toText, unwrap } from "../../dbus/cockpit/page/values.js";

// What its type can hold is sent as it is; the service judges it.
for (const [type, text, value] of [
    ["q", "8883", 8883], ["q", " 0 ", 0], ["q", "65536", undefined], ["q", "-1", undefined], ["q", "", undefined], ["q", "1e3", undefined],
    ["n", "-128", -128], ["n", "-32769", undefined], ["y", "256", undefined], ["u", "4294967295", 4294967295],
    ["s", " kept \n", " kept \n"], ["d", "1.5", 1.5], ["d", "", undefined],
    ["as", " a \n\nb*\n", ["a", "b*"]], ["as", "", []],
    ["a(is)", "-1 4C00\n0  FF", [[-1, "4C00"], [0, "FF"]]], ["a(is)", "", []], ["a(is)", "FF", undefined], ["a(is)", "x FF", undefined],
]) {
    assert.deepEqual(fromText(type, text), value, `${type}: ${text}`);
    if (value !== undefined)
        assert.deepEqual(fromText(type, toText(type, value)), value, `${type}: ${text}`);
}
assert.equal(plain({ t: "v", v: { t: "s", v: "x" } }), "x");
assert.deepEqual(plain({ t: "aa{sv}", v: [{ Address: { t: "s", v: "x" }, Words: { t: "as", v: ["a"] } }] }), [{ Address: "x", Words: ["a"] }]);
assert.equal(plain({ t: "s", v: "a\u001b[2J\u009b\u202eb\u2028\u007f\n\tc" }), "a\ufffd[2J\ufffd\ufffdb\ufffd\ufffd\n\tc");
assert.deepEqual(unwrap({ Port: { t: "q", v: 1 }, Names: { t: "as", v: ["t", "v"] } }), { Port: 1, Names: ["t", "v"] });
assert.deepEqual(["ScanQos", "CaCertificate", "PskIdentity", "PushIntervalMs", "SpoolMaxAgeSecs", "Host", "FilterUuids", "InFlight"].map(title),
                 ["Scan QoS", "CA certificate", "PSK identity", "Push interval (ms)", "Spool max age (s)", "Host", "Filter UUIDs", "In flight"]);

// A setting that the page has never heard of is in the last group; none is twice.
const names = ["Brandnew", ...GROUPS.flatMap(([, list]) => list)];
const groups = grouped(names.map(Name => ({ Name })));
assert.deepEqual(groups.at(-1), ["More", [{ Name: "Brandnew" }]]);
assert.deepEqual(groups.flatMap(([, list]) => list.map(setting => setting.Name)).sort(), [...names].sort());

// Numbers with their units, there and back; what is no whole number of the service's unit is none.
{
    const said = (name, value) => {
        const [number, index] = inUnit(unitsOf(name), value);
        assert.equal(ofUnit(unitsOf(name)[index][1], String(number)), value);
        return `${number} ${unitsOf(name)[index][0]}`;
    };
    assert.deepEqual([said("SpoolMaxBytes", 67108864), said("SpoolMaxBytes", 1073741824), said("SpoolMaxBytes", 67108865), said("SpoolMaxBytes", 0),
        said("SpoolMaxAgeSecs", 604800), said("KeepAliveSecs", 90), said("PushIntervalMs", 100), said("DuplicatesMs", 1), said("FilterRssi", -128)],
                     ["64 MiB", "1 GiB", "67108865 bytes", "0 bytes", "7 days", "90 seconds", "100 milliseconds", "1 milliseconds", "-128 dBm"]);
    assert.deepEqual([ofUnit(1024, "1.5"), ofUnit(1024, "1,5"), ofUnit(1024, "0.3"), ofUnit(1, "1e3"), ofUnit(1, ""), ofUnit(1073741824, "9999999999")],
                     [1536, 1536, undefined, undefined, undefined, undefined]);
}
assert.deepEqual(["ScanQos", "Psk", "Brandnew"].map(labelOf), ["Quality of service (QoS)", "Pre-shared key", "Brandnew"]);

// A command line that a shell and the program read as it is meant, without secrets.
{
    const line = (...changes) => commandLine(changes.map(([Name, Type, value, Secret = false]) => [{ Name, Type, Secret }, value]));
    assert.equal(line(["Host", "s", "b.example"], ["Port", "q", 8883], ["Timestamp", "b", true]), "cassia-bypassctl set Host=b.example Port=8883 Timestamp=true");
    assert.equal(line(["Username", "s", "it's $HOME"], ["ClientId", "s", ""], ["ScanTopic", "s", "@home"]),
                 "cassia-bypassctl set 'Username=it'\\''s $HOME' ClientId= ScanTopic=@@home");
    assert.equal(line(["FilterNames", "as", ["a*", "b c"]], ["FilterMacs", "as", ["CC:1B:E0*"]], ["FilterValues", "a(is)", [[-1, "4C00"], [0, "FF"]]]),
                 "cassia-bypassctl set 'FilterNames=[\"a*\",\"b c\"]' 'FilterMacs=CC:1B:E0*' FilterValues=-1:4C00,0:FF");
    assert.equal(line(["Password", "s", "hush", true], ["Psk", "s", "1234", true], ["ClientKey", "s", "", true]),
                 "cassia-bypassctl set ClientKey= --secret-from Password=- --secret-from Psk=FILE");
}

// What came of a save: the words follow what the connection does after it, and nothing of before it counts.
{
    const before = { Connects: 2, Failures: 1 };
    const said = (stats, steady = false, config = { Protocol: "mqtt", Host: "b" }) =>
        outcome(config, before, { ...before, Broker: "b:8883", LastErrorDetail: "", ...stats }, steady).join(" ");
    const connecting = " Saved. Connecting to b:8883 ...";
    assert.equal(said({ LinkState: "connected" }), connecting);
    assert.equal(said({ LinkState: "connecting" }, true), connecting);
    assert.equal(said({ LinkState: "waiting", LastErrorDetail: "of before" }), connecting);
    assert.equal(said({ LinkState: "off", Broker: "" }), " Saved. Connecting to b ...");
    assert.equal(said({ LinkState: "connected", Connects: 3 }), "success Saved. Connected to b:8883");
    assert.equal(said({ LinkState: "connected" }, true), "success Saved. Connected to b:8883");
    assert.equal(said({ LinkState: "idle" }, true), "success Saved. It connects to b:8883 when there is something to send.");
    assert.equal(said({ LinkState: "waiting", LastErrorDetail: "refused", Failures: 2 }), "danger Saved, but b:8883 is not reached: refused");
    assert.equal(said({ LinkState: "waiting", LastErrorDetail: "refused" }, true), "danger Saved, but b:8883 is not reached: refused");
    assert.equal(said({ LinkState: "off" }, true, { Protocol: "none" }), "info Saved. Nothing is published until the protocol is MQTT.");
}
