// The service on D-Bus: whether it is there, what it holds, what this user may do.
// Nothing here starts it: a service that someone stopped stays stopped while people look.
/* global cockpit */

import { _ } from "./i18n.js";
import { unwrap } from "./values.js";

const NAME = "com.cassianetworks.Bypass1";
const PATH = "/com/cassianetworks/Bypass1";
const CONFIG = `${NAME}.Config`;
const STATS = `${NAME}.Stats`;
const PROPERTIES = "org.freedesktop.DBus.Properties";
const DRIVER = "org.freedesktop.DBus";
const BLUEZ = "org.bluez";
const RETRY_MS = 1000;
// A test of the connection takes up to 22 s.
const CALL_MS = 30000;

export const UNIT = "cassia-bypass.service";

// Events: "state" (state, mayChange), "config" and "stats" (values changed).
export class Service extends EventTarget {
    // "unknown", "absent" or "running".
    state = "unknown";
    mayChange = false;
    // Whether it tells which devices are heard.
    listsDevices = false;
    trouble = "";
    settings = [];
    config = {};
    stats = {};
    #meanwhile = null;
    #owned = false;
    #again;

    constructor() {
        super();
        const superuser = cockpit.dbus(null, { bus: "internal" }).proxy("cockpit.Superuser", "/superuser");
        let rights = null;
        superuser.addEventListener("changed", () => {
            // The client has the rights of the moment at which it was opened.
            if (rights !== null && superuser.Current !== rights && this.#owned)
                this.#connect();
            rights = superuser.Current;
        });
        cockpit.addEventListener("visibilitychange", () => this.poll());
        setInterval(() => this.poll(), 1000);
        this.#watch();
    }

    #emit(type) {
        this.dispatchEvent(new Event(type));
    }

    // Who owns the name is asked of the bus itself: a client of the service would start it.
    #watch() {
        const bus = cockpit.dbus(DRIVER, { bus: "system" });
        const owned = owner => {
            this.#owned = Boolean(owner);
            if (owner)
                this.#connect();
            else
                this.#become("absent");
        };
        bus.addEventListener("close", (_event, options) => {
            this.#owned = false;
            this.#become("absent", options.message ?? options.problem ?? "");
            setTimeout(() => this.#watch(), RETRY_MS);
        });
        bus.subscribe({ interface: DRIVER, member: "NameOwnerChanged", arg0: NAME },
                      (_path, _interface, _member, [, , owner]) => owned(owner));
        bus.call("/org/freedesktop/DBus", DRIVER, "NameHasOwner", [NAME], { type: "s" })
                .then(([there]) => owned(there))
                .catch(error => this.#become("absent", cockpit.message(error)));
    }

    #connect() {
        clearTimeout(this.#again);
        this.#disconnect();
        const client = this.client = cockpit.dbus(NAME, { bus: "system", superuser: "try" });
        // It ends with the administrative access that it was opened with, too.
        client.addEventListener("close", () => {
            if (client !== this.client)
                return;
            this.client = null;
            this.#connectAgain();
        });
        client.subscribe({ interface: PROPERTIES, member: "PropertiesChanged", path: PATH },
                         (_path, _interface, _member, [name, changed]) => this.#changed(name, unwrap(changed)));
        this.#load();
    }

    #connectAgain() {
        clearTimeout(this.#again);
        this.#again = setTimeout(() => { if (this.#owned) this.#connect() }, RETRY_MS);
    }

    #disconnect() {
        const former = this.client;
        this.client = null;
        former?.close();
    }

    #become(state, trouble = "") {
        if (state === "absent") {
            this.#meanwhile = null;
            this.#disconnect();
        }
        Object.assign(this, { state, trouble });
        this.#emit("state");
    }

    async #load() {
        const client = this.client;
        // What changes while the answers are on their way is newer than they are.
        const meanwhile = this.#meanwhile = [];
        try {
            const [config, stats, described, mayChange, faces] = await Promise.all([
                this.#call(PROPERTIES, "GetAll", [CONFIG], "s"),
                this.#call(PROPERTIES, "GetAll", [STATS], "s"),
                this.#call(CONFIG, "Describe", [], ""),
                // The policy of the bus decides; this asks it.
                this.check({}).then(() => true, error => this.#denied(error)),
                this.#call("org.freedesktop.DBus.Introspectable", "Introspect", [], ""),
            ]);
            if (client !== this.client || meanwhile !== this.#meanwhile)
                return;
            this.config = unwrap(config);
            this.stats = unwrap(stats);
            for (const [target, values] of meanwhile)
                Object.assign(this[target], values);
            this.#meanwhile = null;
            this.settings = described.map(unwrap);
            this.mayChange = mayChange;
            this.listsDevices = faces.includes(`<method name="Devices"`);
            this.#become("running");
        } catch (error) {
            if (client === this.client && meanwhile === this.#meanwhile) {
                this.#become("absent", cockpit.message(error));
                this.#connectAgain();
            }
        }
    }

    #denied(error) {
        if (error.name === "org.freedesktop.DBus.Error.AccessDenied")
            return false;
        throw error;
    }

    #changed(name, values) {
        const target = name === CONFIG ? "config" : "stats";
        this.#meanwhile?.push([target, values]);
        Object.assign(this[target], values);
        if (this.state === "running")
            this.#emit(target);
    }

    // Counters tell no changes: they are asked for while someone looks.
    async poll() {
        if (cockpit.hidden || this.state !== "running" || this.polling)
            return;
        this.polling = true;
        try {
            this.stats = unwrap(await this.#call(PROPERTIES, "GetAll", [STATS], "s"));
            this.polled = Date.now();
            this.#emit("stats");
        } catch (error) {
            console.debug("no statistics:", cockpit.message(error));
        } finally {
            this.polling = false;
        }
    }

    async #call(where, method, words, type) {
        if (!this.client)
            throw new Error(_("There is no connection to the service."));
        const [answer] = await this.client.call(PATH, where, method, words, { type, timeout: CALL_MS });
        return answer;
    }

    // The settings as they are now, whether or not their signals came.
    async reload() {
        this.config = unwrap(await this.#call(PROPERTIES, "GetAll", [CONFIG], "s"));
    }

    // Settings are variants by name.
    check = async settings => unwrap(await this.#call(CONFIG, "Check", [settings], "a{sv}"));
    apply = settings => this.#call(CONFIG, "Apply", [settings], "a{sv}");
    reset = names => this.#call(CONFIG, "Reset", [names], "as");
    test = async settings => unwrap(await this.#call(CONFIG, "TestConnection", [settings], "a{sv}"));
    diagnose = async () => unwrap(await this.#call(CONFIG, "Diagnose", [], ""));

    // What BlueZ has, unless it does not run: looking starts no service.
    async adapters() {
        const bus = cockpit.dbus(null, { bus: "system" });
        try {
            const [there] = await bus.call("/org/freedesktop/DBus", DRIVER, "NameHasOwner", [BLUEZ], { type: "s", name: DRIVER });
            if (!there)
                return [];
            const [objects] = await bus.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", [], { name: BLUEZ });
            return Object.entries(objects).filter(([, faces]) => faces[`${BLUEZ}.Adapter1`])
                    .map(([path, faces]) => ({ Adapter: path.split("/").at(-1), Address: unwrap(faces[`${BLUEZ}.Adapter1`]).Address }));
        } catch (error) {
            console.debug("no adapters:", cockpit.message(error));
            return [];
        } finally {
            bus.close();
        }
    }

    get hidden() {
        return cockpit.hidden;
    }

    // Devices that are heard; null where the service does not tell.
    async devices() {
        if (!this.listsDevices)
            return null;
        try {
            return (await this.#call(CONFIG, "Devices", [], "")).map(unwrap);
        } catch (error) {
            console.debug("no devices:", cockpit.message(error));
            return null;
        }
    }

    start() {
        return cockpit.spawn(["systemctl", "start", UNIT], { superuser: "try", err: "message" });
    }
}
