//! What waited says for how long.

use crate::rig::Rig;
use crate::support::air::number;
use crate::support::broker_subscriber::Subscriber;
use crate::support::eventually;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Items that waited longer have an age, in milliseconds.
const FRESH: u64 = 5_000;

/// Number and age of each item that arrived, whatever its framing.
fn ages(rig: &Rig) -> Vec<(u32, Option<u64>)> {
    let items = |message: Value| match message {
        Value::Array(items) => items,
        mut envelope if envelope.get("data").is_some() => match envelope["data"].take() {
            Value::Array(items) => items,
            other => panic!("{other}"),
        },
        object => vec![object],
    };
    let item = |item: Value| {
        let age = item.get("age").map(|age| age.as_u64().expect("milliseconds"));
        (number(item["adData"].as_str().expect("adData")), age)
    };
    let mut ages: Vec<_> = rig.messages().into_iter().flat_map(|(_, message)| items(message)).map(item).collect();
    // QoS 1 may repeat.
    ages.sort_unstable();
    ages.dedup_by_key(|(number, _)| *number);
    ages
}

/// Plays adverts, and waits until they wait. Between these two moments they were received.
fn hear(rig: &Rig, numbers: std::ops::Range<u32>) -> (Instant, Instant) {
    let (before, received) = (Instant::now(), rig.ledger()["Received"]);
    rig.air.play(numbers.clone(), 1);
    eventually("heard", || rig.ledger()["Received"] == received + u64::from(numbers.end - numbers.start));
    (before, Instant::now())
}

fn wait_until(since: Instant, age: u64) {
    eventually("time passes", || since.elapsed() > Duration::from_millis(age));
}

/// The age is that of the moment of sending, which lies between these two.
fn assert_age(age: Option<u64>, received: (Instant, Instant), sent: (Instant, Instant)) {
    let age = Duration::from_millis(age.expect("an age"));
    // Half a millisecond is rounded off at either end.
    let (least, most) = (sent.0.duration_since(received.1), sent.1.duration_since(received.0));
    assert!(
        age + Duration::from_millis(1) >= least && age <= most + Duration::from_millis(1),
        "{least:?} {age:?} {most:?}"
    );
}

#[test]
fn age_tells_how_long_an_outage_was_in_all_framings() {
    let mut rig = Rig::start();
    rig.set("ScanQos", &["y", "1"]);
    rig.connect();
    rig.broker.kill();
    rig.await_stat("LinkState", "waiting");
    let mut received = Vec::new();
    for (n, framing) in (0..).step_by(10).zip(["array", "object", "envelope"]) {
        rig.set("PayloadFormat", &["s", framing]);
        received.push(hear(&rig, n..n + 3));
    }
    wait_until(received[2].1, FRESH + 500);
    // So that nothing arrives before somebody listens.
    rig.set("Port", &["q", "1"]);
    rig.broker.restart();
    rig.subscriber = Subscriber::start(&rig.broker, "#");
    let young = hear(&rig, 90..93);
    let before = Instant::now();
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    eventually("all arrive", || ages(&rig).len() == 12);
    let sent = (before, Instant::now());
    for (number, age) in ages(&rig) {
        match number {
            90.. => assert!(age.is_none() || young.0.elapsed() > Duration::from_millis(FRESH), "{number} {age:?}"),
            _ => assert_age(age, received[number as usize / 10], sent),
        }
    }
}

#[test]
fn age_goes_on_over_restarts_of_the_service() {
    let mut rig = Rig::start();
    rig.set("ScanQos", &["y", "1"]);
    rig.connect();
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    let received = hear(&rig, 0..50);
    rig.restart();
    eventually("it waits on the disk", || rig.ledger()["Spooled"] == 50);
    // Once more, by kill -9.
    rig.service.kill_now();
    rig.restart_after_end();
    eventually("it still does", || rig.ledger()["Spooled"] == 50);
    wait_until(received.1, FRESH + 500);
    let before = Instant::now();
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    eventually("all arrive", || ages(&rig).len() == 50);
    let sent = (before, Instant::now());
    ages(&rig).into_iter().for_each(|(_, age)| assert_age(age, received, sent));
}

#[test]
fn age_is_of_each_item_of_a_batch_that_was_open_for_long() {
    let rig = Rig::start();
    rig.connect();
    rig.set("PushIntervalMs", &["u", "600000"]);
    let old = hear(&rig, 0..3);
    wait_until(old.1, FRESH + 500);
    let before = Instant::now();
    hear(&rig, 3..20);
    eventually("all arrive", || ages(&rig).len() == 20);
    let sent = (before, Instant::now());
    for (number, age) in ages(&rig) {
        match number {
            0..3 => assert_age(age, old, sent),
            _ => assert!(age.is_none() || before.elapsed() > Duration::from_millis(FRESH), "{number} {age:?}"),
        }
    }
}
