use super::super::batch::{Batch, Plan};
use super::*;
use crate::config::{Framing, Payload, Style};
use crate::model::{Address, AddressType, Advert, BootTime, Pdu};
use proptest::prelude::*;

fn message(framing: Framing, sizes: &[usize]) -> Message {
    let payload = Payload { framing, style: Style { timestamp: None, beacon: false, event_type_key: "evtType" } };
    let plan = Plan { size: 1000, max_bytes: usize::MAX, payload, gateway: Address([1; 6]) };
    let mut batch = Batch::new(plan, 7);
    for (index, size) in sizes.iter().enumerate() {
        let data = vec![b']'; *size];
        let address = Address([0, 0, 0, 0, 0, index as u8]);
        let advert = Advert {
            adapter: 0,
            address,
            address_type: AddressType::Random,
            pdu: Pdu::Ind,
            rssi: index as i8,
            data: &data,
        };
        assert!(batch.push(&advert, None, BootTime(index as i64)).is_none());
    }
    batch.take(None).expect("adverts")
}

fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("JSON")
}

fn items_of(message: &Message) -> Vec<Value> {
    match json(message) {
        Value::Array(items) => items,
        envelope => envelope["data"].as_array().expect("items").clone(),
    }
}

#[test]
fn split_envelopes_have_numbers_without_gaps_and_keep_the_rest() {
    let mut splitter = Splitter::new(9);
    let whole = message(Framing::Envelope, &[10; 7]);
    let first = splitter.split(&whole, 600).expect("parts");
    let again = splitter.split(&first[0], 10).expect("parts");
    let all: Vec<_> = again.iter().chain(&first[1..]).map(json).collect();
    let number =
        |value: &Value| (value["epoch"].as_str().expect("epoch").to_owned(), value["seq"].as_u64().expect("seq"));
    let mut numbers: Vec<_> = all.iter().map(number).collect();
    numbers.sort();
    let mut expected = vec![(format!("{:016x}", 7), 0)];
    expected.extend((0..all.len() as u64 - 1).map(|seq| (format!("{:016x}", 9), seq)));
    assert_eq!(numbers, expected);
    for part in &all {
        assert_eq!(part["id"], format!("{}-{}", part["epoch"].as_str().expect("epoch"), part["seq"]));
        for key in ["action", "gateway", "timestamp"] {
            assert_eq!(part[key], json(&whole)[key]);
        }
    }
}

#[test]
fn split_takes_only_what_it_understands() {
    let mut splitter = Splitter::new(1);
    let with = |payload: &[u8], adverts| Message { payload: payload.to_vec(), adverts, ..Message::default() };
    for (payload, adverts) in [
        (&b"xxxxxxxx"[..], 1),
        (b"{\"a\":1}", 1),
        (b"[{\"a\":1}]", 1),
        (b"[{\"a\":1},{\"a\":2}]", 3),
        (b"[{\"a\":1},{\"a\":2}", 2),
        (b"{\"data\":[{},{}],}", 2),
        (b"", 0),
    ] {
        let text = String::from_utf8_lossy(payload);
        assert_eq!(splitter.split(&with(payload, adverts), 1), None, "{text}");
    }
    assert!(is_divisible(&with(b"[{},{}]", 2)) && !is_divisible(&with(b"[{}]", 1)));
}

proptest! {
    #[test]
    fn split_parts_hold_every_item_once_in_order(
        sizes in prop::collection::vec(0usize..250, 2..30), max in 0usize..5_000, envelope: bool,
    ) {
        let framing = if envelope { Framing::Envelope } else { Framing::Array };
        let whole = message(framing, &sizes);
        let parts = Splitter::new(3).split(&whole, max).expect("parts");
        prop_assert!(parts.len() > 1);
        prop_assert_eq!(parts.iter().map(|part| part.adverts).sum::<u64>(), whole.adverts);
        prop_assert_eq!(parts.iter().flat_map(items_of).collect::<Vec<_>>(), items_of(&whole));
        let times = |message: &Message| message.received.iter().collect::<Vec<_>>();
        prop_assert_eq!(parts.iter().flat_map(times).collect::<Vec<_>>(), times(&whole));
        for part in &parts {
            let aged = super::super::payload(part, BootTime(9_999_999_999_999)).into_owned();
            prop_assert!(part.adverts == 1 || aged.len() <= max, "{} > {max}", aged.len());
        }
    }
}
