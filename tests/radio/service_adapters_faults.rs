//! Several adapters: what happens to one of them does not disturb the others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use radio_controller::{Controller, Load};
use rustix::process::Signal;
use serde_json::json;

use crate::bench;
use crate::guest::eventually;
use crate::journal::{WARNING, entries, journald, newest};
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};
use crate::service_adapters::{LONG, SECOND, two, two_beside, wait_radios};

/// The service bears half a minute, and looks every five seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// Runs while the first one reports, slowly, and counts what of it arrives: all.
fn without_a_gap(rig: &Rig<'_>, air: &Controller, meanwhile: impl FnOnce()) {
    let (before, done) = (rig.received(), AtomicBool::new(false));
    let sent = thread::scope(|scope| {
        let playing = scope.spawn(|| {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                let load = Load { devices: 1, rate: 50, count: 25, evt: 3 };
                let counts = load.run(air).expect("plugged in").counts;
                assert_eq!(counts.unheard, 0, "it scans all the time");
                sent += counts.sent;
            }
            sent
        });
        meanwhile();
        done.store(true, Ordering::Relaxed);
        playing.join().expect("the load")
    });
    eventually(SOON, "everything was heard", || rig.received() - before == sent);
}

#[test]
fn adapter_of_two_goes_and_comes_again() {
    bench::run_within(LONG, |guest| {
        let (radio, second, rig) = two(guest, "passive");
        for (n, choice) in
            [&["Adapters", "as", "2", ADDRESS, SECOND][..], &["Adapters", "as", "1", "all"]].iter().enumerate()
        {
            rig.set(choice);
            wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
            wait_scan(&radio.controller, "the first", |_| true);
            let starts = radio.controller.state().scan.starts;
            without_a_gap(&rig, &radio.controller, || {
                second.unplug();
                wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("", SECOND, "adapter-missing")]);
                rig.wait_state("adapter-missing");
                assert!(rig.text("RadioDetail").contains(SECOND), "{}", rig.text("RadioDetail"));
                assert_eq!((rig.stat("Adapters"), rig.stat("AdapterAddresses")), (json!(["hci0"]), json!([ADDRESS])));
                second.replug().expect("plugged in");
                wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
            });
            rig.wait_state("scanning");
            wait_scan(&second, "again", |scan| !scan.active);
            assert_eq!(rig.flows(&second)["chipId"], 1);
            assert_eq!(radio.controller.state().scan.starts, starts, "its scan was not touched");
            assert_eq!(rig.said("WARN", &format!("radio adapter-missing {SECOND}")), n + 1);
        }
        // Of the one that went it may have been said first that it was off.
        assert_eq!(rig.said("WARN", "hci0") + rig.said("WARN", ADDRESS), 0);
        rig.ledger();
    });
}

/// Nobody but silence tells, and the other one is not silent.
#[test]
fn adapter_silence_is_noticed_beside_another_adapter() {
    bench::run_within(LONG, |guest| {
        let (radio, second, rig) = two(guest, "passive");
        rig.set(&["Adapters", "as", "1", "all"]);
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
        wait_scan(&radio.controller, "the first", |_| true);
        wait_scan(&second, "the second", |_| true);
        rig.flows(&second);
        let starts = radio.controller.state().scan.starts;
        without_a_gap(&rig, &radio.controller, || {
            second.forget();
            eventually(SILENCE, "another scan", || second.state().scan.enabled);
        });
        assert_eq!(rig.flows(&second)["chipId"], 1);
        assert_eq!(radio.controller.state().scan.starts, starts, "one that hears is left alone");
        assert_eq!(rig.said("WARN", "radio"), 0);
        rig.ledger();
    });
}

#[test]
fn adapters_come_again_with_bluetoothd() {
    bench::run_within(LONG, |guest| {
        let (mut radio, second, rig) = two(guest, "active");
        rig.set(&["Adapters", "as", "1", "all"]);
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
        for signal in [Signal::TERM, Signal::KILL] {
            radio.bluetoothd.end(signal);
            wait_radios(&rig, &[("hci0", ADDRESS, "no-bluez"), ("hci1", SECOND, "no-bluez")]);
            assert_eq!(rig.text("RadioState"), "no-bluez");
            radio.bluetoothd = guest.bluetoothd(&["-E"]);
            wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
            for (controller, chip) in [(&radio.controller, 0), (&second, 1)] {
                wait_scan(controller, "active", |scan| scan.active && !scan.filter_dup);
                assert_eq!(rig.flows(controller)["chipId"], chip);
            }
        }
        rig.ledger();
    });
}

/// Somebody took it away: that is told, and is no trouble for ever.
#[test]
fn adapter_that_stays_away_is_gone() {
    bench::run_within(LONG, |guest| {
        let _journald = journald();
        let service = guest.service().env("JOURNAL_STREAM", "1:1");
        let (radio, second, rig) = two_beside(guest, service, "passive");
        rig.set(&["Adapters", "as", "1", "all"]);
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
        second.unplug();
        rig.wait_state("adapter-missing");
        eventually(Duration::from_secs(75), "it is given up", || rig.text("RadioState") == "scanning");
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("", SECOND, "gone")]);
        assert_eq!(rig.text("RadioDetail"), "");
        let gone = newest("adapter-gone", "once", |_| true);
        assert_eq!((&gone["PRIORITY"], &gone["ADAPTER"]), (&WARNING.into(), &SECOND.into()));
        assert_eq!(entries("adapter-gone").len(), 1);
        rig.flows(&radio.controller);
        second.replug().expect("plugged in");
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
        assert_eq!(rig.flows(&second)["chipId"], 1);
        rig.ledger();
    });
}
