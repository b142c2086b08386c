//! A controller whose reports arrive damaged, as over a UART that loses bytes: that is told, and its end, too.

use std::time::Duration;

use radio_controller::Controller;

use crate::bench;
use crate::guest::eventually;
use crate::journal::{WARNING, journald, newest};
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};
use crate::service_faults::scanning;

const LONG: Duration = Duration::from_secs(180);
/// The last damage has to leave the window of 10 s, and 30 s have to be calm.
const CALM: Duration = Duration::from_secs(60);
const SECOND: &str = "C0:DE:00:00:00:02";
/// LE Advertising Report: its data end early.
const CUT: [u8; 15] = [0x04, 0x3E, 0x0C, 0x02, 1, 0, 0, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x05, 0x1E];
/// An LE Meta event without a subevent, one without reports, and one with a type of event that does not exist.
const OTHERS: [&[u8]; 3] = [
    &[0x04, 0x3E, 0x00],
    &[0x04, 0x3E, 0x02, 0x02, 0x00],
    &[0x04, 0x3E, 0x0C, 0x02, 1, 9, 0, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0xC4],
];

fn send(controller: &Controller, packet: &[u8], times: usize) {
    for _ in 0..times {
        controller.raw(packet, true).expect("plugged in");
    }
}

fn malformed(rig: &Rig<'_>, reason: &str) -> u64 {
    rig.stat("MalformedByReason")[reason].as_u64().expect("a count")
}

#[test]
fn damaged_reports_are_told_until_they_are_whole_again() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        rig.wait_stat("Health", "online");
        send(&radio.controller, &CUT, 200);
        rig.wait_stat("HealthReason", "reports-damaged");
        assert_eq!(rig.text("Health"), "degraded");
        eventually(SOON, "each is counted", || malformed(&rig, "cut-short") == 200);
        assert_eq!(rig.said("WARN", "hci0: "), 1);
        let hints = rig.hints();
        assert!(hints.contains("Many reports of hci0 arrive damaged") && hints.contains("RTS/CTS"), "{hints}");
        rig.flows(&radio.controller);

        eventually(CALM, "it is over", || rig.text("Health") == "online");
        assert_eq!(rig.said("INFO", "hci0: reports arrive whole again"), 1);
        assert!(!rig.hints().contains("damaged"), "{}", rig.hints());
        assert_eq!(rig.ledger()["Malformed"], 200);
    });
}

/// Every event that the kernel passes on is on the books, with a reason.
#[test]
fn damaged_events_have_a_reason() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        for packet in OTHERS {
            send(&radio.controller, packet, 1);
        }
        for reason in ["cut-short", "no-report", "invalid-value"] {
            eventually(SOON, reason, || malformed(&rig, reason) == 1);
        }
        rig.flows(&radio.controller);
        assert_eq!((rig.text("Health"), rig.ledger()["Malformed"]), ("online".into(), 3), "three are noise");
    });
}

/// An adapter that nobody wants is none of our trouble, and a good one does not hide a bad one.
#[test]
fn damaged_reports_count_by_adapter() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let second = guest.controller(SECOND);
        radio.bluez.wait_powered(SECOND);
        let rig = Rig::start(guest, "passive");
        rig.wait_state("scanning");
        send(&second, &CUT, 200);
        rig.flows(&radio.controller);
        assert_eq!((rig.text("Health"), rig.ledger()["Malformed"]), ("online".into(), 0));

        rig.set(&["Adapters", "as", "1", "all"]);
        wait_scan(&second, "too", |scan| !scan.active);
        rig.wait_stat("Health", "online");
        send(&second, &CUT, 50);
        for n in 0..600_u16 {
            let mut whole = *b"\x04\x3E\x0F\x02\x01\x03\x00\x66\x55\x44\x33\x22\x11\x03\x02\x01\x06\xC4";
            whole[8] = n as u8;
            send(&radio.controller, &whole, 1);
        }
        rig.wait_stat("HealthReason", "reports-damaged");
        assert!(rig.hints().contains("Many reports of hci1"), "{}", rig.hints());
        assert_eq!((rig.said("WARN", "hci1: "), rig.said("WARN", "hci0: ")), (1, 0));
        rig.ledger();
    });
}

#[test]
fn damaged_reports_are_an_event() {
    bench::run_within(LONG, |guest| {
        let _journald = journald();
        let radio = guest.radio(ADDRESS);
        let service = guest.service().env("JOURNAL_STREAM", "1:1");
        let rig = Rig::start_service(guest, service, "passive");
        wait_scan(&radio.controller, "passive", |scan| !scan.active);
        rig.wait_state("scanning");
        rig.flows(&radio.controller);
        send(&radio.controller, &CUT, 50);
        let damaged = newest("reports-damaged", "many", |entry| entry["COUNT"] != serde_json::Value::Null);
        assert_eq!((&damaged["PRIORITY"], &damaged["ADAPTER"]), (&WARNING.into(), &"hci0".into()));
    });
}
