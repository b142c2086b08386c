//! Faults of the radio and of bluetoothd while the service scans: adverts flow again, by the same process, and the books balance.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::bench;
use crate::guest::{Guest, Radio, eventually};
use crate::rig::{ADDRESS, RECOVERY, Rig, SOON, wait_quiet, wait_scan};

const SECOND: &str = "C0:DE:00:00:00:02";
const LONG: Duration = Duration::from_secs(120);
/// The service bears half a minute, and looks every five seconds.
const SILENCE: Duration = Duration::from_secs(45);
/// LE Set Extended Scan Enable.
const SCAN_ENABLE: u16 = 0x2042;
const COMMAND_DISALLOWED: u8 = 0x0C;

/// A service that scans, and hears.
pub(crate) fn scanning<'a>(guest: &'a Guest, mode: &str) -> (Radio, Rig<'a>) {
    let radio = guest.radio(ADDRESS);
    let rig = Rig::start(guest, mode);
    wait_scan(&radio.controller, mode, |scan| scan.active == (mode == "active"));
    rig.wait_state("scanning");
    rig.flows(&radio.controller);
    (radio, rig)
}

/// The same fault while the scan is passive and while it is active.
fn in_both_modes(guest: &Guest, fault: impl Fn(&mut Radio, &Rig<'_>)) {
    let (mut radio, rig) = scanning(guest, "passive");
    for (mode, active) in [("passive", false), ("active", true)] {
        rig.mode(mode);
        wait_scan(&radio.controller, mode, |scan| scan.active == active);
        rig.wait_state("scanning");
        rig.flows(&radio.controller);
        let since = (Instant::now(), rig.cpu());
        fault(&mut radio, &rig);
        recovered(&rig, &radio, active, since);
    }
}

/// All is as before the fault: the scan as wanted, adverts arrive, the same process and connection, little work done.
fn recovered(rig: &Rig<'_>, radio: &Radio, active: bool, since: (Instant, Duration)) {
    let over = Instant::now();
    rig.flows_within(RECOVERY, &radio.controller);
    println!("[rig] adverts flow {:?} after the end of the fault", over.elapsed());
    let scan = wait_scan(&radio.controller, "as wanted", |scan| scan.active == active && !scan.filter_dup);
    println!("[rig] scans {:?} after the fault: {scan:?}", since.0.elapsed());
    rig.wait_state("scanning");
    rig.flows(&radio.controller);
    println!("[rig] adverts flow {:?} after the fault", since.0.elapsed());
    let spent = rig.cpu() - since.1;
    assert!(spent < Duration::from_millis(500) + since.0.elapsed() / 5, "{spent:?} of processor time, a busy loop?");
    assert!(rig.service.ended().is_none(), "the same process");
    assert_eq!((rig.stat("Connects"), rig.text("RadioDetail")), (1.into(), String::new()));
    rig.ledger();
}

#[test]
fn unplugged_and_plugged_in_again() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, rig| {
            let before = rig.said("WARN", "radio adapter-missing");
            radio.controller.unplug();
            rig.wait_state("adapter-missing");
            assert_eq!(rig.said("WARN", "radio adapter-off"), 0, "it was pulled, not switched off");
            let detail = rig.text("RadioDetail");
            assert!(detail.contains(ADDRESS) && detail.contains("unplugged") && !detail.contains("rfkill"), "{detail}");
            assert!(!rig.hints().contains("rfkill"), "{}", rig.hints());
            assert_eq!(rig.stat("Adapters"), json!([]));
            assert_eq!(rig.said("WARN", "radio adapter-missing"), before + 1);
            radio.controller.replug().expect("plugged in");
        });
    });
}

#[test]
fn unplugged_for_a_moment() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, _| {
            radio.controller.unplug();
            radio.controller.replug().expect("plugged in");
        });
    });
}

#[test]
fn plugged_in_again_under_another_index() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        rig.set(&["Adapters", "as", "1", ADDRESS]);
        rig.wait_stat("Adapters", json!(["hci0"]));
        rig.wait_state("scanning");
        let since = (Instant::now(), rig.cpu());
        radio.controller.unplug();
        let other = guest.controller(SECOND);
        assert_eq!(other.state().index, Some(0), "the place is taken");
        rig.wait_state("adapter-missing");
        radio.controller.replug().expect("plugged in");
        recovered(&rig, &radio, false, since);
        assert_eq!(rig.stat("Adapters"), json!(["hci1"]));
        assert_eq!(rig.flows(&radio.controller)["chipId"], 1);
        wait_quiet(&other);
    });
}

#[test]
fn powered_off_by_another_client() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, rig| {
            let (starts, before) = (radio.controller.state().scan.starts, rig.said("WARN", "radio adapter-off"));
            let off = ["set-property", "org.bluez", "/org/bluez/hci0", "org.bluez.Adapter1", "Powered", "b", "false"];
            guest.busctl("root", &off).expect("powered off");
            eventually(SOON, "it is told", || rig.said("WARN", "radio adapter-off") == before + 1);
            eventually(SOON * 2, "another scan", || radio.controller.state().scan.starts > starts);
        });
    });
}

#[test]
fn fault_of_the_hardware() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, _| {
            let starts = radio.controller.state().scan.starts;
            radio.controller.hardware_error(0x42).expect("plugged in");
            eventually(SOON * 2, "another scan", || radio.controller.state().scan.starts > starts);
        });
    });
}

/// The kernel scans on, and what it hears counts; another bluetoothd may first say that a discovery is in progress.
#[test]
fn bluetoothd_dies() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, rig| {
            radio.bluetoothd.end(Signal::KILL);
            rig.wait_state("no-bluez");
            if radio.controller.state().scan.enabled {
                rig.flows(&radio.controller);
            }
            radio.bluetoothd = guest.bluetoothd(&["-E"]);
            radio.bluez.wait_powered(ADDRESS);
        });
    });
}

#[test]
fn bluetoothd_is_restarted() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, rig| {
            radio.bluetoothd.end(Signal::TERM);
            rig.wait_state("no-bluez");
            wait_quiet(&radio.controller);
            radio.bluetoothd = guest.bluetoothd(&["-E"]);
            radio.bluez.wait_powered(ADDRESS);
        });
    });
}

#[test]
fn bluetoothd_hangs() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, rig| {
            radio.bluetoothd.signal(Signal::STOP);
            eventually(SOON * 2, "it is told", || rig.text("RadioDetail").contains("no answer"));
            assert_eq!(rig.text("RadioState"), "starting");
            radio.bluetoothd.signal(Signal::CONT);
        });
    });
}

/// For longer than BlueZ scans in one go: its next command stays without an answer.
#[test]
fn fault_of_a_controller_that_hangs_for_a_while() {
    bench::run_within(LONG, |guest| {
        in_both_modes(guest, |radio, rig| {
            radio.controller.set_hung(true);
            let since = Instant::now();
            eventually(SOON * 2, "a while", || {
                assert!(rig.service.ended().is_none());
                since.elapsed() > Duration::from_secs(13)
            });
            println!("[rig] {} {}", rig.text("RadioState"), rig.text("RadioDetail"));
            radio.controller.set_hung(false);
        });
    });
}

/// Neither the kernel nor bluetoothd knows of it: only silence tells.
#[test]
fn fault_of_a_controller_that_forgets_that_it_scans() {
    bench::run_within(LONG * 2, |guest| {
        in_both_modes(guest, |radio, rig| {
            // An active scan is begun anew every ten seconds by BlueZ itself.
            let ours = u64::from(!radio.controller.state().scan.active);
            let (lines, rescans) = (rig.service.lines().len(), rig.recoveries("rescan"));
            radio.controller.forget();
            eventually(SILENCE, "another scan", || radio.controller.state().scan.enabled);
            rig.flows(&radio.controller);
            assert_eq!(rig.recoveries("rescan"), rescans + ours);
            assert_eq!(rig.said("INFO", "recovery rescan hci0") as u64, rescans + ours);
            assert_eq!(rig.service.lines().len() as u64, lines as u64 + ours, "silence is no other news");
        });
    });
}

#[test]
fn fault_of_a_controller_that_refuses_to_scan() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "active");
        rig.mode("off");
        wait_quiet(&radio.controller);
        let since = (Instant::now(), rig.cpu());
        radio.controller.fail(SCAN_ENABLE, COMMAND_DISALLOWED);
        rig.mode("active");
        eventually(SOON, "it is told", || rig.said("WARN", "radio starting") == 1);
        let detail = rig.text("RadioDetail");
        for part in ["starting a discovery (StartDiscovery): ", "systemctl restart bluetooth", "(org.bluez.Error."] {
            assert!(detail.contains(part), "{part}: {detail}");
        }
        assert_eq!(rig.text("RadioState"), "starting");
        radio.controller.fail(SCAN_ENABLE, 0);
        recovered(&rig, &radio, true, since);
        assert_eq!(rig.said("WARN", "radio starting"), 1);
    });
}

#[test]
fn sigterm_ends_the_scan_and_the_service() {
    bench::run(|guest| {
        let (radio, mut rig) = scanning(guest, "passive");
        for (mode, active) in [("passive", false), ("active", true)] {
            rig.mode(mode);
            wait_scan(&radio.controller, mode, |scan| scan.active == active);
            rig.wait_state("scanning");
            let since = Instant::now();
            rig.service.signal(Signal::TERM);
            wait_quiet(&radio.controller);
            println!("[rig] quiet after {:?}", since.elapsed());
            let status = eventually(SOON, "the service ends", || rig.service.ended());
            println!("[rig] ended after {:?}", since.elapsed());
            assert!(status.success(), "{status}");
            assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
            rig.service = guest.service().start();
            rig.ready();
            wait_scan(&radio.controller, mode, |scan| scan.active == active);
            rig.wait_state("scanning");
            rig.flows(&radio.controller);
        }
    });
}

/// A monitor that cannot be registered is no reason to go on without one, and none to be deaf meanwhile.
#[test]
fn fault_of_a_monitor_that_is_refused_for_a_while() {
    const DENY: &str = "/etc/dbus-1/system.d/deny.conf";
    const POLICY: &str = r#"<busconfig><policy context="mandatory">
        <deny send_interface="org.bluez.AdvertisementMonitorManager1" send_member="RegisterMonitor"/>
        </policy></busconfig>"#;
    bench::run_within(LONG, |guest| {
        std::fs::write(DENY, POLICY).expect("a policy");
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "active");
        wait_scan(&radio.controller, "without a monitor", |scan| scan.active && scan.filter_dup);
        eventually(SOON, "it is told", || rig.text("RadioDetail").contains("without AdvertisementMonitor1"));
        assert_eq!(rig.text("RadioState"), "starting");
        rig.flows(&radio.controller);
        eventually(SOON * 2, "it is tried again", || rig.recoveries("retry") >= 3);
        rig.wait_stat("HealthReason", "starting");
        assert_eq!(rig.said("WARN", "radio starting"), 1, "once");
        std::fs::remove_file(DENY).expect("the policy");
        radio.bus.signal(Signal::HUP);
        wait_scan(&radio.controller, "with a monitor", |scan| scan.active && !scan.filter_dup);
        rig.wait_state("scanning");
        rig.wait_stat("Health", "online");
        assert_eq!(rig.text("RadioDetail"), "");
        rig.flows(&radio.controller);
        rig.ledger();
    });
}
