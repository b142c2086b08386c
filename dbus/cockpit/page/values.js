// Values of D-Bus as text in a form, and back. What is right for a setting only the service knows.

const RANGES = {
    y: [0, 255], n: [-32768, 32767], q: [0, 65535], i: [-2147483648, 2147483647], u: [0, 4294967295],
    x: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER], t: [0, Number.MAX_SAFE_INTEGER]
};

export const isInteger = type => type in RANGES;
export const isList = type => type === "as" || type === "a(is)";
export const isEditable = type => isInteger(type) || isList(type) || ["s", "b", "d"].includes(type);

const isVariant = value => Object.keys(value).length === 2 && typeof value.t === "string" && "v" in value;

// What no page obeys: control characters but for line ends and tabs, and what turns the direction of writing, are replaced.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
export const printable = text => text.replace(UNPRINTABLE, "\ufffd");

// The value inside variants, at any depth.
export function plain(value) {
    if (typeof value === "string")
        return printable(value);
    if (value === null || typeof value !== "object")
        return value;
    if (Array.isArray(value))
        return value.map(plain);
    return isVariant(value) ? plain(value.v) : unwrap(value);
}

// A dictionary of variants as values.
export const unwrap = dictionary =>
    Object.fromEntries(Object.entries(dictionary).map(([name, value]) => [name, plain(value)]));

export const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function toText(type, value) {
    if (type === "as")
        return value.join("\n");
    if (type === "a(is)")
        return value.map(pair => pair.join(" ")).join("\n");
    return isEditable(type) ? String(value) : JSON.stringify(value);
}

const lines = text => text.split("\n").map(line => line.trim()).filter(line => line !== "");

function toInteger(type, text) {
    const [low, high] = RANGES[type];
    const number = /^[+-]?[0-9]+$/.test(text.trim()) ? Number(text) : NaN;
    return number >= low && number <= high ? number : undefined;
}

function toPair(line) {
    const [, offset, hex] = line.match(/^(\S+)\s+(.*)$/) ?? [];
    const number = offset === undefined ? undefined : toInteger("i", offset);
    return number === undefined ? undefined : [number, hex];
}

// The value of a text, or undefined where the type has none for it.
export function fromText(type, text) {
    if (isInteger(type))
        return toInteger(type, text);
    if (type === "d")
        return text.trim() === "" || isNaN(text) ? undefined : Number(text);
    if (type === "as")
        return lines(text);
    if (type === "a(is)") {
        const pairs = lines(text).map(toPair);
        return pairs.includes(undefined) ? undefined : pairs;
    }
    return text;
}

const WORDS = { Qos: "QoS", Psk: "PSK", Ca: "CA", Mqtt: "MQTT", Id: "ID", Uuids: "UUIDs", Macs: "MACs", Rssi: "RSSI", Tls: "TLS" };
const UNITS = { Ms: "(ms)", Secs: "(s)", Bytes: "(bytes)" };

// ScanQos as people write it: Scan QoS.
export function title(name) {
    const words = name.match(/[A-Z][a-z0-9]*/g) ?? [name];
    return words.map((word, index) => {
        if (word in WORDS)
            return WORDS[word];
        if (index > 0 && word in UNITS)
            return UNITS[word];
        return index === 0 ? word : word.toLowerCase();
    }).join(" ");
}
