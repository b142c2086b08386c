//! An adapter comes up in bluetoothd.

use std::fs;

use radio_controller::Options;

use crate::bench;

const ADDRESS: &str = "C0:DE:00:00:00:01";

#[test]
fn comes_up_with_its_address() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let uptime = fs::read_to_string("/proc/uptime").expect("uptime");
        println!("powered after {} s of uptime", uptime.split(' ').next().unwrap_or_default());
        let state = radio.controller.state();
        assert_eq!(state.unknown, [""; 0], "commands of the host that the controller does not know");
        assert!(!state.scan.enabled);
    });
}

#[test]
fn adapters_have_addresses_of_their_own() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let address = "00:1A:7D:00:00:02".parse().expect("an address");
        let _old = guest.controller_with(Options { address, legacy: true, verbose: true });
        let second = radio.bluez.wait_powered("00:1A:7D:00:00:02");
        assert_ne!(radio.bluez.wait_powered(ADDRESS), second);
    });
}
