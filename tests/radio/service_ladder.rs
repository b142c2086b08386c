//! What the service does to get a radio back, rung by rung, and how little while that does not help.

use std::fs;
use std::time::{Duration, Instant};

use crate::bench;
use crate::guest::{Guest, eventually};
use crate::journal::{WARNING, entries, journald, newest};
use crate::rig::{ADDRESS, RECOVERY, Rig, SOON, wait_quiet, wait_scan};
use crate::service_faults::scanning;

const LONG: Duration = Duration::from_secs(180);
/// LE Set Extended Scan Enable.
const SCAN_ENABLE: u16 = 0x2042;
const COMMAND_DISALLOWED: u8 = 0x0C;
/// A controller may refuse for half a minute, and StartDiscovery is tried for 20 s in one go.
const REFUSAL: Duration = Duration::from_secs(75);

/// Blocks or unblocks all Bluetooth adapters, as the program rfkill does: `struct rfkill_event` with RFKILL_OP_CHANGE_ALL.
fn rfkill(block: bool) {
    const BLUETOOTH: u8 = 2;
    const CHANGE_ALL: u8 = 3;
    fs::write("/dev/rfkill", [0, 0, 0, 0, BLUETOOTH, CHANGE_ALL, block.into(), 0]).expect("/dev/rfkill");
}

/// Lets so much time pass, while `ask` holds.
fn hold(time: Duration, mut ask: impl FnMut()) {
    let until = Instant::now() + time;
    eventually(time + SOON, "time passes", || {
        ask();
        Instant::now() > until
    });
}

#[test]
fn blocked_by_rfkill() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        for (n, mode) in ["passive", "active"].into_iter().enumerate() {
            rig.mode(mode);
            wait_scan(&radio.controller, mode, |scan| scan.active == (mode == "active"));
            rig.wait_state("scanning");
            rfkill(true);
            rig.wait_state("adapter-off");
            wait_quiet(&radio.controller);
            let retries = rig.recoveries("retry");
            hold(Duration::from_secs(10), || assert!(rig.text("RadioState") == "adapter-off"));
            let tried = rig.recoveries("retry") - retries;
            assert!((1..=8).contains(&tried), "{tried} in 10 s");
            let detail = rig.text("RadioDetail");
            assert!(detail.contains("blocked by rfkill; unblock it: rfkill unblock bluetooth"), "{detail}");
            println!("[rig] {tried} attempts while blocked: {}", rig.text("RadioDetail"));
            rfkill(false);
            let over = Instant::now();
            rig.flows_within(RECOVERY, &radio.controller);
            println!("[rig] adverts flow {:?} after the unblocking", over.elapsed());
            wait_scan(&radio.controller, mode, |scan| scan.active == (mode == "active") && !scan.filter_dup);
            rig.wait_state("scanning");
            assert_eq!(rig.said("WARN", "radio adapter-off"), n + 1);
        }
        rig.ledger();
    });
}

/// It refuses to scan until it is reset: nothing but a power cycle helps, and it is the last thing that is tried.
#[test]
fn recovery_by_a_power_cycle_where_nothing_else_helps() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "off");
        radio.controller.jam(COMMAND_DISALLOWED);
        let since = Instant::now();
        rig.mode("active");
        rig.wait_state("starting");
        eventually(REFUSAL, "a power cycle", || rig.recoveries("power-cycle") == 1);
        println!("[rig] power-cycled after {:?}, {}", since.elapsed(), rig.stat("Recoveries"));
        assert!(since.elapsed() > Duration::from_secs(30), "the last rung");
        rig.wait_state("scanning");
        wait_scan(&radio.controller, "active", |scan| scan.active && !scan.filter_dup);
        rig.flows_within(RECOVERY, &radio.controller);
        assert!(rig.recoveries("retry") >= 10, "the gentler ones came first");
        let said = [("WARN", "recovery power-cycle hci0"), ("INFO", "recovery retry hci0"), ("WARN", "radio starting")];
        assert_eq!(said.map(|(level, text)| rig.said(level, text)), [1; 3]);
        eventually(SOON, "how it ended", || rig.said("INFO", "after the power cycle") == 1);
        assert_eq!(rig.recoveries("power-cycle-withheld"), 0);
        rig.ledger();
    });
}

/// An LE connection (Core 5.4, Vol 4, Part E, 7.7.65.1) and its end (7.7.5), as the controller tells them.
const CONNECTED: &[u8] =
    &[4, 0x3E, 19, 0x01, 0, 0x01, 0, 1, 1, 0x01, 0x00, 0, 0, 0x0D, 0xF0, 0xC1, 0x28, 0, 0, 0, 0xC8, 0, 0];
const DISCONNECTED: &[u8] = &[4, 0x05, 4, 0, 0x01, 0, 0x13];

#[test]
fn recovery_without_a_power_cycle_while_a_device_is_connected() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "off");
        radio.controller.jam(COMMAND_DISALLOWED);
        radio.controller.raw(CONNECTED, true).expect("plugged in");
        let connected = || radio.bluez.devices().values().any(|d| d["Connected"] == true.into());
        eventually(SOON, "bluetoothd knows of it", connected);
        rig.mode("active");
        eventually(REFUSAL, "it is withheld", || rig.recoveries("power-cycle-withheld") == 1);
        hold(Duration::from_secs(3), || assert_eq!(rig.recoveries("power-cycle"), 0));
        assert!(connected(), "it was left alone");
        assert_eq!(rig.said("WARN", "recovery power-cycle-withheld hci0"), 1);
        radio.controller.raw(DISCONNECTED, true).expect("plugged in");
        eventually(SOON, "bluetoothd knows of that, too", || !connected());
        eventually(REFUSAL, "a power cycle", || rig.recoveries("power-cycle") == 1);
        rig.wait_state("scanning");
        rig.flows_within(RECOVERY, &radio.controller);
        rig.ledger();
    });
}

/// Whatever is missing, it is asked for a few times a minute, and the log has it once.
#[test]
fn recovery_does_not_spin_while_the_trouble_lasts() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "active");
        let lasting = |rig: &Rig<'_>, what: &str| {
            let (lines, retries, cpu) = (rig.service.lines().len(), rig.recoveries("retry"), rig.cpu());
            hold(Duration::from_secs(20), || assert!(rig.text("RadioState") != "scanning"));
            let (tried, spent) = (rig.recoveries("retry") - retries, rig.cpu() - cpu);
            println!("[rig] {what}: {tried} attempts and {spent:?} of processor time in 20 s");
            assert!(tried <= 21, "{tried} attempts in 20 s");
            assert_eq!(rig.service.lines().len(), lines, "{what}: it was said already");
        };
        radio.controller.unplug();
        rig.wait_state("adapter-missing");
        eventually(SOON, "a retry", || rig.said("INFO", "recovery retry") > 0);
        lasting(&rig, "without an adapter");
        radio.controller.fail(SCAN_ENABLE, COMMAND_DISALLOWED);
        radio.controller.replug().expect("plugged in");
        rig.wait_state("starting");
        eventually(SOON, "a retry", || rig.text("RadioDetail").contains("StartDiscovery"));
        lasting(&rig, "with a controller that refuses");
        radio.controller.fail(SCAN_ENABLE, 0);
        rig.flows_within(RECOVERY, &radio.controller);
        rig.wait_state("scanning");
        radio.bluetoothd.end(rustix::process::Signal::KILL);
        rig.wait_state("no-bluez");
        let said = rig.said("INFO", "recovery retry");
        eventually(SOON, "a retry", || rig.said("INFO", "recovery retry") > said);
        lasting(&rig, "without bluetoothd");
    });
}

/// bluetoothd is frozen before the service asks it for anything; a stop does not wait for it.
#[test]
fn recovery_at_a_stop_does_not_wait_for_bluetoothd() {
    bench::run_within(LONG, |guest: &Guest| {
        let radio = guest.radio(ADDRESS);
        for net_raw in [true, false] {
            let service = if net_raw { guest.service() } else { guest.service().without_net_raw() };
            let rig = Rig::start_service(guest, service, "off");
            radio.bluetoothd.signal(rustix::process::Signal::STOP);
            rig.mode("active");
            // Calls are under way.
            hold(Duration::from_secs(1), || assert!(rig.text("RadioState") != "scanning"));
            rig.service.signal(rustix::process::Signal::TERM);
            let since = Instant::now();
            // Of these the publishing side may take two.
            let status = eventually(Duration::from_secs(4), "the service ends", || rig.service.ended());
            println!("[rig] ended after {:?}", since.elapsed());
            assert!(status.success(), "{status}");
            radio.bluetoothd.signal(rustix::process::Signal::CONT);
            rig.broker.end(rustix::process::Signal::TERM);
            fs::remove_dir_all("/var/lib/cassia-bypass").expect("settings");
        }
    });
}

/// bluetoothd and the kernel believe that a passive scan is on: only the controller's answers tell that it is not.
#[test]
fn recovery_of_a_passive_scan_that_the_controller_refuses() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        for status in [COMMAND_DISALLOWED, 0x1F] {
            rig.mode("off");
            wait_quiet(&radio.controller);
            radio.controller.jam(status);
            let said = [rig.said("WARN", "radio starting"), rig.said("INFO", "radio scanning")];
            rig.mode("passive");
            let refused = format!("refuses to scan (status {status:#04x})");
            eventually(SOON, "it is told", || rig.text("RadioDetail").contains(&refused));
            hold(Duration::from_secs(10), || assert!(!radio.controller.state().scan.enabled));
            let now = [rig.said("WARN", "radio starting"), rig.said("INFO", "radio scanning")];
            assert_eq!(now[0], said[0] + 1, "once, however often it is tried");
            assert!(now[1] <= said[1] + 1, "it is not believed");
            radio.controller.jam(0);
            let over = Instant::now();
            rig.flows_within(RECOVERY, &radio.controller);
            println!("[rig] adverts flow {:?} after the end of the refusal", over.elapsed());
            rig.wait_state("scanning");
            assert_eq!(rig.recoveries("rescan"), 0, "silence had no part in it");
        }
        rig.ledger();
    });
}

/// A site that is quiet for long: the gentle things are done soon, once each, and harm nothing.
#[test]
fn recovery_tries_a_discovery_where_another_scan_heard_nothing() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        eventually(REFUSAL, "a rescan", || rig.recoveries("rescan") == 1);
        assert_eq!(rig.recoveries("discovery"), 0, "the gentler one comes first");
        eventually(REFUSAL, "a discovery", || rig.recoveries("discovery") == 1);
        wait_scan(&radio.controller, "the discovery", |scan| scan.active);
        wait_scan(&radio.controller, "as before", |scan| !scan.active && !scan.filter_dup);
        rig.wait_state("scanning");
        rig.flows_within(RECOVERY, &radio.controller);
        assert_eq!(rig.said("INFO", "recovery discovery hci0"), 1);
        assert_eq!((rig.recoveries("rescan"), rig.recoveries("power-cycle")), (1, 0));
        rig.ledger();
    });
}

/// It refuses after the power cycle, too: that is said, and so is its end.
#[test]
fn recovery_reports_a_power_cycle_that_did_not_help() {
    bench::run_within(LONG, |guest| {
        let _journald = journald();
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start_service(guest, guest.service().env("JOURNAL_STREAM", "1:1"), "off");
        // The end of the scan would be refused, too.
        wait_quiet(&radio.controller);
        radio.controller.fail(SCAN_ENABLE, COMMAND_DISALLOWED);
        rig.mode("active");
        eventually(REFUSAL, "a power cycle", || rig.recoveries("power-cycle") == 1);
        assert_eq!(entries("power-cycled").len(), 0, "not yet");
        eventually(REFUSAL, "it is told", || !entries("power-cycled").is_empty());
        let nothing = newest("power-cycled", "nothing", |_| true);
        assert_eq!((&nothing["PRIORITY"], &nothing["ADAPTER"]), (&WARNING.into(), &"hci0".into()));
        assert!(nothing["ERROR"].as_str().is_some_and(|why| why.contains("StartDiscovery")), "{nothing}");
        radio.controller.fail(SCAN_ENABLE, 0);
        rig.flows_within(RECOVERY, &radio.controller);
        let back = newest("power-cycled", "back", |entry| entry["ERROR"] == serde_json::Value::Null);
        assert!(back["COUNT"].as_str().is_some_and(|secs| secs.parse().is_ok_and(|secs: u64| secs >= 30)), "{back}");
        assert_eq!(entries("power-cycled").len(), 2);
    });
}
