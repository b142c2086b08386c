//! Long extended advertisements with manufacturer data. bluetoothd 5.76 to 5.82 dies with the first one in range where any
//! monitor has a pattern of that AD type (bluez issue 1169): ours have none.

use radio_controller::advert::Pdu;
use radio_controller::{Advert, hex};

use crate::bench;
use crate::guest::{Guest, eventually};
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};

/// Bytes behind the company: 30 and more are too many for these.
const LENGTHS: [u8; 4] = [29, 30, 60, 200];

fn advert(length: u8) -> Advert {
    let mut data = vec![2, 1, 6, length + 3, 0xFF, 0x75, 0x00];
    data.extend((0..length).map(|n| n ^ 0xA5));
    extended(&data)
}

fn extended(data: &[u8]) -> Advert {
    // Not connectable, not scannable: the kernel holds none back until a scan response.
    Advert {
        hci: Pdu::Extended,
        evt: 0,
        sphy: 1,
        sid: 1,
        ..Advert::new("D0:11:22:33:44:66".parse().expect("an address"), data)
    }
}

/// Adverts of all lengths beside this scan: bluetoothd lives, and all arrive where the monitor channel is the capture.
fn bluetoothd_lives(guest: &Guest, net_raw: bool, mode: &str) {
    let radio = guest.radio(ADDRESS);
    let service = if net_raw { guest.service() } else { guest.service().without_net_raw() };
    let rig = Rig::start_service(guest, service, mode);
    rig.wait_stat("Capture", if net_raw { "monitor" } else { "signals" });
    rig.wait_state("scanning");
    wait_scan(&radio.controller, mode, |scan| scan.active == (mode == "active") && !scan.filter_dup);
    for length in LENGTHS {
        let advert = advert(length);
        let hex = hex::encode(&advert.data).to_uppercase();
        eventually(SOON, &format!("{length} bytes are heard"), || {
            assert_eq!(radio.bluetoothd.ended(), None, "of {length} bytes");
            let sent =
                radio.controller.report(std::slice::from_ref(&advert), false).is_ok_and(|counts| counts.sent == 1);
            // The fallback has what bluetoothd makes of it, and some leave out long data.
            sent && (!net_raw || rig.items().iter().any(|item| item["adData"] == *hex))
        });
        // It has seen that one when it has told of a next. The fallback is told of what has flags.
        let next = hex::encode(&[5, 0xFF, 0x34, 0x12, length, 0]).to_uppercase();
        let short = extended(&hex::decode(&format!("020106{next}")).expect("hex"));
        eventually(SOON, &format!("what follows {length} bytes is heard"), || {
            drop(radio.controller.report(std::slice::from_ref(&short), false));
            rig.items().iter().any(|item| item["adData"].as_str().is_some_and(|data| data.contains(&next)))
        });
    }
    assert_eq!(radio.bluetoothd.ended(), None);
    assert_eq!(rig.said("WARN", "no-bluez"), 0);
    assert_eq!(rig.ledger()["Malformed"], 0);
}

#[test]
fn manufacturer_data_beside_a_passive_scan() {
    bench::run(|guest| bluetoothd_lives(guest, true, "passive"));
}

#[test]
fn manufacturer_data_beside_an_active_scan() {
    bench::run(|guest| bluetoothd_lives(guest, true, "active"));
}

#[test]
fn manufacturer_data_beside_a_passive_fallback() {
    bench::run(|guest| bluetoothd_lives(guest, false, "passive"));
}

#[test]
fn manufacturer_data_beside_an_active_fallback() {
    bench::run(|guest| bluetoothd_lives(guest, false, "active"));
}
