use super::super::batch::{Batch, Plan};
use super::*;
use crate::config::{Framing, Payload, Style, TimestampFormat};
use crate::model::{Address, AddressType, Advert, Extended, Pdu};
use proptest::prelude::*;
use serde_json::Value;
use std::time::{Duration, SystemTime};

const FRAMINGS: [Framing; 3] = [Framing::Array, Framing::Object, Framing::Envelope];

fn batch(framing: Framing, style: Style) -> Batch {
    let payload = Payload { framing, style };
    let plan = Plan { size: 1000, max_bytes: usize::MAX, payload, gateway: Address([1; 6]) };
    Batch::new(plan, 7)
}

const PLAIN: Style = Style { timestamp: None, beacon: false, event_type_key: "evtType" };

fn advert(data: &[u8]) -> Advert<'_> {
    let (address, pdu) = (Address([0xC0, 0x1B, 0, 9, 0xAB, 1]), Pdu::Ind);
    Advert { adapter: 0, address, address_type: AddressType::Random, pdu, rssi: -74, data }
}

fn message(framing: Framing, received: &[i64]) -> Message {
    let mut batch = batch(framing, PLAIN);
    let full = received.iter().find_map(|at| batch.push(&advert(&[1; 31]), None, BootTime(*at)));
    full.or_else(|| batch.take(None)).expect("adverts")
}

fn json(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).expect("JSON")
}

fn items(message: &Value) -> Vec<&Value> {
    match message {
        Value::Array(items) => items.iter().collect(),
        envelope if envelope.get("data").is_some() => envelope["data"].as_array().expect("items").iter().collect(),
        object => vec![object],
    }
}

fn ages(payload: &[u8]) -> Vec<Option<i64>> {
    items(&json(payload)).iter().map(|item| item.get("age").map(|age| age.as_i64().expect("a number"))).collect()
}

#[test]
fn age_is_of_each_item_that_waited_longer_than_five_seconds() {
    for framing in [Framing::Array, Framing::Envelope] {
        let message = message(framing, &[1_000, 1_000, 4_000, 9_000]);
        let at = |now| ages(&payload(&message, BootTime(now)));
        assert_eq!(at(9_001), [Some(8_001), Some(8_001), Some(5_001), None]);
        assert_eq!(at(9_000), [Some(8_000), Some(8_000), None, None]);
        assert_eq!(at(6_000), [None; 4]);
    }
    let object = message(Framing::Object, &[1_000]);
    assert_eq!(ages(&payload(&object, BootTime(61_000))), [Some(60_000)]);
}

#[test]
fn age_costs_no_copy_while_a_message_is_fresh() {
    let message = message(Framing::Array, &[1_000, 2_000]);
    let info = allocation_counter::measure(|| {
        assert!(matches!(payload(&message, BootTime(6_000)), Cow::Borrowed(_)));
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn age_of_an_earlier_run_only_grows() {
    let mut message = message(Framing::Array, &[0, 100_000]);
    message.payload = payload(&message, BootTime(103_000)).into_owned();
    assert_eq!(ages(&message.payload), [Some(103_000), None]);
    // The next run knows less of the first, and the second is old by now.
    message.received = [50_000, 100_000].into_iter().fold(RxTimes::default(), |mut times, at| {
        times.push(BootTime(at));
        times
    });
    assert_eq!(ages(&payload(&message, BootTime(106_000))), [Some(103_000), Some(6_000)]);
    assert_eq!(ages(&payload(&message, BootTime(200_000))), [Some(150_000), Some(100_000)]);
    // One that knows nothing leaves it.
    message.received = RxTimes::default();
    assert_eq!(payload(&message, BootTime(900_000)), message.payload);
}

#[test]
fn age_is_withheld_from_what_is_no_message_of_ours() {
    let mut message = message(Framing::Array, &[0, 0]);
    for text in ["", "[", "[{}]", "[{},{},{}]", "{\"data\":[{},{}", "}{", "\u{1F}\u{8B}\u{8}", "[{\"a\":\"\\"] {
        message.payload = text.as_bytes().to_vec();
        let sent = payload(&message, BootTime(60_000));
        let whole = text == "{\"data\":[{},{}";
        assert_eq!(&*sent == text.as_bytes(), !whole, "{text}");
    }
}

fn pdu() -> impl Strategy<Value = Pdu> {
    let extended = Extended { event_type: 0x13, primary_phy: 1, secondary_phy: 2, sid: 3, tx_power: 127, interval: 0 };
    prop_oneof![Just(Pdu::Ind), Just(Pdu::ScanRsp), Just(Pdu::Extended(extended))]
}

/// Advertising data with a name of any bytes, an iBeacon, or nothing that makes sense.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let named = prop_oneof![
        Just(b"x\",\"age\":99999".to_vec()),
        Just(b"}]}],\\".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let named = named.prop_map(|name| [&[name.len() as u8 + 1, 0x09], &name[..]].concat());
    let ibeacon = [&[26, 0xFF, 0x4C, 0x00, 0x02, 0x15][..], &[0xA5; 16], &[0, 1, 0, 2, 0xC5]].concat();
    prop_oneof![named, Just(ibeacon), prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn age_is_all_that_is_added(
        adverts in prop::collection::vec((data(), pdu(), 0i64..20_000), 1..40), framing in 0usize..3, now in 0i64..100_000,
        timestamp: bool, beacon: bool, again: bool,
    ) {
        let style = Style { timestamp: timestamp.then_some(TimestampFormat::Rfc3339), beacon, ..PLAIN };
        let (mut batch, mut at, mut messages) = (batch(FRAMINGS[framing], style), 0, Vec::new());
        let wall = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        for (data, pdu, later) in &adverts {
            at += later;
            messages.extend(batch.push(&Advert { pdu: *pdu, ..advert(data) }, wall, BootTime(at)));
        }
        messages.extend(batch.take(wall));
        let now = BootTime(at + now);
        for mut message in messages {
            let before = json(&message.payload);
            if again {
                message.payload = payload(&message, BootTime(now.0 - 50_000)).into_owned();
            }
            let mut sent = json(&payload(&message, now));
            let wanted: Vec<_> = message.received.iter().map(|at| Some(now.since(at)).filter(|age| *age > MAX_FRESH_MILLIS)).collect();
            prop_assert_eq!(ages(&payload(&message, now)), wanted);
            let items = match &mut sent {
                Value::Array(items) => items.iter_mut().collect(),
                Value::Object(object) if object.contains_key("data") => object["data"].as_array_mut().expect("items").iter_mut().collect(),
                object => vec![object],
            };
            items.into_iter().for_each(|item| drop(item.as_object_mut().expect("an item").remove("age")));
            prop_assert_eq!(sent, before);
        }
    }
}
