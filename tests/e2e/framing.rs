//! Arrays, objects and envelopes, and what an envelope proves.

use crate::rig::Rig;
use crate::support::air::number;
use crate::support::eventually;
use serde_json::{Value, json};
use std::collections::HashSet;

fn numbers(items: &Value) -> Vec<u32> {
    items.as_array().expect("items").iter().map(|item| number(item["adData"].as_str().expect("adData"))).collect()
}

#[test]
fn object_goes_to_the_topic_of_its_device() {
    let rig = Rig::start();
    rig.connect();
    rig.set("PayloadFormat", &["s", "object"]);
    rig.set("ScanTopic", &["s", "scan/{router}/{device}"]);
    rig.set("PushIntervalMs", &["u", "600000"]);
    rig.air.play(0..50, 3);
    eventually("all arrive", || rig.subscriber.count() == 50);
    let router = rig.stat("Router").as_str().expect("an address").to_owned();
    for (n, (topic, item)) in rig.messages().into_iter().enumerate() {
        let device = item["bdaddrs"][0]["bdaddr"].as_str().expect("an address");
        assert_eq!(topic, format!("scan/{router}/{device}"));
        assert_eq!(number(item["adData"].as_str().expect("adData")), n as u32, "in the order in which they were heard");
    }
    let topics: HashSet<_> = rig.messages().into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics.len(), 3);
    eventually("booked", || rig.ledger()["Messages"] == 50);
    // A topic of devices and a message of several do not go together.
    let refusal = rig.bus.set(crate::support::identities::Who::Admin, "PayloadFormat", &["s", "array"]);
    assert!(refusal.is_err_and(|text| text.contains("ScanTopic: expected ")));
}

#[test]
fn framing_that_changes_closes_the_open_batch_first() {
    let rig = Rig::start();
    rig.connect();
    rig.set("PushIntervalMs", &["u", "600000"]);
    rig.air.play(0..3, 1);
    eventually("heard", || rig.ledger()["Queued"] == 3);
    rig.set("PayloadFormat", &["s", "envelope"]);
    eventually("the array", || rig.subscriber.count() == 1);
    rig.air.play(3..5, 1);
    eventually("heard", || rig.ledger()["Queued"] == 2);
    rig.set("PayloadFormat", &["s", "object"]);
    eventually("the envelope", || rig.subscriber.count() == 2);
    rig.air.play(5..6, 1);
    eventually("the object", || rig.subscriber.count() == 3);
    let messages = rig.messages();
    assert_eq!(numbers(&messages[0].1), [0, 1, 2]);
    assert_eq!(numbers(&messages[1].1["data"]), [3, 4]);
    assert!(messages[2].1["adData"].is_string());
}

/// The envelopes so far: number and numbered adverts. Fails the test if anything else is wrong with them.
fn envelopes(rig: &Rig) -> Vec<(u64, Vec<u32>)> {
    let messages = rig.messages();
    let (first, router) = (&messages[0].1, rig.stat("Router"));
    let epoch = first["epoch"].as_str().expect("text").to_owned();
    assert!(epoch.len() == 16 && epoch.bytes().all(|b| b.is_ascii_hexdigit()), "{epoch}");
    let check = |(_, envelope): &(String, Value)| {
        let seq = envelope["seq"].as_u64().expect("a number");
        let mut rest = envelope.clone();
        let data = rest["data"].take();
        // No time server set the clock of this test's bus.
        let wanted = json!({"id": format!("{epoch}-{seq}"), "action": "data.scan", "timestamp": 0, "gateway": router,
                            "epoch": epoch, "seq": seq, "data": null});
        assert_eq!(rest, wanted);
        (seq, numbers(&data))
    };
    messages.iter().map(check).collect()
}

#[test]
fn envelope_numbers_have_a_gap_exactly_where_messages_were_lost() {
    let rig = Rig::start();
    rig.connect();
    rig.set("PayloadFormat", &["s", "envelope"]);
    rig.set("PushIntervalMs", &["u", "600000"]);
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.set("SpoolMaxBytes", &["u", "0"]);
    // What filters leave out leaves no gap.
    rig.set("FilterRssi", &["n", "0"]);
    rig.air.play(0..100, 3);
    eventually("left out", || rig.ledger()["Filtered"] == 100);
    rig.set("FilterRssi", &["n", "-128"]);
    rig.air.play(0..100, 3);
    eventually("before the outage", || rig.subscriber.count() == 5);
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    rig.air.play(100..2100, 3);
    eventually("heard", || rig.ledger()["Received"] == 2200);
    let dropped = rig.ledger()["Dropped.queue-full"];
    assert!(dropped > 0);
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    rig.await_stat("LinkState", "connected");
    eventually("what was kept", || rig.ledger()["Published"] == 2100 - dropped);
    rig.air.play(2100..2200, 3);
    let count = (2200 - dropped) as usize / 20;
    eventually("after the outage", || rig.subscriber.count() == count);

    let envelopes = envelopes(&rig);
    for (seq, numbers) in &envelopes {
        let first = *seq as u32 * 20;
        assert_eq!(*numbers, (first..first + 20).collect::<Vec<_>>(), "the number tells which adverts these are");
    }
    let gaps: Vec<u64> = envelopes.windows(2).map(|pair| pair[1].0 - pair[0].0 - 1).filter(|gap| *gap > 0).collect();
    assert_eq!(gaps, [dropped / 20]);
    assert_eq!((envelopes[0].0, envelopes.last().map(|last| last.0)), (0, Some(109)));
}

#[test]
fn numbers_stay_whole_across_reconnections_and_a_restart_has_another_epoch() {
    let mut rig = Rig::start();
    rig.connect();
    rig.set("PayloadFormat", &["s", "envelope"]);
    rig.set("ScanQos", &["y", "1"]);
    rig.set("PushBatchSize", &["u", "1"]);
    rig.air.play(0..10, 1);
    eventually("a start", || rig.subscriber.count() >= 10);
    // Other settings of the connection while messages are on their way.
    for round in 1..6 {
        rig.air.play(round * 200..round * 200 + 200, 1);
        rig.set("KeepAliveSecs", &["q", &(60 + round).to_string()]);
    }
    eventually("booked", || rig.ledger()["Published"] == 1010);
    let numbers = || envelopes(&rig).iter().map(|(seq, _)| *seq).collect::<HashSet<_>>();
    eventually("all numbers", || numbers().len() == 1010);
    assert_eq!(numbers(), (0..1010).collect());

    let (before, count) = (rig.messages()[0].1["epoch"].clone(), rig.subscriber.count());
    rig.restart();
    rig.await_stat("LinkState", "connected");
    rig.air.play(0..1, 1);
    eventually("another message", || rig.subscriber.count() == count + 1);
    let last = rig.messages().pop().expect("a message").1;
    assert_ne!(last["epoch"], before);
    assert_eq!(last["seq"], 0);
}
