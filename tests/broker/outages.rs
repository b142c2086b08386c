//! Brokers that die, freeze and come back in the middle of traffic.

use crate::service::{Service, candidate, limits, push};
use crate::support::broker::Mosquitto;
use crate::support::broker_subscriber::Subscriber;
use crate::support::eventually;
use cassia_bypass::model::LinkState;
use cassia_bypass::publisher::Limits;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn quick() -> Limits {
    Limits { backoff_base: Duration::from_millis(20), backoff_cap: Duration::from_millis(200), ..limits() }
}

/// Lengths of the payloads in the broker's "Received PUBLISH" lines, which it writes before it acknowledges.
fn lengths(broker: &Mosquitto) -> HashSet<usize> {
    let lines = broker.log.all();
    let received = lines.iter().filter(|line| line.contains("Received PUBLISH from"));
    let length = |line: &String| line.rsplit_once("(")?.1.split_once(" bytes")?.0.parse().ok();
    received.filter_map(length).collect()
}

/// Fifty deaths. Each message has a length of its own, so the broker's log tells which ones it received before it
/// acknowledged them: that survives SIGKILL, unlike what a subscriber or the broker's memory holds.
fn fifty_kills(qos: u8, version: &str) {
    let mut broker = Mosquitto::start();
    let mut candidate = candidate(broker.ports.anonymous);
    candidate.raw.scan_qos = qos;
    candidate.raw.mqtt_version = version.into();
    candidate.raw.queue_max_bytes = 64 << 20;
    let mut service = Service::with(candidate, quick());
    service.connected();
    let over = Arc::new(AtomicBool::new(false));
    let pusher = std::thread::spawn({
        let (over, stats, queue) = (over.clone(), service.stats.clone(), service.queue.clone());
        move || {
            let mut next = 1;
            while !over.load(Ordering::Relaxed) {
                // There is always something to do, and never too much for the queue.
                for _ in 0..if queue.depth().0 < 500 { 4 } else { 0 } {
                    push(&stats, &queue, vec![b'x'; next]);
                    next += 1;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            next
        }
    });
    for _ in 0..50 {
        let before = service.ledger().published;
        eventually("traffic flows", || service.ledger().published > before + 5);
        broker.kill();
        broker.restart();
    }
    over.store(true, Ordering::Relaxed);
    let pushed = pusher.join().expect("no panic") - 1;
    service.all_published();
    let (ledger, link) = (service.ledger(), service.link());
    assert_eq!((ledger.received, ledger.dropped_total()), (pushed as u64, 0));
    assert!(link.failures >= 50, "{link:?}");
    service.stop();
    broker.kill();
    if qos > 0 {
        let known = lengths(&broker);
        let missing: Vec<_> = (1..=pushed).filter(|length| !known.contains(length)).collect();
        assert!(missing.is_empty(), "acknowledged, but never received: {missing:?}");
    }
    println!("{pushed} messages, {} failures, {} received", link.failures, broker.received());
}

#[test]
fn fifty_kills_at_qos_1_lose_nothing() {
    fifty_kills(1, "3.1.1");
}

#[test]
fn fifty_kills_at_qos_2_with_mqtt_5_lose_nothing() {
    fifty_kills(2, "5");
}

#[test]
fn fifty_kills_at_qos_0_keep_the_books_right() {
    fifty_kills(0, "3.1.1");
}

#[test]
fn outage_of_a_frozen_broker_is_a_timeout_at_every_qos_and_what_it_missed_comes_later() {
    for qos in 0..=2 {
        let broker = Mosquitto::start();
        let subscriber = Subscriber::start(&broker, "#");
        let mut candidate = candidate(broker.ports.anonymous);
        candidate.raw.scan_qos = qos;
        candidate.raw.queue_max_bytes = 64 << 20;
        let mut limits = quick();
        (limits.stall, limits.ack, limits.answer) =
            (Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(3));
        let service = Service::with(candidate, limits);
        service.connected();
        broker.freeze();
        // More than the buffers of all sockets on the way hold.
        (0..2_000).for_each(|_| service.push(vec![b'x'; 10_000]));
        service.fails_with("timeout");
        broker.thaw();
        service.all_published();
        if qos > 0 {
            eventually("all arrived", || subscriber.count() >= 2_000);
        }
    }
}

#[test]
fn outage_while_nothing_is_published_is_noticed_by_the_missing_ping_response() {
    let broker = Mosquitto::start();
    let mut candidate = candidate(broker.ports.anonymous);
    candidate.raw.keep_alive_secs = 5;
    let service = Service::with(candidate, Limits { answer: Duration::from_secs(2), ..quick() });
    service.connected();
    broker.freeze();
    service.fails_with("timeout");
    broker.thaw();
    service.connected();
}

#[test]
fn outage_is_not_a_broker_that_answers_pings_and_acknowledges_nothing() {
    let broker = Mosquitto::start();
    let mut candidate = candidate(broker.ports.anonymous);
    candidate.raw.keep_alive_secs = 5;
    let service = Service::with(candidate, quick());
    service.connected();
    for busy in [false, true] {
        let before = service.stats.broker_heard().expect("it accepted us");
        eventually("a sign of life", || {
            if busy {
                service.push("[]");
            }
            service.stats.broker_heard().is_some_and(|at| at > before + Duration::from_secs(3))
        });
    }
    assert_eq!(service.link().connects, 1);
}

#[test]
fn stop_sends_what_waits_and_disconnects() {
    let broker = Mosquitto::start();
    let subscriber = Subscriber::start(&broker, "#");
    for (round, connection) in ["long", "short"].into_iter().enumerate() {
        let mut candidate = candidate(broker.ports.anonymous);
        candidate.raw.scan_qos = 1;
        candidate.raw.connection_type = connection.into();
        let mut service = Service::start(candidate);
        (0..300).for_each(|_| service.push("[]"));
        if connection == "long" {
            service.connected();
        }
        service.stop();
        assert_eq!(service.ledger().published, 300);
        eventually("all arrived", || subscriber.count() == 300 * (round + 1));
    }
    assert!(!broker.log.contains("closed its connection"));
}

#[test]
fn stop_without_a_broker_is_quick_and_counts_what_is_lost() {
    let mut broker = Mosquitto::start();
    let mut service = Service::start(candidate(broker.ports.anonymous));
    service.connected();
    broker.kill();
    eventually("waiting", || service.link().state == LinkState::Waiting);
    (0..10).for_each(|_| service.push("[]"));
    let started = Instant::now();
    service.stop();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(service.ledger().dropped(cassia_bypass::model::DropReason::Shutdown), 10);
}

#[test]
fn load_of_a_thousand_messages_of_4_kb_a_second_is_carried() {
    let broker = Mosquitto::start();
    for qos in [0, 1] {
        let mut candidate = candidate(broker.ports.anonymous);
        candidate.raw.scan_qos = qos;
        candidate.raw.queue_max_bytes = 128 << 20;
        let service = Service::start(candidate);
        service.connected();
        let started = Instant::now();
        (0..10_000).for_each(|_| service.push(vec![b'x'; 4096]));
        service.all_published();
        println!("QoS {qos}: {:.0} messages/s", 10_000.0 / started.elapsed().as_secs_f64());
        assert!(started.elapsed() < Duration::from_secs(10), "QoS {qos}: {:?}", started.elapsed());
    }
}
