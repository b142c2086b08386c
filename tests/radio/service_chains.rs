//! Long extended advertisements, which the controller reports in pieces.

use std::time::Duration;

use radio_controller::advert::Pdu;
use radio_controller::{Advert, hex};

use crate::bench;
use crate::guest::eventually;
use crate::rig::{ADDRESS, Rig, wait_scan};

const ARRIVE: Duration = Duration::from_secs(30);

#[test]
fn pieces_through_the_kernel_become_one_item() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "active");
        wait_scan(&radio.controller, "active", |scan| scan.active);
        rig.wait_state("scanning");
        let data: Vec<u8> = (0..1000_u16).map(|n| n as u8).collect();
        let address = "C0:00:00:00:00:07".parse().expect("an address");
        let whole = Advert { hci: Pdu::Extended, sphy: 2, sid: 3, fragment: Some(100), ..Advert::new(address, &data) };
        let cut = Advert { truncated: true, sid: 4, ..whole.clone() };
        for advert in [whole, cut] {
            radio.controller.report(&[advert], true).expect("plugged in");
        }
        eventually(ARRIVE, "both arrive", || rig.items().len() >= 2);
        let items = rig.items();
        let said: Vec<_> = items.iter().map(|item| (item["adData"].as_str(), item["dataStatus"].as_str())).collect();
        let data = hex::encode(&data).to_uppercase();
        assert_eq!(said, [(Some(data.as_str()), Some("Complete")), (Some(data.as_str()), Some("Truncated"))]);
        let ledger = rig.ledger();
        assert_eq!((ledger["Received"], ledger["Truncated"], ledger["Malformed"]), (2, 1, 0));
    });
}
