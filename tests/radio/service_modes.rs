//! Settings of the radio, changed while the service runs.

use std::time::Duration;

use radio_controller::{Advert, Controller};
use serde_json::json;

use crate::bench;
use crate::guest::{Guest, eventually};
use crate::process::Process;
use crate::rig::{ADDRESS, Rig, SOON, wait_quiet, wait_scan};

const SECOND: &str = "C0:DE:00:00:00:02";

#[test]
fn off_passive_and_active() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let air = &radio.controller;
        let rig = Rig::start(guest, "passive");
        let scan = wait_scan(air, "passive", |scan| !scan.active);
        assert!(!scan.filter_dup, "{scan:?}");
        rig.wait_state("scanning");
        rig.flows(air);

        rig.mode("active");
        wait_scan(air, "active, with repeats", |scan| scan.active && !scan.filter_dup);
        rig.wait_state("scanning");
        rig.flows(air);
        rig.mode("passive");
        wait_scan(air, "passive again", |scan| !scan.active && !scan.filter_dup);
        rig.wait_state("scanning");
        rig.flows(air);

        rig.mode("off");
        rig.wait_state("off");
        rig.wait_stat("Capture", "none");
        wait_quiet(air);
        assert_eq!(rig.stat("Adapters"), json!([]));
        let received = rig.received();
        heard_by_others(guest, air);
        assert_eq!(rig.received(), received, "nothing counts while off");

        rig.mode("active");
        wait_scan(air, "active after off", |scan| scan.active);
        rig.wait_state("scanning");
        rig.flows(air);
        // All these changes were the radio's business only.
        assert_eq!((rig.stat("Connects"), rig.stat("Failures")), (1.into(), 0.into()));
        assert_eq!(rig.said("WARN", ""), 0);
    });
}

/// Reports while nobody asked the service: another client scans. Returns when bluetoothd has seen the last one.
fn heard_by_others(guest: &Guest, air: &Controller) {
    let other = guest.bluez();
    let adapter = other.wait_powered(ADDRESS);
    other.start_discovery(&adapter).expect("discovery");
    wait_scan(air, "for another client", |scan| scan.active);
    for n in 0..20_u8 {
        let address = format!("C0:FF:EE:00:01:{n:02X}");
        let advert = Advert { evt: 3, ..Advert::new(address.parse().expect("an address"), b"\x02\x01\x06") };
        assert_eq!(air.report(&[advert], false).expect("plugged in").sent, 1);
    }
    eventually(SOON, "another client hears", || other.devices().contains_key("C0:FF:EE:00:01:13"));
    other.stop_discovery(&adapter).expect("the end of the discovery");
    wait_quiet(air);
}

#[test]
fn mode_is_left_alone_by_a_change_of_broker() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "passive");
        wait_scan(&radio.controller, "passive", |scan| !scan.active);
        rig.wait_state("scanning");
        rig.flows(&radio.controller);
        let starts = radio.controller.state().scan.starts;
        rig.apply(&["ClientId", "s", "another", "ScanQos", "y", "2", "KeepAliveSecs", "q", "20"]);
        rig.wait_stat("Connects", 2);
        rig.flows(&radio.controller);
        assert_eq!(radio.controller.state().scan.starts, starts, "the scan was not restarted");
        rig.ledger();
    });
}

#[test]
fn mode_of_the_last_of_many_quick_changes_holds() {
    bench::run_within(Duration::from_secs(120), |guest| {
        let radio = guest.radio(ADDRESS);
        let air = &radio.controller;
        let rig = Rig::start(guest, "active");
        for (last, active) in [("passive", false), ("active", true)] {
            for n in 0..10 {
                rig.mode(if (n % 2 == 0) == active { "passive" } else { "active" });
            }
            rig.mode(last);
            rig.wait_state("scanning");
            wait_scan(air, last, |scan| scan.active == active && !scan.filter_dup);
            rig.flows(air);
            // Whatever earlier settings left to be cleared up must not end this.
            let quiet_for = std::time::Instant::now();
            eventually(SOON, "it stays so", || {
                let scan = air.state().scan;
                assert!(scan.active == active || !scan.enabled, "{scan:?}");
                quiet_for.elapsed() > Duration::from_secs(6)
            });
            wait_scan(air, last, |scan| scan.active == active && !scan.filter_dup);
            rig.wait_state("scanning");
            rig.flows(air);
        }
        for mode in ["off", "active", "off", "passive", "off"] {
            rig.mode(mode);
        }
        rig.wait_state("off");
        wait_quiet(air);
        assert!(radio.bluetoothd.ended().is_none(), "bluetoothd survived it");
        assert_eq!(rig.said("WARN", "radio no-bluez"), 0);
    });
}

#[test]
fn mode_passive_without_the_experimental_interface_is_reported_as_impossible() {
    bench::run(|guest| {
        let (_bus, air, _bluetoothd) = plain(guest);
        let rig = Rig::start(guest, "passive");
        rig.wait_state("passive-unsupported");
        assert!(rig.text("RadioDetail").contains("-E"), "{}", rig.text("RadioDetail"));
        wait_quiet(&air);
        // It is tried again in between, which is no news.
        let tried = rig.cpu();
        let until = std::time::Instant::now() + Duration::from_secs(4);
        eventually(SOON, "some attempts", || {
            assert_eq!(rig.text("RadioState"), "passive-unsupported");
            std::time::Instant::now() > until
        });
        assert_eq!(rig.said("WARN", "radio passive-unsupported"), 1);
        assert!(rig.cpu() - tried < Duration::from_secs(2), "{:?}", rig.cpu() - tried);

        rig.mode("active");
        rig.wait_state("scanning");
        wait_scan(&air, "active", |scan| scan.active);
        assert!(rig.text("RadioDetail").contains("AdvertisementMonitor1"), "{}", rig.text("RadioDetail"));
        rig.flows(&air);
        rig.mode("passive");
        rig.wait_state("passive-unsupported");
        wait_quiet(&air);
        assert_eq!(rig.said("WARN", "radio passive-unsupported"), 2);
        rig.ledger();
    });
}

/// bluetoothd as most systems start it.
fn plain(guest: &Guest) -> (Process, Controller, Process) {
    let bus = guest.bus();
    let controller = guest.controller(ADDRESS);
    let bluetoothd = guest.bluetoothd(&[]);
    guest.bluez().wait_powered(ADDRESS);
    (bus, controller, bluetoothd)
}

#[test]
fn mode_of_the_chosen_adapter_only() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let second = guest.controller(SECOND);
        radio.bluez.wait_powered(SECOND);
        let rig = Rig::start(guest, "passive");
        for (address, chosen, other) in
            [(SECOND, &second, &radio.controller), (&*ADDRESS.to_lowercase(), &radio.controller, &second)]
        {
            rig.set(&["Adapters", "as", "1", address]);
            rig.wait_stat("AdapterAddresses", json!([address.to_uppercase()]));
            rig.wait_state("scanning");
            wait_scan(chosen, "passive", |scan| !scan.active);
            wait_quiet(other);
            let before = rig.received();
            // A radio that another client uses: the kernel's monitor channel has it too.
            let advert = Advert::new("C0:FF:EE:00:02:01".parse().expect("an address"), b"\x02\x01\x06");
            for _ in 0..10 {
                assert_eq!(other.report(std::slice::from_ref(&advert), true).expect("plugged in").sent, 1);
            }
            let item = rig.flows(chosen);
            assert_eq!(item["chipId"], chosen.state().index.expect("plugged in"));
            let others = rig.items().iter().filter(|item| item["bdaddrs"][0]["bdaddr"] == "C0:FF:EE:00:02:01").count();
            assert_eq!(others, 0, "of {} received", rig.received() - before);
        }
    });
}

#[test]
fn mode_of_an_adapter_that_comes_later() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "passive");
        rig.wait_state("scanning");
        rig.set(&["Adapters", "as", "1", SECOND]);
        rig.wait_state("adapter-missing");
        assert!(rig.text("RadioDetail").contains(SECOND));
        assert_eq!((rig.stat("Adapters"), rig.stat("AdapterAddresses")), (json!([]), json!([])));
        wait_quiet(&radio.controller);
        let second = guest.controller(SECOND);
        rig.wait_state("scanning");
        wait_scan(&second, "passive", |scan| !scan.active);
        assert_eq!(rig.flows(&second)["chipId"], 1);
        assert_eq!(rig.said("WARN", "radio adapter-missing"), 1);
        assert_eq!(rig.stat("Connects"), 1);
        rig.ledger();
    });
}
