//! What a subscriber receives is what the schemas of `docs/schema` say: every kind of item, in every framing, with every key. (The
//! rig judges the messages of all other tests, too.)

use crate::items::time_server_answers;
use crate::rig::Rig;
use crate::support::broker_subscriber::retained;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::schemas::{Schemas, schema};
use radio_controller::advert::{AddressType, Direct, Pdu};
use radio_controller::{Address, Advert};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const IBEACON: &[u8] = b"\x02\x01\x06\x1A\xFF\x4C\x00\x02\x15\xB9\x40\x7F\x30\xF5\xF8\x46\x6E\xAF\xF9\x25\x55\x6B\x57\xFE\x6D\x00\x49\x00\x0A\xC5";

/// One of each kind.
fn adverts() -> Vec<Advert> {
    let address = Address([0xC0, 0x1B, 0, 0, 0, 1]);
    let legacy = |evt, data: &[u8]| Advert { evt, ..Advert::new(address, data) };
    let extended = |evt, data: &[u8]| Advert { hci: Pdu::Extended, evt, sphy: 2, sid: 3, ..Advert::new(address, data) };
    let eddystone = |frame: &[u8]| {
        let head = [0x03, 0x03, 0xAA, 0xFE, frame.len() as u8 + 3, 0x16, 0xAA, 0xFE];
        legacy(3, &[&head, frame].concat())
    };
    vec![
        legacy(0, b"\x02\x01\x06\x06\x09\"\\\x01\xFFx"),
        legacy(1, b""),
        legacy(2, b"\x05\x08short"),
        legacy(4, b""),
        Advert { rssi: 127, addr_type: AddressType::Random, ..legacy(3, b"\x1F\xFF") },
        legacy(0, IBEACON),
        eddystone(b"\x00\xEE0123456789abcdef"),
        eddystone(b"\x10\xF8\x03cassia\x07"),
        eddystone(b"\x20\x00\x0B\xB8\x19\x80\x00\x00\x00\x05\x00\x01\x00\x00"),
        eddystone(b"\x20\x00\x00\x00\x80\x00\x00\x00\x00\x05\x00\x01\x00\x00"),
        eddystone(b"\x20\x01\x0B\xB8\x19\x80\x00\x00\x00\x05\x00\x01\x00\x00\x00\x00"),
        eddystone(b"\x30\x0401234567"),
        extended(1, b"\x02\x01\x06"),
        extended(0x0A, b"\x02\x01\x06"),
        Advert { direct: Some(Direct { addr: address, addr_type: AddressType::Public }), ..extended(5, b"") },
        Advert { addr_type: AddressType::Anonymous, pphy: 3, sphy: 3, txp: -7, interval: 80, ..extended(0, &[7; 200]) },
        Advert { sphy: 0, sid: 255, ..extended(0, b"") },
        Advert { truncated: true, ..extended(0, &[7; 300]) },
    ]
}

/// Fails the test if a message is not as published, or has a key that is not.
fn judge(rig: &Rig) {
    let problems: Vec<_> = rig.messages().iter().flat_map(|(_, message)| Schemas::closed().message(message)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// All items that arrived, in whatever framing.
fn items(rig: &Rig) -> Vec<Value> {
    let of = |message: Value| match message {
        Value::Array(items) => items,
        mut envelope if envelope.get("data").is_some() => {
            envelope["data"].as_array_mut().map(std::mem::take).expect("items")
        }
        status if status.get("state").is_some() => Vec::new(),
        item => vec![item],
    };
    rig.messages().into_iter().flat_map(|(_, message)| of(message)).collect()
}

fn keys(values: &[Value]) -> BTreeSet<String> {
    values.iter().flat_map(|value| value.as_object().expect("an object").keys().cloned()).collect()
}

fn properties(name: &str) -> BTreeSet<String> {
    keys(&[schema(name)["properties"].clone()])
}

#[test]
fn payload_is_as_published_in_every_framing() {
    let rig = Rig::start();
    rig.connect();
    let mut wanted = 0;
    let mut play = |what: &str| {
        adverts().iter().for_each(|advert| rig.air.hear(advert));
        wanted += adverts().len();
        eventually(what, || (items(&rig).len() == wanted).then_some(()).ok_or_else(|| format!("{:?}", rig.messages())));
    };
    for framing in ["array", "object", "envelope"] {
        rig.set("PayloadFormat", &["s", framing]);
        play(framing);
    }
    time_server_answers(&rig.bus);
    eventually("the clock is trusted", || rig.stat("ClockSynchronised") == true);
    rig.set("Timestamp", &["b", "true"]);
    rig.set("Beacon", &["b", "true"]);
    for format in ["rfc3339", "local"] {
        rig.set("TimestampFormat", &["s", format]);
        play(format);
    }
    rig.set("EventTypeKey", &["s", "evt_type"]);
    play("the key of firmware 1.x");
    // Too old to be fresh.
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    let received = rig.ledger()["Received"];
    adverts().iter().for_each(|advert| rig.air.hear(advert));
    eventually("heard", || rig.ledger()["Received"] == received + adverts().len() as u64);
    let heard = Instant::now();
    eventually("five seconds", || heard.elapsed() > Duration::from_millis(5_500));
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    eventually("what waited", || items(&rig).len() == wanted + adverts().len());
    judge(&rig);
    let items = items(&rig);
    assert_eq!(keys(&items), properties("item"), "each key was there");
    let beacons: BTreeSet<_> = items.iter().filter_map(|item| item["beacon"]["type"].as_str()).collect();
    assert_eq!(beacons.len(), 5, "{beacons:?}");
    let envelopes: Vec<_> = rig.messages().into_iter().filter(|(_, message)| message.get("data").is_some()).collect();
    assert_eq!(keys(&envelopes.into_iter().map(|(_, envelope)| envelope).collect::<Vec<_>>()), properties("envelope"));
}

#[test]
fn payload_of_a_connection_test_has_no_items() {
    let rig = Rig::start();
    rig.connect();
    for framing in ["array", "object", "envelope"] {
        let before = rig.subscriber.count();
        rig.set("PayloadFormat", &["s", framing]);
        let report = rig.bus.report(Who::Admin, "TestConnection", &["a{sv}", "0"]);
        assert_eq!(report["Verdict"], "ok", "{report}");
        eventually(framing, || rig.subscriber.count() > before);
    }
    judge(&rig);
    let test = |message: &Value| Schemas::published().problems("connection-test", message).is_empty();
    assert!(rig.messages().iter().all(|(_, message)| test(message)), "{:?}", rig.messages());
}

#[test]
fn payload_of_the_status_topic_is_as_published() {
    let mut rig = Rig::start();
    rig.set("StatusTopic", &["s", "status/{router}"]);
    rig.connect();
    let topic = format!("status/{}", rig.stat("Router").as_str().expect("an address"));
    let await_reason = |rig: &Rig, reason: &str| {
        eventually(reason, || {
            let text = retained(&rig.broker, &topic).ok_or("nothing")?;
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["reason"] == reason { Ok(()) } else { Err(text) }
        });
    };
    await_reason(&rig, "");
    time_server_answers(&rig.bus);
    eventually("the clock is trusted", || rig.stat("ClockSynchronised") == true);
    // Another connection, and so the end of one.
    rig.set("KeepAliveSecs", &["q", "30"]);
    await_reason(&rig, "");
    eventually("one with a time", || rig.messages().iter().any(|(_, status)| status.get("since").is_some()));
    rig.service.kill_now();
    await_reason(&rig, "connection-lost");
    rig.restart_after_end();
    await_reason(&rig, "");
    rig.service.terminate();
    rig.service.ended();
    await_reason(&rig, "stopped");
    judge(&rig);
    let status: Vec<_> = rig.messages().into_iter().map(|(_, message)| message).collect();
    let reasons: BTreeSet<_> = status.iter().filter_map(|message| message["reason"].as_str()).collect();
    assert!(
        ["", "connection-lost", "stopped", "reconfigured"].iter().all(|reason| reasons.contains(reason)),
        "{reasons:?}"
    );
    assert_eq!(keys(&status), properties("status"), "each key was there");
}
