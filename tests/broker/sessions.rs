//! The proof by `epoch` and `seq`: at least once with QoS 1, exactly once with QoS 2, wherever connections break.

use crate::service::{Service, candidate, limits, push};
use crate::support::broker::Mosquitto;
use crate::support::broker_subscriber::Subscriber;
use crate::support::cutter::{Cut, Cutter, Fate, Way};
use crate::support::envelopes::Envelopes;
use crate::support::eventually;
use cassia_bypass::config::Candidate;
use cassia_bypass::publisher::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBREL: u8 = 6;
const PUBCOMP: u8 = 7;

fn quick() -> Limits {
    let (base, cap) = (Duration::from_millis(5), Duration::from_millis(20));
    Limits { backoff_base: base, backoff_cap: cap, ..limits() }
}

fn settings(port: u16, qos: u8, version: &str) -> Candidate {
    let mut candidate = candidate(port);
    candidate.raw.scan_qos = qos;
    candidate.raw.mqtt_version = version.into();
    candidate.raw.queue_max_bytes = 64 << 20;
    candidate
}

fn envelope(seq: u64) -> Vec<u8> {
    format!(r#"{{"epoch":"e","seq":{seq},"data":[]}}"#).into_bytes()
}

fn arrived(subscriber: &Subscriber) -> Envelopes {
    Envelopes::read(subscriber.received().iter().map(|message| &*message.payload))
}

/// Every place in the exchange, in every way, from a seed.
fn anywhere(seed: u64, qos: u8) -> impl FnMut() -> Option<Cut> + Send {
    let mut state = seed;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let places: &[(Way, u8)] = match qos {
        1 => &[(Way::Down, CONNACK), (Way::Up, PUBLISH), (Way::Down, PUBACK)],
        _ => &[
            (Way::Down, CONNACK),
            (Way::Up, PUBLISH),
            (Way::Down, PUBREC),
            (Way::Up, PUBREL),
            (Way::Down, PUBCOMP),
            (Way::Up, PUBLISH),
            (Way::Down, PUBREC),
            (Way::Up, PUBREL),
            (Way::Down, PUBCOMP),
        ],
    };
    move || {
        let (way, kind) = places[random(places.len())];
        let nth = if kind == CONNACK { 1 } else { 1 + random(60) };
        Some(Cut { way, kind, nth, fate: [Fate::Dropped, Fate::Halved, Fate::Passed][random(3)] })
    }
}

/// Traffic, while the connection breaks so many times; then what arrived of it.
fn cuts(qos: u8, version: &str, seed: u64, count: usize) -> Envelopes {
    let broker = Mosquitto::start();
    let subscriber = Subscriber::start(&broker, "scanTopic");
    let cutter = Cutter::start(broker.ports.anonymous, anywhere(seed, qos));
    let mut service = Service::with(settings(cutter.port, qos, version), quick());
    let (over, next) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if service.queue.depth().0 < 100 {
                    push(&service.stats, &service.queue, envelope(next.fetch_add(1, Ordering::Relaxed)));
                }
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        let end = std::time::Instant::now() + Duration::from_secs(300);
        while cutter.cuts() < count {
            assert!(
                std::time::Instant::now() < end,
                "{} cuts: {:?} {:?}",
                cutter.cuts(),
                service.ledger(),
                service.link()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        cutter.plan(|| None);
        over.store(true, Ordering::Relaxed);
    });
    service.all_published();
    let (sent, cuts) = (next.into_inner(), cutter.cuts());
    assert_eq!((service.ledger().received, service.ledger().dropped_total()), (sent, 0));
    eventually("all arrived", || arrived(&subscriber).count() as u64 == sent);
    service.stop();
    let seen = arrived(&subscriber);
    assert_eq!(seen.missing(), [], "acknowledged, but lost");
    println!("QoS {qos}, MQTT {version}: {sent} messages, {cuts} cuts, {} came twice", seen.repeated().len());
    seen
}

#[test]
fn sessions_at_qos_1_lose_nothing_over_two_hundred_cuts() {
    cuts(1, "3.1.1", 1, 200);
}

#[test]
fn three_hundred_cuts_at_qos_2_deliver_each_message_once() {
    assert_eq!(cuts(2, "3.1.1", 2, 300).repeated(), []);
}

#[test]
fn sessions_at_qos_2_with_mqtt_5_deliver_each_message_once_over_two_hundred_cuts() {
    assert_eq!(cuts(2, "5", 3, 200).repeated(), []);
}

#[test]
fn fifty_cuts_at_qos_2_with_mqtt_3_1_deliver_each_message_once() {
    assert_eq!(cuts(2, "3.1", 4, 50).repeated(), []);
}

/// A restart of the service when the exchange of some messages has come this far.
fn restart(version: &str, held: Cut) {
    let broker = Mosquitto::start();
    let subscriber = Subscriber::start(&broker, "scanTopic");
    let state = tempfile::tempdir().expect("a directory");
    let cutter = Cutter::start(broker.ports.anonymous, || None);
    let limits = Limits { drain: Duration::from_millis(500), ..quick() };
    let settings = settings(cutter.port, 2, version);
    let mut first = Service::with_state(settings.clone(), limits, Some(state.path()));
    first.connected();
    (0..10).for_each(|seq| first.push(envelope(seq)));
    first.all_published();
    // The connection on which this happens.
    let mut held = Some(held);
    cutter.plan(move || held.take());
    first.set(|candidate| candidate.raw.keep_alive_secs = 61);
    eventually("connected again", || first.link().connects == 2);
    (10..40).for_each(|seq| first.push(envelope(seq)));
    eventually("some are in flight", || cutter.cuts() == 1 && first.ledger().in_flight == 20);
    first.stop();
    let before = first.ledger();
    drop(first);
    assert!(before.in_flight > 0, "{before:?}");
    let mode = std::os::unix::fs::MetadataExt::mode(&state.path().join("session").metadata().expect("a file"));
    assert_eq!(mode & 0o777, 0o600);

    let mut second = Service::with_state(settings, limits, Some(state.path()));
    second.connected();
    assert!(!state.path().join("session").exists(), "used once only");
    (40..60).for_each(|seq| second.push(envelope(seq)));
    eventually("all of the second run are published", || {
        let ledger = second.ledger();
        let kept = before.in_flight + before.spooled;
        ledger.recovered == kept && ledger.published == ledger.received + ledger.recovered
    });
    second.stop();
    assert!(!state.path().join("session").exists(), "nothing is in flight");
    let expected = 60 - before.dropped_total();
    eventually("all arrived", || arrived(&subscriber).count() as u64 == expected);
    let seen = arrived(&subscriber);
    assert_eq!(seen.repeated(), []);
    // What waited behind the window went to the spool, or was counted.
    assert_eq!(seen.missing().len() as u64, before.dropped_total());
    println!("MQTT {version} {held:?}: {} taken over", before.in_flight);
}

#[test]
fn session_over_a_restart_of_the_service_delivers_each_message_once() {
    for version in ["3.1.1", "5"] {
        for (way, kind) in [(Way::Up, PUBLISH), (Way::Down, PUBREC), (Way::Up, PUBREL), (Way::Down, PUBCOMP)] {
            for nth in [1, 8] {
                restart(version, Cut { way, kind, nth, fate: Fate::Held });
            }
        }
    }
}

/// An envelope with a length of its own, by which it is known in the broker's log.
fn of_own_length(seq: u64) -> Vec<u8> {
    let room = " ".repeat(seq as usize);
    format!(r#"{{"epoch":"e","seq":{seq:<7},"data":[{room}]}}"#).into_bytes()
}

/// Packet ids with which each message came to the broker, by the length of its payload.
fn packet_ids(broker: &Mosquitto) -> BTreeMap<usize, BTreeSet<u16>> {
    let mut ids = BTreeMap::<_, BTreeSet<_>>::new();
    for line in broker.log.all().iter().filter(|line| line.contains("Received PUBLISH from")) {
        let part = |from: &str, to| line.rsplit_once(from).and_then(|(_, rest)| rest.split_once(to)).expect("logged").0;
        let (id, length) = (part(" r0, m", ","), part("(", " bytes"));
        ids.entry(length.parse().expect("a length")).or_default().insert(id.parse().expect("an id"));
    }
    ids
}

/// The broker restarts in the middle, in order or killed. How many messages came to it as new ones more than once.
fn restarts(version: &str, kill: bool) -> usize {
    let directory = tempfile::tempdir().expect("a directory");
    let more = format!(
        // For the subscriber, which may take longer to come back than the service takes for a thousand messages.
        "max_queued_messages 0\npersistence true\npersistence_location {}/\nautosave_interval 1\nautosave_on_changes true",
        directory.path().display()
    );
    let mut broker = Mosquitto::with(None, &more);
    let subscriber = Subscriber::lasting(&broker, "scanTopic");
    let service = Service::with(settings(broker.ports.anonymous, 2, version), quick());
    let mut next = 0;
    for _ in 0..10 {
        let before = service.ledger().published;
        for _ in 0..200 {
            service.push(of_own_length(next));
            next += 1;
        }
        eventually("traffic flows", || service.ledger().published > before + 50);
        if kill {
            broker.kill();
        } else {
            broker.stop();
        }
        broker.restart();
    }
    service.all_published();
    let ids = packet_ids(&broker);
    assert_eq!(ids.len(), next as usize, "each came to the broker");
    if !kill {
        // What the broker delivers to its subscriber after a restart it may deliver twice.
        eventually("all arrived", || arrived(&subscriber).count() == next as usize);
    }
    let again = ids.values().filter(|ids| ids.len() > 1).count();
    let failures = service.link().failures;
    println!("MQTT {version}, killed {kill}: {next} messages, {failures} failures, {again} anew");
    again
}

#[test]
fn session_over_a_restart_of_the_broker_delivers_each_message_once() {
    for version in ["3.1.1", "5"] {
        assert_eq!(restarts(version, false), 0);
    }
}

#[test]
fn session_that_a_killed_broker_saved_is_resumed() {
    assert_eq!(restarts("3.1.1", true), 0);
}

#[test]
fn session_that_the_broker_forgot_delivers_everything_at_least_once() {
    let mut broker = Mosquitto::start();
    let service = Service::with(settings(broker.ports.anonymous, 2, "3.1.1"), quick());
    for round in 0..5 {
        let before = service.ledger().published;
        (0..500).for_each(|seq| service.push(envelope(500 * round + seq)));
        eventually("traffic flows", || service.ledger().published > before + 20);
        broker.kill();
        broker.restart();
    }
    service.all_published();
    assert_eq!(service.ledger().dropped_total(), 0);
}

#[test]
fn session_of_an_earlier_run_that_left_no_file_is_discarded() {
    for version in ["3.1.1", "5"] {
        let broker = Mosquitto::start();
        let subscriber = Subscriber::start(&broker, "scanTopic");
        // No state directory: as after kill -9.
        let hold = Cut { way: Way::Down, kind: PUBREC, nth: 1, fate: Fate::Held };
        let mut hold = Some(hold);
        let cutter = Cutter::start(broker.ports.anonymous, || None);
        let limits = Limits { drain: Duration::from_millis(200), ..quick() };
        let mut first = Service::with(settings(cutter.port, 2, version), limits);
        first.connected();
        cutter.plan(move || hold.take());
        first.set(|candidate| candidate.raw.keep_alive_secs = 61);
        eventually("connected again", || first.link().connects == 2);
        (0..20).for_each(|seq| first.push(envelope(seq)));
        eventually("the broker has them", || broker.received() >= 20);
        first.stop();
        assert_eq!(first.ledger().dropped_total(), 20);
        drop(first);
        // The same packet ids again, which the broker would take for repetitions.
        let second = Service::with(settings(cutter.port, 2, version), limits);
        (100..120).for_each(|seq| second.push(envelope(seq)));
        second.all_published();
        let new = || arrived(&subscriber).epochs.get("e").map_or(0, |seen| seen.range(100..).count());
        eventually("all arrived", || new() == 20);
        assert_eq!(arrived(&subscriber).repeated(), []);
    }
}
