//! What goes wrong with a controller, as bluetoothd tells it.

use std::time::Duration;

use crate::bench;
use crate::guest::eventually;

const ADDRESS: &str = "C0:DE:00:00:00:01";
const SOON: Duration = Duration::from_secs(10);

#[test]
fn unplugged_and_plugged_in_again() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let adapter = radio.bluez.wait_powered(ADDRESS);
        radio.bluez.start_discovery(&adapter).expect("discovery");
        eventually(SOON, "the controller scans", || radio.controller.state().scan.enabled);

        radio.controller.unplug();
        eventually(SOON, "the adapter is gone", || radio.bluez.adapter(ADDRESS).is_none());
        radio.controller.replug().expect("plugged in");
        let adapter = radio.bluez.wait_powered(ADDRESS);
        assert!(!radio.controller.state().scan.enabled, "nobody asked the new adapter to scan");
        radio.bluez.start_discovery(&adapter).expect("discovery");
        eventually(SOON, "the controller scans", || radio.controller.state().scan.enabled);
        assert_eq!(radio.controller.state().scan.starts, 2);
    });
}

#[test]
fn fault_of_a_refused_scan_leaves_no_discovery() {
    const SET_EXTENDED_SCAN_ENABLE: u16 = 0x2042;
    const COMMAND_DISALLOWED: u8 = 0x0C;
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let adapter = radio.bluez.wait_powered(ADDRESS);
        radio.controller.fail(SET_EXTENDED_SCAN_ENABLE, COMMAND_DISALLOWED);
        let refused = radio.bluez.start_discovery(&adapter).expect_err("a refusal");
        assert!(refused.contains("InProgress"), "{refused}");
        radio.controller.fail(SET_EXTENDED_SCAN_ENABLE, 0);
        eventually(SOON, "discovery starts after all", || radio.bluez.start_discovery(&adapter).is_ok());
    });
}

#[test]
fn fault_of_the_hardware_resets_the_controller() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        radio.controller.hardware_error(0x42).expect("plugged in");
        let resets = || radio.controller.state().commands.contains(&("0c03".to_owned(), 2));
        eventually(SOON, "a second reset", resets);
        radio.bluez.wait_powered(ADDRESS);
    });
}
