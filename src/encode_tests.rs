use super::*;
use crate::config::{Framing, Payload, TimestampFormat};
use crate::model::{Address, BootTime, Message, ad_structures};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What an item has to be, built the slow and obvious way.
fn expected(advert: &Advert<'_>) -> Value {
    let hex: String = advert.data.iter().map(|b| format!("{b:02X}")).collect();
    let up_to_nul = |name: &[u8]| String::from_utf8_lossy(name).split('\0').next().unwrap_or_default().to_owned();
    let names = |wanted| ad_structures(advert.data).filter(move |(kind, _)| *kind == wanted).map(|(_, name)| name);
    let name = names(9).chain(names(8)).map(up_to_nul).find(|name| !name.is_empty());
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
        "name": name.unwrap_or("(unknown)".into()),
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

const STYLE: Style = Style { timestamp: None, beacon: false, event_type_key: "evtType" };

/// A batch of arrays.
fn arrays(size: u32, style: Style) -> Batch {
    let payload = Payload { framing: Framing::Array, style };
    Batch::new(Plan { size, max_bytes: usize::MAX, payload, gateway: Address([0; 6]) }, 0)
}

fn parsed(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("JSON")
}

fn advert(pdu: Pdu, data: &[u8]) -> Advert<'_> {
    let address = Address([0xC0, 0x1B, 0, 9, 0xAB, 0xFF]);
    Advert { adapter: 0, address, address_type: AddressType::Random, pdu, rssi: -74, data }
}

const RX: BootTime = BootTime(0);

const EXTENDED: Extended =
    Extended { event_type: 0x0001, primary_phy: 1, secondary_phy: 2, sid: 0, tx_power: 127, interval: 0 };

#[test]
fn item_has_the_vendors_keys_and_words() {
    let mut batch = arrays(3, STYLE);
    assert!(batch.push(&advert(Pdu::Ind, b"\x02\x01\x06\x05\x09a\"\\\x01"), None, RX).is_none());
    assert!(batch.push(&advert(Pdu::ScanRsp, b""), None, RX).is_none());
    let message = batch.push(&advert(Pdu::Extended(EXTENDED), b"\xFF"), None, RX).expect("full");
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

/// The only item that an advert with this style gives.
fn styled(style: Style, data: &[u8]) -> Value {
    let heard = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_772_964_437_723);
    parsed(&arrays(1, style).push(&advert(Pdu::Ind, data), Some(heard), RX).expect("full"))[0].take()
}

#[test]
fn item_has_the_configured_key_of_the_event_type() {
    let item = styled(Style { event_type_key: "evt_type", ..STYLE }, b"");
    assert_eq!((&item["evt_type"], item.get("evtType")), (&json!(0), None));
}

#[test]
fn item_has_a_timestamp_if_it_is_configured_and_known() {
    let style = Style { timestamp: Some(TimestampFormat::Rfc3339), ..STYLE };
    assert_eq!(styled(style, b"")["timestamp"], "2026-03-08T10:07:17.723Z");
    assert_eq!(styled(STYLE, b"").get("timestamp"), None);
    let withheld = arrays(1, style).push(&advert(Pdu::Ind, b""), None, RX).expect("full");
    assert_eq!(parsed(&withheld)[0].get("timestamp"), None);
}

#[test]
fn beacons_are_decoded_if_that_is_wanted() {
    let beacon = |data: &[u8]| {
        assert_eq!(styled(STYLE, data).get("beacon"), None);
        styled(Style { beacon: true, ..STYLE }, data)["beacon"].take()
    };
    let uuid = b"\xB9\x40\x7F\x30\xF5\xF8\x46\x6E\xAF\xF9\x25\x55\x6B\x57\xFE\x6D";
    let ibeacon = [b"\x1A\xFF\x4C\x00\x02\x15", &uuid[..], b"\x00\x49\x00\x0A\xC5"].concat();
    let wanted = json!({"type": "iBeacon", "UUID": "B9407F30-F5F8-466E-AFF9-25556B57FE6D", "minor": 10, "major": 73,
                        "txPower": -59});
    assert_eq!(beacon(&ibeacon), wanted);
    let frame = |bytes: &[u8]| [&[bytes.len() as u8 + 3, 0x16, 0xAA, 0xFE], bytes].concat();
    let uid = json!({"type": "EddystoneUID", "namespace": "30313233343536373839", "instance": "616263646566",
                     "txPower": -18});
    assert_eq!(beacon(&frame(b"\x00\xEE0123456789abcdef")), uid);
    let url = json!({"type": "EddystoneURL", "url": "https://a\"b\\c.com/", "txPower": -8});
    assert_eq!(beacon(&frame(b"\x10\xF8\x03a\"b\\c\x00")), url);
    let tlm = json!({"type": "EddystoneTLM", "version": 0, "batteryVoltage": 3000, "temperature": 25.5, "advCount": 5,
                     "secCount": 65_536});
    assert_eq!(beacon(&frame(b"\x20\x00\x0B\xB8\x19\x80\x00\x00\x00\x05\x00\x01\x00\x00")), tlm);
    let tlm = json!({"type": "EddystoneTLM", "version": 0, "temperature": -0.00390625, "advCount": 0, "secCount": 0});
    assert_eq!(beacon(&frame(b"\x20\x00\x00\x00\xFF\xFF\x00\x00\x00\x00\x00\x00\x00\x00")), tlm);
    let encrypted = json!({"type": "EddystoneTLM", "version": 1});
    assert_eq!(beacon(&frame(&[&b"\x20\x01"[..], &[7; 16]].concat())), encrypted);
    let eid = json!({"type": "EddystoneEID", "eid": "3031323334353637", "txPower": 4});
    assert_eq!(beacon(&frame(b"\x30\x0401234567")), eid);
    assert_eq!(beacon(b"\x02\x01\x06"), Value::Null);
}

#[test]
fn item_costs_no_allocation_in_a_batch() {
    let style = Style { timestamp: Some(TimestampFormat::Local), beacon: true, ..STYLE };
    let mut batch = arrays(1000, style);
    let heard = Some(std::time::UNIX_EPOCH);
    let data = [&b"\x1A\xFF\x4C\x00\x02\x15"[..], &[7; 21], b"\x03\x09\xC3\xA9"].concat();
    // The first batch finds out how much room an item takes.
    let advert = advert(Pdu::Extended(EXTENDED), &data);
    while batch.push(&advert, heard, RX).is_none() {}
    let info = allocation_counter::measure(|| (0..900).for_each(|_| drop(batch.push(&advert, heard, RX))));
    assert_eq!((info.count_total, batch.len()), (0, 900));
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
        let item = parsed(&arrays(1, STYLE).push(&advert, None, RX).expect("full"))[0].take();
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
    fn item_of_any_bytes_is_json_with_every_addition(pdu in any_pdu(), data in any_data()) {
        for timestamp in [TimestampFormat::Rfc3339, TimestampFormat::Local] {
            let style = Style { timestamp: Some(timestamp), beacon: true, ..STYLE };
            let advert = advert(pdu, &data);
            let mut item = parsed(&arrays(1, style).push(&advert, Some(std::time::UNIX_EPOCH), RX).expect("full"))[0].take();
            let object = item.as_object_mut().expect("an object");
            prop_assert!(object.remove("timestamp").is_some());
            prop_assert_eq!(object.remove("beacon").is_some(), crate::beacon::decode(&data).is_some());
            prop_assert_eq!(item, expected(&advert));
        }
    }

    #[test]
    fn item_is_the_same_json_as_a_naive_encoder_makes(
        adverts in prop::collection::vec((any_pdu(), any_data(), any::<([u8; 6], i8, u16)>(), 0..3), 1..6)
    ) {
        let adverts: Vec<_> = adverts.iter().map(|(pdu, data, (address, rssi, adapter), kind)| Advert {
            adapter: *adapter, address: Address(*address), pdu: *pdu, rssi: *rssi, data,
            address_type: [AddressType::Public, AddressType::Random, AddressType::Anonymous][*kind as usize],
        }).collect();
        let mut batch = arrays(adverts.len() as u32, STYLE);
        let mut message = None;
        for advert in &adverts {
            prop_assert_eq!(&message, &None);
            message = batch.push(advert, None, RX);
        }
        let message = message.expect("full");
        prop_assert_eq!(message.adverts, adverts.len() as u64);
        prop_assert_eq!(parsed(&message), Value::Array(adverts.iter().map(expected).collect()));
    }
}
