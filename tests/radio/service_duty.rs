//! How much of the time an adapter listens: as bluetoothd has it, and as the packages set it.

use std::path::Path;
use std::time::Duration;

use crate::bench;
use crate::guest::Guest;
use crate::guest::eventually;
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};

const LONG: Duration = Duration::from_secs(120);

/// Waits until the first adapter is said to listen for so much of the time.
fn wait_duty_cycle(rig: &Rig<'_>, percent: u64) {
    eventually(SOON, &format!("{percent} %"), || rig.stat("Radios")[0]["DutyCyclePercent"] == percent);
}

#[test]
fn duty_cycle_of_a_passive_scan_as_bluetoothd_is_shipped_is_half() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "passive");
        let scan = wait_scan(&radio.controller, "passive", |scan| !scan.active && !scan.filter_dup);
        assert_eq!((scan.interval, scan.window), (96, 48));
        wait_duty_cycle(&rig, 50);
        let hints = rig.hints();
        for part in ["hci0 listens 50 % of the time", "ScanWindowAdvMonitor=96", "systemctl restart bluetooth"] {
            assert!(hints.contains(part), "{part}: {hints}");
        }

        rig.mode("active");
        wait_scan(&radio.controller, "active", |scan| scan.active && !scan.filter_dup);
        wait_duty_cycle(&rig, 100);
        assert!(!rig.hints().contains("listens"), "{}", rig.hints());
        rig.mode("passive");
        wait_scan(&radio.controller, "passive again", |scan| !scan.active);
        wait_duty_cycle(&rig, 50);

        // An adapter that is away does not listen.
        radio.controller.unplug();
        rig.wait_state("adapter-missing");
        assert!(rig.stat("Radios")[0].get("DutyCyclePercent").is_none(), "{}", rig.stat("Radios"));
        assert!(!rig.hints().contains("listens"), "{}", rig.hints());
    });
}

#[test]
fn duty_cycle_of_a_passive_scan_of_the_packages_is_whole() {
    for settings in ["meta-cassia/recipes-core/cassia-router-conf/files/bluetooth.conf", "packaging/bluetooth.conf"] {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(settings).exists(), "{settings}");
    }
    bench::run_within(LONG, |guest| {
        for settings in ["meta-cassia/recipes-core/cassia-router-conf/files/bluetooth.conf", "packaging/bluetooth.conf"]
        {
            whole(guest, &Path::new(env!("CARGO_MANIFEST_DIR")).join(settings));
        }
    });
}

fn whole(guest: &Guest, settings: &Path) {
    let _bus = guest.bus();
    let controller = guest.controller(ADDRESS);
    let _bluetoothd = guest.bluetoothd(&["-f", settings.to_str().expect("UTF-8")]);
    guest.bluez().wait_powered(ADDRESS);
    let rig = Rig::start(guest, "passive");
    let scan = wait_scan(&controller, "passive", |scan| !scan.active && !scan.filter_dup);
    assert_eq!((scan.interval, scan.window), (96, 96));
    rig.wait_state("scanning");
    wait_duty_cycle(&rig, 100);
    assert!(!rig.hints().contains("listens"), "{}", rig.hints());
    rig.flows(&controller);
}

/// Without the monitor channel nobody knows.
#[test]
fn duty_cycle_is_unknown_in_a_scan_heard_by_signals() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start_service(guest, guest.service().without_net_raw(), "active");
        rig.wait_stat("Capture", "signals");
        rig.wait_state("scanning");
        rig.flows(&radio.controller);
        assert!(rig.stat("Radios")[0].get("DutyCyclePercent").is_none(), "{}", rig.stat("Radios"));
        assert!(!rig.hints().contains("listens"), "{}", rig.hints());
    });
}
