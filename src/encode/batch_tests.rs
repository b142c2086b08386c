use super::*;
use crate::config::Style;
use crate::model::{AddressType, Pdu};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const RX: BootTime = BootTime(0);
const GATEWAY: Address = Address([0xCC, 0x1B, 0xE0, 0xE0, 0xE6, 0xD0]);

fn plan(framing: Framing, size: u32) -> Plan {
    let style = Style { timestamp: None, beacon: false, event_type_key: "evtType" };
    Plan { size, max_bytes: usize::MAX, payload: Payload { framing, style }, gateway: GATEWAY }
}

fn batch(framing: Framing, size: u32) -> Batch {
    Batch::new(plan(framing, size), 0x0123_4567_89AB_CDEF)
}

fn advert(tag: u8) -> Advert<'static> {
    let address = Address([0xC0, 0x1B, 0, 9, 0xAB, tag]);
    Advert { adapter: 0, address, address_type: AddressType::Random, pdu: Pdu::Ind, rssi: -74, data: &[1; 31] }
}

fn parsed(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("JSON")
}

fn then() -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_millis(1_772_964_437_723))
}

#[test]
fn batch_closes_by_size_by_hand_and_by_a_smaller_size() {
    let mut batch = batch(Framing::Array, 2);
    assert_eq!(batch.take(None), None);
    assert!(batch.push(&advert(0), None, RX).is_none());
    assert_eq!(batch.take(None).map(|m| m.adverts), Some(1));
    assert!(batch.is_empty());
    assert!(batch.push(&advert(0), None, RX).is_none());
    assert_eq!(batch.push(&advert(0), None, RX).map(|m| m.adverts), Some(2));
    assert_eq!(batch.configure(plan(Framing::Array, 5), None), None);
    assert!((0..3).all(|_| batch.push(&advert(0), None, RX).is_none()));
    assert_eq!(batch.configure(plan(Framing::Array, 3), None).map(|m| m.adverts), Some(3));
    assert_eq!(batch.len(), 0);
}

#[test]
fn batch_closes_by_bytes() {
    let mut batch = batch(Framing::Array, 1000);
    let smaller = Plan { max_bytes: 1000, ..plan(Framing::Array, 1000) };
    batch.configure(smaller, None);
    let messages: Vec<_> = (0..100).filter_map(|tag| batch.push(&advert(tag), None, RX)).collect();
    assert!(messages.iter().all(|m| (1000..1300).contains(&m.payload.len()) && parsed(m).is_array()), "{messages:?}");
    let adverts: u64 = messages.iter().map(|m| m.adverts).sum();
    assert_eq!(adverts + u64::from(batch.len()), 100);
    // A bound that has become smaller holds at once.
    while batch.is_empty() {
        batch.push(&advert(0), None, RX);
    }
    assert!(batch.configure(Plan { max_bytes: 1, ..smaller }, None).is_some());
}

#[test]
fn batch_closes_before_it_is_larger_than_the_broker_takes() {
    for framing in [Framing::Array, Framing::Envelope] {
        for max in (200..2_000).step_by(37) {
            let mut batch = batch(framing, 1000);
            batch.set_max_payload(max);
            let mut messages: Vec<_> =
                (0..40).filter_map(|tag| batch.push(&advert(tag), then(), BootTime(0))).collect();
            messages.extend(batch.take(then()));
            assert_eq!(messages.iter().map(|message| message.adverts).sum::<u64>(), 40);
            for message in &messages {
                let value = parsed(message);
                let items = if framing == Framing::Array { &value } else { &value["data"] };
                assert_eq!(items.as_array().map(|items| items.len() as u64), Some(message.adverts));
                assert!(message.payload.len() <= max || message.adverts == 1, "{} > {max}", message.payload.len());
            }
            // No smaller than need be.
            let longest = messages.iter().map(|message| message.payload.len()).max().expect("messages");
            assert!(longest + 460 > max.min(6_000), "{longest} of {max}");
        }
    }
}

#[test]
fn batch_has_little_spare_room() {
    let mut batch = batch(Framing::Array, 1000);
    for round in 1..5 {
        for _ in 0..round * 7 {
            batch.push(&advert(0), None, RX);
        }
        let message = batch.take(None).expect("adverts");
        assert!(message.payload.capacity() <= message.payload.len() * 5 / 4);
    }
}

#[test]
fn object_is_one_item_and_names_its_device() {
    let mut batch = batch(Framing::Object, 20);
    for tag in 0..3 {
        let message = batch.push(&advert(tag), None, RX).expect("one item a message");
        assert_eq!((message.adverts, message.device), (1, Some(advert(tag).address)));
        assert_eq!(parsed(&message)["bdaddrs"][0]["bdaddr"], advert(tag).address.to_string());
    }
    assert_eq!(batch.take(None), None);
}

#[test]
fn envelope_names_gateway_epoch_and_number() {
    let mut batch = batch(Framing::Envelope, 2);
    assert!(batch.push(&advert(0), then(), RX).is_none());
    let first = batch.push(&advert(1), then(), RX).expect("full");
    assert_eq!((first.adverts, first.device), (2, None));
    let mut first = parsed(&first);
    let items = first["data"].take();
    assert_eq!(items.as_array().map(Vec::len), Some(2));
    let wanted = json!({
        "id": "0123456789abcdef-0", "action": "data.scan", "timestamp": 1_772_964_437_723_u64,
        "gateway": "CC:1B:E0:E0:E6:D0", "epoch": "0123456789abcdef", "seq": 0, "data": null,
    });
    assert_eq!(first, wanted);
    // Without a clock that can be trusted there is no time.
    batch.push(&advert(0), None, RX);
    let second = parsed(&batch.take(None).expect("one"));
    assert_eq!((&second["timestamp"], &second["seq"]), (&json!(0), &json!(1)));
    assert_eq!(second["id"], "0123456789abcdef-1");
}

#[test]
fn batch_closes_with_other_framing_and_uses_up_no_number() {
    let mut batch = batch(Framing::Envelope, 20);
    batch.push(&advert(0), None, RX);
    let closed = batch.configure(plan(Framing::Array, 20), None).expect("closed");
    assert_eq!(parsed(&closed)["seq"], 0);
    batch.push(&advert(1), None, RX);
    let closed = batch.configure(plan(Framing::Object, 20), None).expect("closed");
    assert_eq!(parsed(&closed).as_array().map(Vec::len), Some(1));
    assert!(parsed(&batch.push(&advert(2), None, RX).expect("an object")).is_object());
    assert_eq!(batch.configure(plan(Framing::Envelope, 1), None), None);
    assert_eq!(parsed(&batch.push(&advert(3), None, RX).expect("full"))["seq"], 1);
}

proptest! {
    #[test]
    fn envelopes_are_numbered_without_gaps_whatever_closes_them(steps in prop::collection::vec((0u8..5, 1u32..6), 0..80)) {
        let (mut batch, mut messages, mut pushed) = (batch(Framing::Envelope, 3), Vec::new(), 0);
        let mut framing = Framing::Envelope;
        for (step, size) in steps {
            match step {
                0 => messages.extend(batch.take(then())),
                1 => {
                    framing = [Framing::Envelope, Framing::Array, Framing::Object][size as usize % 3];
                    messages.extend(batch.configure(plan(framing, size), then()));
                }
                _ => {
                    pushed += 1;
                    messages.extend(batch.push(&advert(0), then(), RX));
                }
            }
            prop_assert!(framing != Framing::Object || batch.is_empty());
        }
        messages.extend(batch.take(then()));
        prop_assert_eq!(messages.iter().map(|m| m.adverts).sum::<u64>(), pushed);
        let envelopes = messages.iter().map(parsed).filter(|m| m.get("seq").is_some());
        for (wanted, envelope) in envelopes.enumerate() {
            prop_assert_eq!(&envelope["seq"], wanted);
        }
    }
}
