use super::*;
use crate::advert::{Address, ad_structures};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What an item has to be, built the slow and obvious way.
fn expected(advert: &Advert<'_>) -> Value {
    let hex: String = advert.data.iter().map(|b| format!("{b:02X}")).collect();
    let named = |wanted| ad_structures(advert.data).find(|(kind, _)| *kind == wanted).map(|(_, name)| name);
    let name = named(9).or_else(|| named(8)).map(|n| String::from_utf8_lossy(n).into_owned());
    let mut item = json!({
        "bdaddrs": [{
            "bdaddr": advert.address.to_string(),
            "bdaddrType": format!("{:?}", advert.address_type).to_lowercase(),
        }],
        "chipId": advert.adapter,
        "evtType": match advert.pdu {
            Pdu::Ind => 0, Pdu::DirectInd => 1, Pdu::ScanInd => 2, Pdu::NonconnInd => 3, Pdu::ScanRsp => 4,
            Pdu::Extended(_) => 5,
        },
        "rssi": advert.rssi,
        "name": name.filter(|n| !n.is_empty()).unwrap_or("(unknown)".into()),
    });
    let mut response = advert.pdu == Pdu::ScanRsp;
    if let Pdu::Extended(e) = advert.pdu {
        response = e.event_type & 8 != 0;
        let word = |phy| ["", "1M", "2M", "CODED"].get(usize::from(phy)).copied().unwrap_or_default();
        let bits = ["Connectable", "Scannable", "Directed", "ScanResponse"];
        let prop: Vec<_> = (0..4).filter(|bit| e.event_type & 1 << bit != 0).map(|bit| bits[bit]).collect();
        item["primaryPhy"] = json!(word(e.primary_phy));
        item["secondaryPhy"] = json!(word(e.secondary_phy));
        item["secondryPhy"] = json!(word(e.secondary_phy));
        item["sid"] = json!(e.sid);
        item["txPower"] = json!(e.tx_power);
        item["interval"] = json!(e.interval);
        item["prop"] = json!(prop.join(","));
        item["dataStatus"] =
            json!(["Complete", "Incomplete", "Truncated", "Truncated"][usize::from(e.event_type >> 5 & 3)]);
    }
    item[if response { "scanData" } else { "adData" }] = json!(hex);
    item
}

fn parsed(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("JSON")
}

fn advert(pdu: Pdu, data: &[u8]) -> Advert<'_> {
    let address = Address([0xC0, 0x1B, 0, 9, 0xAB, 0xFF]);
    Advert { adapter: 0, address, address_type: AddressType::Random, pdu, rssi: -74, data }
}

const EXTENDED: Extended =
    Extended { event_type: 0x0001, primary_phy: 1, secondary_phy: 2, sid: 0, tx_power: 127, interval: 0 };

#[test]
fn an_item_has_the_vendors_keys_and_words() {
    let mut batch = Batch::new(3);
    assert!(batch.push(&advert(Pdu::Ind, b"\x02\x01\x06\x05\x09a\"\\\x01")).is_none());
    assert!(batch.push(&advert(Pdu::ScanRsp, b"")).is_none());
    let message = batch.push(&advert(Pdu::Extended(EXTENDED), b"\xFF")).expect("full");
    assert_eq!(message.adverts, 3);
    let devices = json!([{"bdaddr": "C0:1B:00:09:AB:FF", "bdaddrType": "random"}]);
    let wanted = json!([
        {"bdaddrs": devices, "chipId": 0, "evtType": 0, "rssi": -74, "adData": "020106050961225C01", "name": "a\"\\\u{1}"},
        {"bdaddrs": devices, "chipId": 0, "evtType": 4, "rssi": -74, "scanData": "", "name": "(unknown)"},
        {"bdaddrs": devices, "chipId": 0, "evtType": 5, "rssi": -74, "adData": "FF", "name": "(unknown)",
         "primaryPhy": "1M", "secondaryPhy": "2M", "secondryPhy": "2M", "sid": 0, "txPower": 127, "interval": 0,
         "prop": "Connectable", "dataStatus": "Complete"},
    ]);
    assert_eq!(parsed(&message), wanted);
}

#[test]
fn a_batch_closes_by_size_by_hand_and_by_a_smaller_size() {
    let mut batch = Batch::new(2);
    assert_eq!(batch.take(), None);
    assert!(batch.push(&advert(Pdu::Ind, b"")).is_none());
    assert_eq!(batch.take().map(|m| m.adverts), Some(1));
    assert!(batch.is_empty());
    assert!(batch.push(&advert(Pdu::Ind, b"")).is_none());
    assert_eq!(batch.push(&advert(Pdu::Ind, b"")).map(|m| m.adverts), Some(2));
    assert_eq!(batch.resize(5), None);
    assert!((0..3).all(|_| batch.push(&advert(Pdu::Ind, b"")).is_none()));
    assert_eq!(batch.resize(3).map(|m| m.adverts), Some(3));
    assert_eq!(batch.len(), 0);
}

#[test]
fn a_message_has_little_spare_room() {
    let mut batch = Batch::new(1000);
    for round in 1..5 {
        for _ in 0..round * 7 {
            batch.push(&advert(Pdu::Ind, &[1; 31]));
        }
        let message = batch.take().expect("adverts");
        assert!(message.payload.capacity() <= message.payload.len() * 5 / 4);
    }
}

/// Real adverts, where the collection of them is at hand.
#[test]
fn recorded_adverts_become_what_they_were() {
    let Ok(lines) = std::fs::read_to_string("../shared/data/ble-adverts.jsonl") else { return };
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line).expect("a record");
        let hex = record["data"].as_str().expect("data");
        let data: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex")).collect();
        let advert = advert(Pdu::NonconnInd, &data);
        let item = parsed(&Batch::new(1).push(&advert).expect("full"))[0].take();
        assert_eq!(item["adData"], hex.to_uppercase());
        assert_eq!(item, expected(&advert));
    }
}

prop_compose! {
    fn any_pdu()(kind in 0..6, event_type: u16, primary_phy in 0u8..5, secondary_phy in 0u8..5, sid: u8, tx_power: i8,
                 interval: u16) -> Pdu {
        match kind {
            0 => Pdu::Ind, 1 => Pdu::DirectInd, 2 => Pdu::ScanInd, 3 => Pdu::NonconnInd, 4 => Pdu::ScanRsp,
            _ => Pdu::Extended(Extended { event_type, primary_phy, secondary_phy, sid, tx_power, interval }),
        }
    }
}

/// AD bytes that often hold a name of any bytes.
fn any_data() -> impl Strategy<Value = Vec<u8>> {
    let named = (8u8..10, prop::collection::vec(any::<u8>(), 0..30), prop::collection::vec(any::<u8>(), 0..40));
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..260),
        named.prop_map(|(kind, name, rest)| [&[name.len() as u8 + 1, kind], &name[..], &rest].concat()),
        (8u8..10, "\\PC{0,12}").prop_map(|(kind, name)| [&[name.len() as u8 + 1, kind], name.as_bytes()].concat()),
    ]
}

proptest! {
    #[test]
    fn every_item_is_the_same_json_as_a_naive_encoder_makes(
        adverts in prop::collection::vec((any_pdu(), any_data(), any::<([u8; 6], i8, u16)>(), 0..3), 1..6)
    ) {
        let adverts: Vec<_> = adverts.iter().map(|(pdu, data, (address, rssi, adapter), kind)| Advert {
            adapter: *adapter, address: Address(*address), pdu: *pdu, rssi: *rssi, data,
            address_type: [AddressType::Public, AddressType::Random, AddressType::Anonymous][*kind as usize],
        }).collect();
        let mut batch = Batch::new(adverts.len() as u32);
        let mut message = None;
        for advert in &adverts {
            prop_assert_eq!(&message, &None);
            message = batch.push(advert);
        }
        let message = message.expect("full");
        prop_assert_eq!(message.adverts, adverts.len() as u64);
        prop_assert_eq!(parsed(&message), Value::Array(adverts.iter().map(expected).collect()));
    }
}
