//! Everything for a test: bus, service, broker, subscriber, and the air.

use crate::support::air::{Air, number};
use crate::support::broker::{Mosquitto, PASSWORD, PSK, PSK_IDENTITY, Scenario, USER};
use crate::support::broker_subscriber::{Received, Subscriber};
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, STATS};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::schemas::Schemas;
use crate::support::service::Service;
use rustix::fd::AsRawFd;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) struct Rig {
    pub(crate) service: Service,
    pub(crate) air: Air,
    pub(crate) subscriber: Subscriber,
    pub(crate) broker: Mosquitto,
    pub(crate) bus: Bus,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let broker = Mosquitto::start();
        let subscriber = Subscriber::start(&broker, "#");
        let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
        let (air, theirs) = Air::new();
        let service = bus.start_service_with(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
        Self { service, air, subscriber, broker, bus }
    }

    /// With systemd's watchdog on.
    pub(crate) fn start_watched(limit: std::time::Duration) -> Self {
        let mut rig = Self::start();
        rig.service.terminate();
        rig.service.ended();
        rig.start_again_watched(limit);
        rig
    }

    /// Starts it again, with systemd's watchdog on.
    pub(crate) fn start_again_watched(&mut self, limit: std::time::Duration) {
        let (air, theirs) = Air::new();
        self.service = self.bus.start_service_watched(&["--monitor-fd", &theirs.as_raw_fd().to_string()], limit);
        self.air = air;
    }

    /// Stops the service in order and starts it again.
    pub(crate) fn restart(&mut self) {
        self.service.terminate();
        self.service.ended();
        self.restart_after_end();
    }

    /// Starts it again.
    pub(crate) fn restart_after_end(&mut self) {
        let (air, theirs) = Air::new();
        self.service = self.bus.start_service_with(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
        self.air = air;
    }

    /// `busctl set-property`, as an operator.
    pub(crate) fn set(&self, property: &str, words: &[&str]) {
        self.bus.set(Who::Admin, property, words).unwrap_or_else(|error| panic!("{property}: {error}"));
    }

    /// The same as root, who need not give a stored password again with a change of where it goes.
    pub(crate) fn set_as_root(&self, property: &str, words: &[&str]) {
        self.bus.set(Who::Root, property, words).unwrap_or_else(|error| panic!("{property}: {error}"));
    }

    pub(crate) fn stat(&self, property: &str) -> Value {
        self.bus.value(STATS, property)
    }

    pub(crate) fn config(&self, property: &str) -> Value {
        self.bus.value(CONFIG, property)
    }

    /// All counts at one moment; fails the test if they do not add up.
    pub(crate) fn ledger(&self) -> BTreeMap<String, u64> {
        self.bus.ledger()
    }

    pub(crate) fn await_stat(&self, property: &str, word: &str) {
        eventually(&format!("{property} becomes {word}"), || {
            let now = self.stat(property);
            (now == word).then_some(()).ok_or_else(|| now.to_string())
        });
    }

    /// Sets what the guide's scenario needs, step by step.
    pub(crate) fn configure(&self, scenario: Scenario) {
        let certificates = &self.broker.certificates;
        self.set("Host", &["s", "127.0.0.1"]);
        self.set("Port", &["q", &scenario.port(&self.broker.ports).to_string()]);
        if scenario != Scenario::Anonymous {
            self.set("Username", &["s", USER]);
            self.set("Password", &["s", PASSWORD]);
        }
        match scenario {
            Scenario::Anonymous | Scenario::Password => {}
            Scenario::Psk => {
                self.set("PskIdentity", &["s", PSK_IDENTITY]);
                self.set("Psk", &["s", PSK]);
            }
            Scenario::Certificate | Scenario::ClientCertificate => {
                self.set("CaCertificate", &["s", &certificates.ca.pem()]);
                if scenario == Scenario::ClientCertificate {
                    self.set("ClientCertificate", &["s", &certificates.client.certificate]);
                    self.set("ClientKey", &["s", &certificates.client.key]);
                    self.set("RequireClientCertificate", &["b", "true"]);
                }
            }
        }
        self.set("EncryptionMode", &["s", scenario.encryption()]);
        self.set("Protocol", &["s", "mqtt"]);
    }

    /// Connects without encryption, and lets batches leave after 10 ms.
    pub(crate) fn connect(&self) {
        self.set("PushIntervalMs", &["u", "10"]);
        self.configure(Scenario::Anonymous);
        self.await_stat("LinkState", "connected");
    }

    /// What was published so far, parsed, with its topics.
    pub(crate) fn messages(&self) -> Vec<(String, Value)> {
        let parse = |m: Received| (m.topic, serde_json::from_str(&m.payload).expect("JSON"));
        self.subscriber.received().into_iter().map(parse).collect()
    }

    /// The items that arrived in arrays.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.messages().into_iter().flat_map(|(_, message)| message.as_array().cloned().expect("an array")).collect()
    }

    /// Waits until this many items arrived in arrays, and for what else may come: the books have nothing that waits.
    pub(crate) fn await_items(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} items"), || {
            let items = self.items();
            (items.len() >= count).then_some(()).ok_or_else(|| format!("{items:?}"))
        });
        eventually("nothing waits", || {
            let ledger = self.ledger();
            ledger["Queued"] + ledger["InFlight"] == 0
        });
        assert_eq!(self.items().len(), count);
        self.items()
    }

    /// The numbered advertisements that arrived on this topic, in order.
    pub(crate) fn arrived(&self, topic: &str) -> Vec<u32> {
        let received = self.subscriber.received();
        received.iter().filter(|message| message.topic == topic).flat_map(numbers).collect()
    }
}

/// Messages of a test that are judged at its end: the first ones, since those of a load are alike.
const JUDGED: usize = 500;

/// Whatever a test was about: what its subscriber received is as `docs/schema` says, without other keys.
impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let received = self.subscriber.received().into_iter().take(JUDGED);
        let problems = received.flat_map(|message| match serde_json::from_str(&message.payload) {
            Ok(message) => Schemas::closed().message(&message),
            Err(error) => vec![format!("{error}: {message:?}")],
        });
        let problems: Vec<_> = problems.collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

fn numbers(message: &Received) -> Vec<u32> {
    let items: Vec<Value> = serde_json::from_str(&message.payload).expect("a JSON array");
    items.iter().map(|item| number(item["adData"].as_str().expect("adData"))).collect()
}
