//! Extended advertisements: every field, and one item of many pieces.

use crate::rig::Rig;
use crate::support::air::reports;
use crate::support::eventually;
use radio_controller::advert::{AddressType, Direct, Pdu};
use radio_controller::{Address, Advert};
use serde_json::{Value, json};

fn extended(evt: u16, data: &[u8]) -> Advert {
    let address = Address([0xC0, 0x1B, 0, 0, 0, 1]);
    Advert { hci: Pdu::Extended, evt, sphy: 2, sid: 3, ..Advert::new(address, data) }
}

fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn extended_adverts_of_every_kind_have_the_right_fields() {
    let rig = Rig::start();
    rig.connect();
    let direct = Direct { addr: Address([1; 6]), addr_type: AddressType::Public };
    let devices = json!([{"bdaddr": "C0:1B:00:00:00:01", "bdaddrType": "random"}]);
    let item = |key: &str, rest: Value| {
        let mut item = json!({"bdaddrs": devices, "chipId": 0, "evtType": 5, "rssi": -60, key: "020106",
                              "name": "(unknown)", "primaryPhy": "1M", "secondaryPhy": "2M", "secondryPhy": "2M", "sid": 3,
                              "txPower": 127, "interval": 0, "prop": "", "dataStatus": "Complete"});
        let fields = rest.as_object().expect("fields");
        fields.iter().for_each(|(key, value)| item[key] = value.clone());
        item
    };
    let data = b"\x02\x01\x06";
    let coded = Advert { pphy: 3, sphy: 3, txp: -7, interval: 80, rssi: 127, ..extended(0, data) };
    let anonymous = Advert { addr_type: AddressType::Anonymous, ..extended(0, data) };
    let cases = [
        (extended(1, data), item("adData", json!({"prop": "Connectable"}))),
        (extended(2, data), item("adData", json!({"prop": "Scannable"}))),
        (extended(0x0A, data), item("scanData", json!({"prop": "Scannable,ScanResponse"}))),
        (Advert { direct: Some(direct), ..extended(5, data) }, item("adData", json!({"prop": "Connectable,Directed"}))),
        (
            coded,
            item(
                "adData",
                json!({"primaryPhy": "CODED", "secondaryPhy": "CODED", "secondryPhy": "CODED", "txPower": -7,
                       "interval": 80, "rssi": 127}),
            ),
        ),
        (anonymous, item("adData", json!({"bdaddrs": [{"bdaddr": "00:00:00:00:00:00", "bdaddrType": "anonymous"}]}))),
        (
            Advert { sphy: 0, sid: 255, ..extended(0, data) },
            item("adData", json!({"secondaryPhy": "", "secondryPhy": "", "sid": 255})),
        ),
    ];
    cases.iter().for_each(|(advert, _)| rig.air.hear(advert));
    let items = rig.await_items(cases.len());
    for (item, (_, wanted)) in items.iter().zip(&cases) {
        assert_eq!(item, wanted);
    }
}

#[test]
fn pieces_become_one_item_and_what_is_missing_is_said() {
    let rig = Rig::start();
    rig.connect();
    let data: Vec<u8> = (0..1650).map(|n| n as u8).collect();
    let long = extended(0, &data);
    // Between the pieces others are heard.
    let other = Advert { addr: Address([0xC0, 0x1B, 0, 0, 0, 2]), ..extended(0, &data[..600]) };
    let (pieces, others) = (reports(&long), reports(&other));
    assert_eq!((pieces.len(), others.len()), (8, 3));
    for (n, piece) in pieces.iter().enumerate() {
        rig.air.send(piece);
        if let Some(other) = others.get(n) {
            rig.air.send(other);
            rig.air.hear(&Advert::new(Address([0xC0, 0x1B, 0, 0, 0, 3]), b"legacy"));
        }
    }
    let items = rig.await_items(5);
    let summary: Vec<_> = items.iter().map(|item| (item["adData"].as_str(), item["dataStatus"].as_str())).collect();
    let (legacy, short, whole) = (hex(b"legacy"), hex(&data[..600]), hex(&data));
    assert!(summary.contains(&(Some(short.as_str()), Some("Complete"))));
    assert_eq!(summary.iter().filter(|item| **item == (Some(legacy.as_str()), None)).count(), 3);
    assert_eq!(summary.last(), Some(&(Some(whole.as_str()), Some("Complete"))));
    assert_eq!((rig.ledger()["Received"], rig.ledger()["Truncated"]), (5, 0));

    // The controller gives up; then it says nothing any more.
    rig.air.hear(&Advert { truncated: true, ..extended(0, &data[..300]) });
    reports(&extended(0, &data)).iter().take(2).for_each(|piece| rig.air.send(piece));
    eventually("counted", || rig.ledger()["Truncated"] == 2);
    let items = rig.await_items(7);
    for (item, length) in items[5..].iter().zip([300, 458]) {
        assert_eq!((&item["adData"], &item["dataStatus"]), (&json!(hex(&data[..length])), &json!("Truncated")));
    }
    assert_eq!(rig.ledger()["Received"], 7);
}
