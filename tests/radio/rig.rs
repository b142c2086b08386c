//! The service, a broker and a subscriber, and the questions that the tests of the whole ask them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use radio_controller::scan::Scan;
use radio_controller::{Advert, Controller, hex};
use serde_json::Value;

use crate::guest::{Guest, eventually};
use crate::process::Process;
use crate::service::Service;
use crate::variants::plain;

pub(crate) const ADDRESS: &str = "C0:DE:00:00:00:01";
/// The radio is back so soon after a trouble ended.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);
/// For what takes a few calls over the bus.
pub(crate) const SOON: Duration = Duration::from_secs(15);
pub(crate) const BUS: &str = "com.cassianetworks.Bypass1";
pub(crate) const PATH: &str = "/com/cassianetworks/Bypass1";
/// The counts that every received advert is in exactly one of.
const FATES: [&str; 8] =
    ["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"];

/// See the module.
pub(crate) struct Rig<'a> {
    pub(crate) guest: &'a Guest,
    pub(crate) service: Process,
    pub(crate) sub: Process,
    pub(crate) broker: Process,
}

impl<'a> Rig<'a> {
    /// Broker, subscriber and service; needs the bus. Publishes with QoS 1 and scans in this mode.
    pub(crate) fn start(guest: &'a Guest, mode: &str) -> Self {
        Self::start_service(guest, guest.service(), mode)
    }

    /// The same with a service that is started otherwise.
    pub(crate) fn start_service(guest: &'a Guest, service: Service, mode: &str) -> Self {
        let broker = guest.open_broker();
        let sub = guest.subscribe("scanTopic");
        let service = service.start();
        let rig = Self { guest, service, sub, broker };
        rig.ready();
        rig.apply(&["Host", "s", "127.0.0.1", "Protocol", "s", "mqtt", "ScanQos", "y", "1", "ScanMode", "s", mode]);
        rig
    }

    /// Waits until the service answers.
    pub(crate) fn ready(&self) {
        eventually(SOON, "the service is on the bus", || self.try_stat("Version").is_ok());
    }

    /// Waits until the radio is in this state.
    pub(crate) fn wait_state(&self, state: &str) {
        self.wait_stat("RadioState", state);
    }

    /// Waits until a property of Stats has this value.
    pub(crate) fn wait_stat(&self, property: &str, value: impl Into<Value>) {
        let (value, mut seen) = (value.into(), Value::Null);
        eventually(SOON * 2, &format!("{property} becomes {value}"), || {
            let now = self.stat(property);
            if now != seen {
                println!("[rig] {property} {now} ({})", self.stat("RadioDetail"));
                seen = now;
            }
            seen == value
        });
    }

    /// What the service advises.
    pub(crate) fn hints(&self) -> String {
        let interface = format!("{BUS}.Config");
        let call = ["--json=short", "call", BUS, PATH, &interface, "Diagnose"];
        let answer = self.guest.busctl("bench-admin", &call).expect("a diagnosis");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let hints = answer["data"][0]["Hints"]["data"].as_array().expect("hints").clone();
        hints.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    /// A property of Stats.
    pub(crate) fn stat(&self, property: &str) -> Value {
        self.try_stat(property).unwrap_or_else(|e| panic!("{property}: {e}"))
    }

    pub(crate) fn text(&self, property: &str) -> String {
        self.stat(property).as_str().expect("a string").to_owned()
    }

    fn try_stat(&self, property: &str) -> Result<Value, String> {
        let interface = format!("{BUS}.Stats");
        let answer =
            self.guest.busctl("bench-admin", &["--json=short", "get-property", BUS, PATH, &interface, property])?;
        let answer: Value = serde_json::from_str(&answer).map_err(|e| e.to_string())?;
        Ok(plain(&answer))
    }

    /// Sets one setting: `words` are its name and busctl's signature and value.
    pub(crate) fn set(&self, words: &[&str]) {
        let interface = format!("{BUS}.Config");
        let command = [&["set-property", BUS, PATH, &interface], words].concat();
        self.guest.busctl("bench-admin", &command).unwrap_or_else(|e| panic!("{words:?}: {e}"));
    }

    /// Sets several: name, signature and value of each.
    pub(crate) fn apply(&self, words: &[&str]) {
        self.call("Apply", "a{sv}", words.len() / 3, words);
    }

    /// Calls a method of Config that takes so many of something.
    pub(crate) fn call(&self, method: &str, signature: &str, count: usize, words: &[&str]) {
        let (interface, count) = (format!("{BUS}.Config"), count.to_string());
        let command = [&["call", "--", BUS, PATH, &interface, method, signature, &count], words].concat();
        self.guest.busctl("bench-admin", &command).unwrap_or_else(|e| panic!("{words:?}: {e}"));
    }

    pub(crate) fn mode(&self, mode: &str) {
        self.set(&["ScanMode", "s", mode]);
    }

    /// The ledger, which must balance.
    pub(crate) fn ledger(&self) -> BTreeMap<String, u64> {
        let ledger: BTreeMap<String, u64> = serde_json::from_value(self.stat("Ledger")).expect("a ledger");
        let fates: u64 = FATES.iter().map(|fate| ledger[*fate]).sum();
        assert_eq!(ledger["Received"] + ledger["Recovered"], fates, "{ledger:?}");
        ledger
    }

    pub(crate) fn received(&self) -> u64 {
        self.ledger()["Received"]
    }

    /// Every item that the subscriber has, in order.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.sub.json_lines().into_iter().flat_map(|message| message.as_array().expect("an array").clone()).collect()
    }

    /// Waits until what `controller` hears arrives; gives the first item that did. What comes from elsewhere does not count.
    pub(crate) fn flows(&self, controller: &Controller) -> Value {
        self.flows_within(SOON * 2, controller)
    }

    /// The same within this time.
    pub(crate) fn flows_within(&self, deadline: Duration, controller: &Controller) -> Value {
        let before = self.items().len();
        let mark = format!("09FF{}", hex::encode(&(before as u64).to_be_bytes()));
        let data = hex::decode(&mark).expect("hex");
        let advert = Advert { evt: 3, ..Advert::new("C0:FF:EE:0F:10:35".parse().expect("an address"), &data) };
        eventually(deadline, "adverts arrive", || {
            // A lost one tells nothing: the radio may just be switched.
            controller.report(std::slice::from_ref(&advert), false).is_ok_and(|counts| counts.sent > 0)
                && self.items()[before..].iter().any(|item| item["adData"] == *mark)
        });
        self.items()[before..].iter().find(|item| item["adData"] == *mark).expect("it arrived").clone()
    }

    /// How often this was done to get the radio back.
    pub(crate) fn recoveries(&self, rung: &str) -> u64 {
        self.stat("Recoveries")[rung].as_u64().expect("a count")
    }

    /// Lines of the service at this level with this text.
    pub(crate) fn said(&self, level: &str, text: &str) -> usize {
        let level = format!(" {level} ");
        self.service.lines().iter().filter(|line| line.contains(&level) && line.contains(text)).count()
    }

    /// Processor time that the service took so far.
    pub(crate) fn cpu(&self) -> Duration {
        const TICKS_PER_SECOND: u32 = 100;
        let path = format!("/proc/{}/stat", self.service.id().as_raw_nonzero());
        let stat = fs::read_to_string(path).expect("the service runs");
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        // utime and stime are fields 14 and 15, the first after the name is 3.
        let ticks = fields.split(' ').skip(11).take(2).map(|n| n.parse::<u32>().expect("a number")).sum::<u32>();
        Duration::from_secs(1) * ticks / TICKS_PER_SECOND
    }
}

/// Waits until the controller scans so.
pub(crate) fn wait_scan(controller: &Controller, what: &str, like: impl Fn(&Scan) -> bool) -> Scan {
    let deadline = SOON * 2;
    eventually(deadline, &format!("the controller scans: {what}"), || {
        Some(controller.state().scan).filter(|scan| scan.enabled && like(scan))
    })
}

/// Waits until the controller does not scan.
pub(crate) fn wait_quiet(controller: &Controller) {
    eventually(SOON, "the scan ends", || !controller.state().scan.enabled);
}
