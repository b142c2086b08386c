//! What is left out, on request and counted.

use crate::rig::Rig;
use crate::support::eventually;
use radio_controller::{Address, Advert};

/// Flags, the UUID 180F and the name "Desk".
const DESK: &[u8] = b"\x02\x01\x06\x03\x03\x0F\x18\x05\x09Desk";

fn advert(last: u8, data: &[u8]) -> Advert {
    Advert::new(Address([0xCC, 0x1B, 0xE0, 0, 0, last]), data)
}

#[test]
fn filters_pass_the_right_adverts_and_count_the_others() {
    let rig = Rig::start();
    rig.connect();
    let filters: [(&str, &[&str], &[&str], &str); 5] = [
        ("FilterRssi", &["n", "-60"], &["n", "-128"], "rssi"),
        ("FilterMacs", &["as", "1", "cc:1b:e0:00:00:01"], &["as", "0"], "mac"),
        ("FilterNames", &["as", "2", "De*", "no"], &["as", "0"], "name"),
        ("FilterUuids", &["as", "1", "180F"], &["as", "0"], "uuid"),
        ("FilterValues", &["a(is)", "1", "3", "0303"], &["a(is)", "0"], "value"),
    ];
    for (n, (property, on, off, word)) in filters.into_iter().enumerate() {
        rig.set(property, on);
        rig.air.hear(&advert(1, DESK));
        // Weaker, of another device, without name, UUID and value.
        rig.air.hear(&Advert { rssi: -61, ..advert(2, b"\x02\x01\x06") });
        rig.await_items(n + 1);
        eventually("it is counted", || rig.ledger()[&format!("Filtered.{word}")] == 1);
        assert_eq!(rig.stat("FilteredByReason")[word], 1);
        rig.set(property, off);
    }
    assert!(rig.items().iter().all(|item| item["name"] == "Desk"));
    let ledger = rig.ledger();
    assert_eq!((ledger["Received"], ledger["Filtered"], ledger["Published"]), (10, 5, 5));
}

#[test]
fn filters_are_anded_and_evaluate_each_packet_alone() {
    let rig = Rig::start();
    rig.connect();
    rig.set("FilterMacs", &["as", "1", "CC:1B:E0*"]);
    rig.set("FilterNames", &["as", "1", "Desk"]);
    rig.air.hear(&advert(1, DESK));
    // The scan response of the same device has another name.
    rig.air.hear(&Advert { evt: 4, ..advert(1, b"\x05\x09Lamp") });
    rig.air.hear(&Advert { addr: Address([1, 2, 3, 4, 5, 6]), ..advert(1, DESK) });
    eventually("heard", || rig.ledger()["Received"] == 3);
    rig.await_items(1);
    let ledger = rig.ledger();
    assert_eq!((ledger["Filtered.mac"], ledger["Filtered.name"]), (1, 1));
}

#[test]
fn repeats_are_left_out_and_counted() {
    let rig = Rig::start();
    rig.connect();
    rig.set("DuplicatesMs", &["u", "86400000"]);
    for data in [b"same", b"same", b"diff", b"same"] {
        rig.air.hear(&advert(1, data));
    }
    rig.await_items(2);
    rig.set("DuplicatesMs", &["u", "1"]);
    for device in [1, 2, 1, 2] {
        rig.air.hear(&advert(device, &[device]));
    }
    rig.await_items(4);
    rig.set("DuplicatesMs", &["u", "0"]);
    rig.air.hear(&advert(1, b"same"));
    rig.await_items(5);
    let ledger = rig.ledger();
    assert_eq!((ledger["Received"], ledger["Deduplicated"], ledger["DuplicatesEvicted"]), (9, 4, 0));
}

#[test]
fn duplicates_pass_again_after_their_time() {
    let rig = Rig::start();
    rig.connect();
    rig.set("DuplicatesMs", &["u", "1000"]);
    eventually("twice", || {
        rig.air.hear(&advert(1, b"same"));
        rig.items().len() >= 2
    });
    assert!(rig.ledger()["Deduplicated"] > 0);
}
