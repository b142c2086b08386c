//! Another program connects to a device while the service scans: the kernel suspends the scan, and that is no fault.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use radio_controller::{Advert, Controller};

use crate::bench;
use crate::guest::{Guest, Radio, eventually};
use crate::rig::{ADDRESS, RECOVERY, Rig, SOON, wait_scan};
use crate::service_faults::scanning;

const LONG: Duration = Duration::from_secs(240);
/// A lock that advertises, and does not answer.
const LOCK: &str = "D0:11:22:33:44:55";
/// The kernel gives up after 20 s.
const ATTEMPT: Duration = Duration::from_secs(40);

/// The lock is on the air.
fn advertise(controller: &Controller) {
    let lock = Advert { evt: 0, ..Advert::new(LOCK.parse().expect("an address"), b"\x02\x01\x06") };
    drop(controller.report(&[lock], false));
}

/// Calls a method of the lock, as another program.
fn lock_command(method: &str, adapter: &str) -> Command {
    let path = format!("{adapter}/dev_{}", LOCK.replace(':', "_"));
    let mut command = Command::new("busctl");
    command.args(["--system", "--timeout=60", "call", "org.bluez", &path, "org.bluez.Device1", method]);
    command
}

/// Another program asks bluetoothd to connect to the lock, and waits for the answer.
fn connect(guest: &Guest, radio: &Radio, answered: bool) -> Child {
    let other = guest.bluez();
    let adapter = other.wait_powered(ADDRESS);
    other.start_discovery(&adapter).expect("discovery");
    eventually(SOON, "the lock is known", || {
        advertise(&radio.controller);
        other.devices().contains_key(LOCK)
    });
    other.stop_discovery(&adapter).expect("the end of the discovery");
    let mut command = lock_command("Connect", &adapter);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("busctl");
    eventually(SOON, "the controller tries", || {
        advertise(&radio.controller);
        radio.controller.state().connecting || answered && matches!(child.try_wait(), Ok(Some(_)))
    });
    child
}

/// Nothing was done about it, and nobody was told of trouble.
fn undisturbed(rig: &Rig<'_>) {
    assert_eq!(["power-cycle", "power-cycle-withheld", "rescan", "discovery"].map(|rung| rig.recoveries(rung)), [0; 4]);
    assert_eq!(rig.said("WARN", "radio"), 0);
}

/// Attempts that nobody answers, one after the other, beside a scan in this mode.
fn an_attempt(guest: &Guest, mode: &str) {
    let (radio, rig) = scanning(guest, mode);
    // Again, as soon as bluetoothd has answered.
    for _ in 0..2 {
        attempt(guest, &radio, &rig, mode);
    }
    undisturbed(&rig);
    rig.ledger();
}

fn attempt(guest: &Guest, radio: &Radio, rig: &Rig<'_>, mode: &str) {
    let mut child = connect(guest, radio, false);
    let began = Instant::now();
    eventually(SOON, "it is told", || rig.text("RadioDetail") == "another program is connecting");
    let ended = eventually(ATTEMPT, "the attempt ends", || {
        let told = (rig.text("RadioState"), rig.text("Health"), rig.recoveries("retry"));
        if !radio.controller.state().connecting {
            // Where bluetoothd ended the discovery with the attempt, as 5.87 does, another begins from now.
            return Some(Instant::now());
        }
        assert_eq!(told, ("scanning".into(), "online".into(), 0));
        None
    });
    println!("[rig] the attempt took {:?}", ended - began);
    rig.flows_within(RECOVERY, &radio.controller);
    println!("[rig] adverts flow {:?} after its end", ended.elapsed());
    wait_scan(&radio.controller, mode, |scan| scan.active == (mode == "active") && !scan.filter_dup);
    rig.wait_state("scanning");
    rig.wait_stat("RadioDetail", "");
    drop(child.kill());
    drop(child.wait());
}

/// A connection that comes about beside a scan in this mode, lasts, and ends.
fn a_connection(guest: &Guest, mode: &str) {
    let (radio, rig) = scanning(guest, mode);
    radio.controller.answer_connections(true);
    let mut child = connect(guest, &radio, true);
    let connected = |wanted: bool| {
        eventually(SOON, "bluetoothd knows of it", || {
            radio.bluez.devices().get(LOCK).is_some_and(|device| device["Connected"] == wanted.into())
        });
    };
    connected(true);
    assert!(child.wait().expect("busctl").success());
    for _ in 0..2 {
        rig.flows_within(RECOVERY, &radio.controller);
        wait_scan(&radio.controller, mode, |scan| scan.active == (mode == "active") && !scan.filter_dup);
        rig.wait_state("scanning");
        rig.wait_stat("RadioDetail", "");
        undisturbed(&rig);
        // The second time around it is over.
        drop(lock_command("Disconnect", &radio.bluez.wait_powered(ADDRESS)).status());
        connected(false);
    }
    rig.ledger();
}

#[test]
fn connection_beside_a_passive_scan() {
    bench::run_within(LONG, |guest| a_connection(guest, "passive"));
}

#[test]
fn connection_beside_an_active_scan() {
    bench::run_within(LONG, |guest| a_connection(guest, "active"));
}

#[test]
fn connection_attempt_that_fails_beside_a_passive_scan() {
    bench::run_within(LONG, |guest| an_attempt(guest, "passive"));
}

#[test]
fn connection_attempt_that_fails_beside_an_active_scan() {
    bench::run_within(LONG, |guest| an_attempt(guest, "active"));
}
