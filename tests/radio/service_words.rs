//! What is said of adapters and places that are not as they should be.

use std::time::Duration;

use crate::bench;
use crate::guest::eventually;
use crate::rig::{ADDRESS, Rig, SOON, wait_quiet, wait_scan};

const LONG: Duration = Duration::from_secs(120);
const SECOND: &str = "C0:DE:00:00:00:02";
/// LE Set Extended Scan Enable.
const SCAN_ENABLE: u16 = 0x2042;
const COMMAND_DISALLOWED: u8 = 0x0C;

#[test]
fn detail_names_a_network_namespace_and_not_the_capability() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start_service(guest, guest.service().in_own_network(), "active");
        rig.wait_stat("Capture", "signals");
        let reason = rig.text("CaptureReason");
        assert!(reason.contains("network namespace") && !reason.contains("CAP_NET_RAW"), "{reason}");
        let hints = rig.hints();
        assert!(hints.contains("--network host") && !hints.contains("CAP_NET_RAW"), "{hints}");
        wait_scan(&radio.controller, "all the same", |scan| scan.active);
    });
}

#[test]
fn detail_names_a_missing_capability() {
    bench::run_within(LONG, |guest| {
        let _radio = guest.radio(ADDRESS);
        let rig = Rig::start_service(guest, guest.service().without_net_raw(), "active");
        rig.wait_stat("Capture", "signals");
        assert_eq!(rig.text("CaptureReason"), "CAP_NET_RAW is missing");
        assert!(rig.hints().contains("give the service CAP_NET_RAW"), "{}", rig.hints());
    });
}

#[test]
fn detail_of_a_dead_first_adapter_with_another_in_its_place() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let second = guest.controller(SECOND);
        radio.bluez.wait_powered(SECOND);
        let rig = Rig::start(guest, "off");
        // The end of the scan would be refused, too.
        wait_quiet(&radio.controller);
        radio.controller.fail(SCAN_ENABLE, COMMAND_DISALLOWED);
        rig.mode("passive");
        eventually(SOON, "it is told", || rig.hints().contains("hci0 does not scan, but hci1"));
        let hints = rig.hints();
        assert!(hints.contains(&format!("cassia-bypassctl set Adapters={SECOND}")), "{hints}");
        rig.set(&["Adapters", "as", "1", SECOND]);
        rig.wait_state("scanning");
        rig.flows(&second);
        assert!(!rig.hints().contains("does not scan"), "{}", rig.hints());
    });
}

#[test]
fn detail_names_two_adapters_with_one_address() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "passive");
        rig.set(&["Adapters", "as", "1", "all"]);
        rig.wait_state("scanning");
        assert!(!rig.hints().contains("same address"), "{}", rig.hints());
        let same = guest.controller(ADDRESS);
        let said = format!("hci0 and hci1 have the same address, {ADDRESS}");
        eventually(SOON, "it is told", || rig.hints().contains(&said));
        // A service that comes later knows it, too.
        let rig = {
            drop(rig);
            Rig::start(guest, "passive")
        };
        eventually(SOON, "it is told", || rig.hints().contains(&said));
        same.unplug();
        eventually(SOON, "that is over", || !rig.hints().contains("same address"));
        rig.flows(&radio.controller);
    });
}
