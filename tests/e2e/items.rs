//! What an item has on request: its time, a decoded beacon, the event type's key of old.

use crate::rig::Rig;
use crate::support::bus::Bus;
use crate::support::eventually;
use radio_controller::{Address, Advert};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn advert(data: &[u8]) -> Advert {
    Advert::new(Address([0xCC, 0x1B, 0xE0, 0, 0, 1]), data)
}

/// systemd-timedated, as far as it is asked.
struct Timedate;

#[zbus::interface(name = "org.freedesktop.timedate1")]
impl Timedate {
    #[zbus(property, name = "NTPSynchronized")]
    fn synchronised(&self) -> bool {
        true
    }
}

/// A time server answered: from now on timedated is on the bus and says so.
pub(crate) fn time_server_answers(bus: &Bus) {
    let (address, (told, ready)) = (bus.address().to_owned(), std::sync::mpsc::channel());
    // It ends with the test.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let builder = zbus::connection::Builder::address(address.as_str());
            let served = builder.serve_at("/org/freedesktop/timedate1", Timedate).name("org.freedesktop.timedate1");
            let connection = served.build().await.expect("a name on the bus");
            told.send(()).expect("awaited");
            connection.closed().await;
        });
    });
    ready.recv().expect("timedated");
}

/// Milliseconds since 1970 of `2026-03-08T10:07:17.723Z`, by coreutils.
pub(crate) fn millis(text: &str) -> u128 {
    let output = std::process::Command::new("date").args(["-u", "+%s%3N", "-d", text]).output().expect("date");
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or_else(|_| panic!("{text} is no time"))
}

pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis()
}

#[test]
fn timestamps_are_withheld_until_a_time_server_set_the_clock() {
    let rig = Rig::start();
    rig.connect();
    rig.set("Timestamp", &["b", "true"]);
    assert_eq!(rig.stat("ClockSynchronised"), false);
    rig.air.hear(&advert(b"early"));
    assert_eq!(rig.await_items(1)[0].get("timestamp"), None);
    assert_eq!(rig.stat("TimestampsWithheld"), 1);

    time_server_answers(&rig.bus);
    eventually("the clock is trusted", || rig.stat("ClockSynchronised") == true);
    let before = now();
    rig.air.hear(&advert(b"known"));
    let item = rig.await_items(2).remove(1);
    let text = item["timestamp"].as_str().expect("text");
    assert!(text.len() == 24 && text.ends_with('Z') && (before..=now()).contains(&millis(text)), "{text}");

    rig.set("TimestampFormat", &["s", "local"]);
    rig.air.hear(&advert(b"local"));
    let item = rig.await_items(3).remove(2);
    let text = item["timestamp"].as_str().expect("text").to_owned();
    let words: Vec<&str> = text.split(' ').collect();
    assert!(
        matches!(words[..], [date, time, zone] if date.len() == 10 && time.len() == 12 && zone.len() >= 3),
        "{text}"
    );

    rig.set("PayloadFormat", &["s", "envelope"]);
    rig.air.hear(&advert(b"envelope"));
    eventually("an envelope", || rig.subscriber.count() == 4);
    let envelope = rig.messages().remove(3).1;
    let closed = u128::from(envelope["timestamp"].as_u64().expect("milliseconds"));
    assert!((before..=now()).contains(&closed), "{closed}");
    assert_eq!(rig.stat("TimestampsWithheld"), 1);
}

#[test]
fn beacons_are_decoded_and_the_key_of_the_event_type_is_the_one_asked_for() {
    let rig = Rig::start();
    rig.connect();
    let uuid = b"\xB9\x40\x7F\x30\xF5\xF8\x46\x6E\xAF\xF9\x25\x55\x6B\x57\xFE\x6D";
    let ibeacon = [&b"\x02\x01\x06\x1A\xFF\x4C\x00\x02\x15"[..], uuid, b"\x00\x49\x00\x0A\xC5"].concat();
    rig.air.hear(&advert(&ibeacon));
    let plain = rig.await_items(1).remove(0);
    assert_eq!((plain.get("beacon"), &plain["evtType"]), (None, &json!(0)));
    rig.set("Beacon", &["b", "true"]);
    rig.set("EventTypeKey", &["s", "evt_type"]);
    rig.air.hear(&advert(&ibeacon));
    rig.air.hear(&advert(b"\x03\x03\xAA\xFE\x0D\x16\xAA\xFE\x10\xF8\x03cassia\x07"));
    let items = rig.await_items(3);
    let wanted = json!({"type": "iBeacon", "UUID": "B9407F30-F5F8-466E-AFF9-25556B57FE6D", "major": 73, "minor": 10,
                        "txPower": -59});
    assert_eq!((&items[1]["beacon"], &items[1]["evt_type"], &items[1]["evtType"]), (&wanted, &json!(0), &Value::Null));
    assert_eq!(items[2]["beacon"], json!({"type": "EddystoneURL", "url": "https://cassia.com", "txPower": -8}));
}
