//! Every case against one broker.

use crate::broker::{Broker, Kind};
use crate::outcome::{ADVERTS, BrokerResult, Case, Outcome};
use crate::rig::{Rig, Setting, awaited};
use crate::support::air::number;
use crate::support::broker_subscriber::{Received, Subscriber};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Some of each, for ./check.
    Quick,
    Full,
}

/// Connections after which the word of a failure is the last one.
const SILENT_REFUSALS: u64 = 3;
pub(crate) const VERSIONS: [&str; 3] = ["3.1", "3.1.1", "5"];

fn cases(kind: &Kind, extent: Extent) -> Vec<Case> {
    let case = |version, qos, connection, tls| Case { version, qos, connection, tls };
    if extent == Extent::Quick {
        let plain = [
            ("3.1", 2, "long"),
            ("3.1.1", 0, "long"),
            ("3.1.1", 1, "short"),
            ("3.1.1", 2, "long"),
            ("5", 1, "long"),
            ("5", 2, "short"),
        ];
        let newest = *kind.versions.last().expect("one");
        let plain = plain.into_iter().map(|(version, qos, connection)| case(version, qos, connection, false));
        return plain.chain([case(newest, 1, "long", true)]).collect();
    }
    let mut all = Vec::new();
    for version in VERSIONS {
        for connection in ["long", "short"] {
            all.extend((0..=2).map(|qos| case(version, qos, connection, false)));
            if kind.versions.contains(&version) {
                all.push(case(version, 1, connection, true));
            }
        }
    }
    all
}

/// A broker, the service, and who listens.
pub(crate) struct Run {
    pub(crate) broker: Broker,
    pub(crate) rig: Rig,
    subscribers: Vec<Subscriber>,
    /// What arrived at subscribers that are gone.
    before: Vec<Received>,
    /// Lines of the broker's log that are accounted for.
    pub(crate) log_seen: usize,
}

pub(crate) fn run(kind: &'static Kind, extent: Extent) -> BrokerResult {
    let broker = Broker::start(kind);
    let mut run = Run { broker, rig: Rig::start(), subscribers: Vec::new(), before: Vec::new(), log_seen: 0 };
    run.subscribe();
    run.complaints(true);
    let (user, password) = kind.login.unwrap_or_default();
    run.rig.apply(&[
        ("Username", "s", user.into()),
        ("Password", "s", password.into()),
        ("Host", "s", "127.0.0.1".into()),
        ("ClientId", "s", "router-1".into()),
        ("CaCertificate", "s", run.broker.certificates.ca.pem()),
        ("PushIntervalMs", "u", "10".into()),
        ("PushBatchSize", "u", "8".into()),
    ]);
    let mut outcomes: Vec<_> = cases(kind, extent).into_iter().map(|case| run.case(case)).collect();
    let newest = *kind.versions.last().expect("one");
    let each = |full: &[&'static str]| if extent == Extent::Full { full.to_vec() } else { vec![newest] };
    let status: Vec<_> =
        each(kind.versions).into_iter().map(|version| (version.to_owned(), run.status(version))).collect();
    let restart_qos = if extent == Extent::Full { 0..=2 } else { 1..=1 };
    let restart: Vec<_> = restart_qos.map(|qos| (format!("QoS {qos}"), run.restart(newest, qos))).collect();
    // The last one: what could come twice has come.
    let fallback = run.fallback(newest);
    for outcome in &mut outcomes {
        outcome.arrived = run.arrived(&outcome.case.topic());
    }
    let mut problems: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.problems(kind)).collect();
    let others =
        status.iter().chain(&restart).filter_map(|(name, result)| Some(format!("{name}: {}", result.as_ref().err()?)));
    problems.extend(others.chain(fallback.as_ref().err().cloned()));
    if !run.broker.runs() {
        problems.push("the broker ended".into());
    }
    let version = run.broker.version();
    BrokerResult {
        label: kind.label(),
        name: kind.name,
        from: kind.from,
        version,
        outcomes,
        status,
        restart,
        fallback,
        problems,
    }
}

impl Run {
    /// Listens to both listeners; who listened before is gone.
    pub(crate) fn subscribe(&mut self) {
        self.unsubscribe();
        let ports = self.broker.site.ports;
        let ca = self.broker.site.host_path("ca.pem");
        let login = self.broker.kind.login_options();
        // By its name: mosquitto_sub sends an address as server name, which rustls refuses.
        let ca = ["-h", "localhost", "--cafile", ca.to_str().expect("UTF-8")];
        self.subscribers = vec![
            Subscriber::with_options(ports.plain, "plain/#", 2, &login),
            Subscriber::with_options(ports.tls, "tls/#", 2, &[&login[..], &ca].concat()),
        ];
    }

    pub(crate) fn unsubscribe(&mut self) {
        self.before.extend(self.subscribers.drain(..).flat_map(|subscriber| subscriber.received()));
    }

    /// All that arrived on a topic so far.
    pub(crate) fn received(&self, topic: &str) -> Vec<Received> {
        let now = self.subscribers.iter().flat_map(Subscriber::received);
        self.before.iter().cloned().chain(now).filter(|message| message.topic == topic).collect()
    }

    /// The numbered advertisements that arrived on a topic, with the QoS of each arrival.
    pub(crate) fn arrived(&self, topic: &str) -> BTreeMap<u32, Vec<u8>> {
        numbers(&self.received(topic))
    }

    /// Connected to nothing, with nothing that waits.
    pub(crate) fn off(&mut self) {
        self.rig.apply(&[("Protocol", "s", "none".into())]);
        let off = awaited("off, and nothing waits", || {
            let (ledger, state) = (self.rig.ledger(), self.rig.word("LinkState"));
            if state == "off" && ledger["Queued"] + ledger["InFlight"] == 0 {
                Ok(())
            } else {
                Err(format!("{state} {ledger:?}"))
            }
        });
        off.unwrap_or_else(|error| panic!("{error}"));
    }

    /// With these settings, and the service goes by them: what it hears before counts as unpublished.
    pub(crate) fn on(&mut self, settings: &[Setting<'_>]) {
        self.rig.apply(settings);
        let on = awaited("LinkState other than off", || {
            if self.rig.word("LinkState") == "off" { Err("off".into()) } else { Ok(()) }
        });
        on.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(crate) fn settings(&self, case: Case) -> Vec<Setting<'static>> {
        vec![
            ("Protocol", "s", "mqtt".into()),
            ("Port", "q", self.broker.port(case.version, case.tls).to_string()),
            ("EncryptionMode", "s", if case.tls { "certificate" } else { "none" }.into()),
            ("MqttVersion", "s", case.version.into()),
            ("ScanQos", "y", case.qos.to_string()),
            ("ConnectionType", "s", case.connection.into()),
            ("ScanTopic", "s", case.topic()),
        ]
    }

    /// Publishes some adverts with these settings.
    fn case(&mut self, case: Case) -> Outcome {
        self.off();
        let before = self.rig.ledger();
        let failures = self.rig.stat("Failures").as_u64().expect("a count");
        self.on(&self.settings(case));
        let numbers = self.rig.play(ADVERTS);
        let spoken = self.broker.kind.versions.contains(&case.version);
        let topic = case.topic();
        let _ = awaited("all arrives", || {
            let ledger = self.rig.ledger();
            let (published, arrived) = (ledger["Published"] - before["Published"], self.arrived(&topic).len());
            let error = self.rig.word("LastError");
            let over = if spoken {
                published == u64::from(ADVERTS) && arrived == ADVERTS as usize
            } else {
                // A broker that closes without a word is given some trials; one that does not answer, its time.
                let failures = self.rig.stat("Failures").as_u64().expect("a count") - failures;
                matches!(&*error, "mqtt-version" | "timeout") || failures > SILENT_REFUSALS
            };
            if over { Ok(()) } else { Err(error) }
        });
        let ledger = self.rig.ledger();
        let (word, detail) = (self.rig.word("LastError"), self.rig.word("LastErrorDetail"));
        let limit = self.rig.stat("MaximumQos").as_u64().and_then(|qos| u8::try_from(qos).ok()).expect("0-2");
        let limit = (limit, self.rig.word("MaximumQosReason"));
        self.off();
        let arrived = self.arrived(&topic).len();
        eprintln!("   {}: {arrived} of {ADVERTS} arrived {word} {detail}", case.name());
        let complaints = self.complaints(!spoken || limit.0 < case.qos);
        Outcome {
            case,
            numbers,
            published: ledger["Published"] - before["Published"],
            dropped: ledger["Dropped"] - before["Dropped"],
            error: (!word.is_empty()).then_some((word, detail)),
            limit,
            complaints,
            arrived: BTreeMap::new(),
        }
    }

    /// What the broker's log has against us since the last call. Lines that are expected may come late: waits for them.
    pub(crate) fn complaints(&mut self, expected: bool) -> Vec<String> {
        if expected {
            let (mut length, mut since) = (self.broker.log.len(), Instant::now());
            while since.elapsed() < Duration::from_millis(500) {
                std::thread::sleep(Duration::from_millis(20));
                let now = self.broker.log.len();
                if now != length {
                    (length, since) = (now, Instant::now());
                }
            }
        }
        let from = std::mem::replace(&mut self.log_seen, self.broker.log.len());
        self.broker.complaints(from)
    }
}

/// Of these messages.
pub(crate) fn numbers(messages: &[Received]) -> BTreeMap<u32, Vec<u8>> {
    let mut found = BTreeMap::<u32, Vec<u8>>::new();
    for message in messages {
        let items: Vec<Value> = serde_json::from_str(&message.payload).expect("a JSON array");
        for item in items {
            found.entry(number(item["adData"].as_str().expect("adData"))).or_default().push(message.qos);
        }
    }
    found
}

/// Whether all of these are among them.
pub(crate) fn has_all(found: &BTreeMap<u32, Vec<u8>>, numbers: &Range<u32>) -> Result<(), String> {
    let missing: Vec<u32> = numbers.clone().filter(|number| !found.contains_key(number)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{} of {} missing", missing.len(), numbers.len())) }
}
