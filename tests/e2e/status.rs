//! Health on D-Bus and the retained status on the broker say the same, and it is true.

use crate::items::{millis, now, time_server_answers};
use crate::rig::Rig;
use crate::support::broker_subscriber::retained;
use crate::support::{eventually, within};
use serde_json::Value;
use std::time::Duration;

const TOPIC: &str = "status/{router}";

fn topic(rig: &Rig) -> String {
    TOPIC.replace("{router}", rig.stat("Router").as_str().expect("an address"))
}

/// State and reason of the retained message.
fn await_retained(rig: &Rig, topic: &str, state: &str, reason: &str) -> Value {
    eventually(&format!("{topic} says {state} {reason}"), || {
        let text = retained(&rig.broker, topic).ok_or("nothing")?;
        let message: Value = serde_json::from_str(&text).expect("JSON");
        if message["state"] == state && message["reason"] == reason { Ok(message) } else { Err(text) }
    })
}

/// State and reason of the messages on this topic that the subscriber saw, in order.
fn seen(rig: &Rig, topic: &str) -> Vec<String> {
    let messages = rig.messages();
    let words =
        |m: &Value| format!("{} {}", m["state"].as_str().expect("a word"), m["reason"].as_str().expect("a word"));
    messages.iter().filter(|(other, _)| other == topic).map(|(_, m)| words(m).trim_end().to_owned()).collect()
}

fn telling() -> Rig {
    let rig = Rig::start();
    rig.set("StatusTopic", &["s", TOPIC]);
    rig
}

#[test]
fn status_tells_a_late_subscriber_of_online_and_of_the_end() {
    for version in ["3.1", "3.1.1", "5"] {
        let mut rig = telling();
        rig.set("MqttVersion", &["s", version]);
        rig.set("ClientId", &["s", "router"]);
        assert_eq!((rig.stat("Health"), rig.stat("HealthReason")), ("offline".into(), "no-protocol".into()));
        rig.connect();
        rig.await_stat("Health", "online");
        let topic = topic(&rig);
        rig.air.play(0..40, 3);
        eventually("published", || rig.ledger()["Published"] == 40);
        let message = await_retained(&rig, &topic, "online", "");
        assert_eq!((&message["router"], &message["version"]), (&rig.stat("Router"), &rig.stat("Version")));
        assert_eq!(message["broker"], rig.stat("Broker"));
        // Nothing of it is in the books, and QoS 0 counts adverts only.
        let scans = rig.messages().iter().filter(|(topic, _)| topic == "scanTopic").count() as u64;
        let ledger = rig.ledger();
        assert_eq!((ledger["Messages"], ledger["Published"], ledger["Received"]), (scans, 40, 40));
        let names: Vec<&String> = message["ledger"].as_object().expect("counts").keys().collect();
        assert_eq!(names, ledger.keys().collect::<Vec<_>>());
        // Power is cut.
        rig.service.kill_now();
        let will = await_retained(&rig, &topic, "offline", "connection-lost");
        assert_eq!(will["epoch"], message["epoch"]);
        rig.restart_after_end();
        let again = await_retained(&rig, &topic, "online", "");
        assert_ne!(again["epoch"], message["epoch"]);
        // An orderly end: told by the router itself, and the will is taken back.
        rig.service.terminate();
        assert!(rig.service.ended().success());
        await_retained(&rig, &topic, "offline", "stopped");
        assert_eq!(seen(&rig, &topic).iter().filter(|said| *said == "offline connection-lost").count(), 1);
    }
}

#[test]
fn envelopes_and_status_have_the_same_epoch() {
    let rig = telling();
    rig.set("PayloadFormat", &["s", "envelope"]);
    rig.connect();
    rig.air.play(0..1, 1);
    let status = await_retained(&rig, &topic(&rig), "online", "");
    let envelope = eventually("an envelope", || rig.messages().into_iter().find(|(topic, _)| topic == "scanTopic"));
    assert_eq!(envelope.1["epoch"], status["epoch"]);
}

#[test]
fn times_are_told_by_a_clock_that_was_set_only() {
    let rig = telling();
    let before = now();
    rig.connect();
    rig.await_stat("Health", "online");
    let after = now();
    let topic = topic(&rig);
    let message = await_retained(&rig, &topic, "online", "");
    assert_eq!((message.get("since"), &message["timestamp"]), (None, &Value::from(0)));
    assert_eq!(rig.stat("HealthSince"), 0);
    time_server_answers(&rig.bus);
    // Since when it was so is known all the same.
    let message = eventually("the times", || {
        let message: Value = serde_json::from_str(&retained(&rig.broker, &topic)?).expect("JSON");
        message.get("since").is_some().then_some(message)
    });
    let since = millis(message["since"].as_str().expect("text"));
    assert!((before..=after + 1000).contains(&since), "{before} {since} {after}");
    assert_eq!(u128::from(rig.stat("HealthSince").as_u64().expect("milliseconds")), since);
    let written = u128::from(message["timestamp"].as_u64().expect("milliseconds"));
    assert!((since..=now()).contains(&written), "{written}");
}

#[test]
fn status_on_a_topic_that_is_left_has_an_honest_end() {
    let rig = telling();
    rig.connect();
    let old = topic(&rig);
    await_retained(&rig, &old, "online", "");
    rig.set("StatusTopic", &["s", "elsewhere"]);
    await_retained(&rig, "elsewhere", "online", "");
    await_retained(&rig, &old, "offline", "reconfigured");
    rig.set("RouterAddress", &["s", "00:11:22:33:44:55"]);
    rig.set("StatusTopic", &["s", TOPIC]);
    let message = await_retained(&rig, "status/00:11:22:33:44:55", "online", "");
    assert_eq!(message["router"], "00:11:22:33:44:55");
    rig.set("Protocol", &["s", "none"]);
    await_retained(&rig, "status/00:11:22:33:44:55", "offline", "reconfigured");
    rig.await_stat("HealthReason", "no-protocol");
}

#[test]
fn short_connections_tell_it_too() {
    let mut rig = telling();
    rig.set("ConnectionType", &["s", "short"]);
    rig.set("PushIntervalMs", &["u", "10"]);
    rig.configure(crate::support::broker::Scenario::Anonymous);
    let topic = topic(&rig);
    // Nothing is heard, and it is told all the same.
    await_retained(&rig, &topic, "online", "");
    rig.await_stat("LinkState", "idle");
    rig.air.play(0..40, 3);
    eventually("published", || rig.ledger()["Published"] == 40);
    rig.await_stat("LinkState", "idle");
    rig.set("StatusTopic", &["s", "elsewhere"]);
    await_retained(&rig, "elsewhere", "online", "");
    await_retained(&rig, &topic, "offline", "reconfigured");
    rig.service.terminate();
    assert!(rig.service.ended().success());
    await_retained(&rig, "elsewhere", "offline", "stopped");
    assert!(seen(&rig, &topic).iter().all(|said| said == "online" || said == "offline reconfigured"));
}

#[test]
fn status_of_a_broker_that_is_away_or_hangs_is_on_d_bus() {
    let mut rig = telling();
    rig.set("ScanQos", &["y", "1"]);
    rig.connect();
    rig.await_stat("Health", "online");
    let topic = topic(&rig);
    await_retained(&rig, &topic, "online", "");
    rig.broker.freeze();
    rig.air.play(0..40, 3);
    within(Duration::from_secs(25), "no acknowledgement", || {
        (rig.stat("Health"), rig.stat("HealthReason")) == ("degraded".into(), "no-acknowledgement".into())
    });
    // Its subscribers have what it had: it cannot know better.
    assert_eq!(seen(&rig, &topic).last().map(String::as_str), Some("online"));
    rig.broker.thaw();
    rig.await_stat("Health", "online");
    await_retained(&rig, &topic, "online", "");
    rig.broker.kill();
    rig.await_stat("Health", "offline");
    let reason = rig.stat("HealthReason");
    assert!(["broker-closed", "broker-refused"].iter().any(|word| reason == *word), "{reason}");
    rig.broker.restart();
    rig.await_stat("Health", "online");
}

#[test]
fn status_shows_a_loss_for_a_while() {
    let rig = telling();
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.set("SpoolMaxBytes", &["u", "0"]);
    rig.connect();
    let topic = topic(&rig);
    rig.set("Port", &["q", "1"]);
    rig.await_stat("HealthReason", "broker-refused");
    rig.air.play(0..2000, 3);
    eventually("dropped", || rig.ledger()["Dropped.queue-full"] > 0);
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    await_retained(&rig, &topic, "degraded", "dropped-queue-full");
    assert_eq!(rig.stat("Health"), "degraded");
}
