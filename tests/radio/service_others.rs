//! Other programs use the adapter, too.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use zbus::Variant;

use crate::bench;
use crate::guest::{Guest, Radio, eventually};
use crate::journal::journald;
use crate::rig::{ADDRESS, BUS, PATH, RECOVERY, Rig, SOON, wait_scan};
use crate::service_faults::scanning;

const POLICY: &str = "/etc/dbus-1/system.d/com.cassianetworks.Bypass1.conf";
const DBUS: &str = "org.freedesktop.DBus";
const LONG: Duration = Duration::from_secs(180);
/// For what nobody tells, and only silence shows.
const MINUTE: Duration = Duration::from_secs(60);

/// Filters of other clients: none, one that hides what does not match from everyone on D-Bus, one by strength, by service.
fn filters() -> Vec<HashMap<&'static str, Variant<'static>>> {
    vec![
        HashMap::new(),
        HashMap::from([("Pattern", Variant::from("AA:BB"))]),
        HashMap::from([("RSSI", Variant::from(-30_i16))]),
        HashMap::from([("UUIDs", Variant::from(vec!["0000180f-0000-1000-8000-00805f9b34fb"]))]),
        HashMap::from([("Transport", Variant::from("auto")), ("DuplicateData", Variant::from(false))]),
    ]
}

/// Scans in this mode from now on.
fn scan_in(rig: &Rig<'_>, radio: &Radio, mode: &str, active: bool) {
    rig.mode(mode);
    wait_scan(&radio.controller, mode, |scan| scan.active == active);
    rig.wait_state("scanning");
}

#[test]
fn client_beside_us_discovers_as_it_likes() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        for (mode, active) in [("passive", false), ("active", true)] {
            scan_in(&rig, &radio, mode, active);
            for filter in filters() {
                println!("[rig] {mode}, another client with {filter:?}");
                let other = guest.bluez();
                let adapter = other.wait_powered(ADDRESS);
                other.set_filter(&adapter, &filter).expect("a filter");
                other.start_plain(&adapter).expect("discovery");
                wait_scan(&radio.controller, "for both", |scan| scan.active);
                rig.flows_within(RECOVERY, &radio.controller);
                other.stop_discovery(&adapter).expect("the end of the discovery");
                rig.flows_within(RECOVERY, &radio.controller);
                wait_scan(&radio.controller, mode, |scan| scan.active == active && !scan.filter_dup);
                // One that goes without a word.
                other.start_plain(&adapter).expect("discovery");
                drop(other);
                rig.flows_within(RECOVERY, &radio.controller);
                wait_scan(&radio.controller, mode, |scan| scan.active == active && !scan.filter_dup);
                rig.wait_state("scanning");
            }
        }
        assert_eq!(rig.said("WARN", "radio"), 0);
        rig.ledger();
    });
}

/// A program that speaks to the controller itself, past bluetoothd and the kernel, ends the scan that both believe to be running.
#[test]
fn program_beside_us_ends_the_scan_with_a_command_of_its_own() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        for (mode, active) in [("passive", false), ("active", true)] {
            scan_in(&rig, &radio, mode, active);
            rig.flows_within(RECOVERY, &radio.controller);
            // LE Set Extended Scan Enable: off.
            let words = ["-i", "hci0", "cmd", "0x08", "0x0042", "00", "00", "00", "00", "00", "00"];
            let ended = Command::new("hcitool").args(words).stdout(Stdio::null()).status().expect("hcitool");
            assert!(ended.success());
            let since = Instant::now();
            rig.flows_within(MINUTE, &radio.controller);
            println!("[rig] {mode}: adverts flow {:?} after the command, {}", since.elapsed(), rig.stat("Recoveries"));
            wait_scan(&radio.controller, mode, |scan| scan.active == active && !scan.filter_dup);
            rig.wait_state("scanning");
        }
        assert_eq!(rig.recoveries("power-cycle"), 0);
        rig.ledger();
    });
}

/// Signals in the name of bluetoothd's objects, sent to each connection of the service by a user who may do nothing.
fn forge(guest: &Guest, rig: &Rig<'_>) {
    let (properties, objects) = ("org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager");
    let adapter = ["/org/bluez/hci0", properties, "PropertiesChanged", "sa{sv}as", "org.bluez.Adapter1"];
    let forged = [
        [&adapter[..], &["1", "Powered", "b", "false", "0"]].concat(),
        [&adapter[..], &["1", "Discovering", "b", "false", "0"]].concat(),
        vec!["/", objects, "InterfacesRemoved", "oas", "/org/bluez/hci0", "1", "org.bluez.Adapter1"],
    ];
    let list = guest.busctl("root", &["list", "--json=short"]).expect("the connections");
    let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
    let ours = format!("u {}", rig.service.id().as_raw_nonzero());
    let is_ours = |name: &&str| {
        let asked = ["call", DBUS, "/org/freedesktop/DBus", DBUS, "GetConnectionUnixProcessID", "s", name];
        guest.busctl("root", &asked).is_ok_and(|id| id == ours)
    };
    let unique = list.iter().filter_map(|entry| entry["name"].as_str()).filter(|name| name.starts_with(':'));
    let names: Vec<_> = unique.filter(is_ours).collect();
    assert!(names.len() > 1, "its own and that of the radio: {names:?}");
    for name in names {
        let destination = format!("--destination={name}");
        for signal in forged.iter().cycle().take(15) {
            guest.busctl("mosquitto", &[&[&*destination, "--", "emit"], &signal[..]].concat()).expect("sent");
        }
    }
}

#[test]
fn signals_of_strangers_change_nothing() {
    bench::run_within(LONG, |guest| nothing_changes(guest, guest.radio(ADDRESS)));
}

#[test]
fn signals_of_strangers_change_nothing_on_dbus_broker() {
    bench::run_within(LONG, |guest| {
        // It does not start without.
        let _journald = journald();
        nothing_changes(guest, guest.radio_on(guest.bus_of_dbus_broker(), ADDRESS));
    });
}

/// With the policy as it is shipped, and with one that lets any signal pass.
fn nothing_changes(guest: &Guest, radio: Radio) {
    let rig = Rig::start(guest, "passive");
    rig.wait_state("scanning");
    let strict = fs::read_to_string(POLICY).expect("the policy");
    for policy in [&strict, &strict.replace("<deny receive_type=\"signal\"/>", "")] {
        fs::write(POLICY, policy).expect("the policy");
        guest.busctl("root", &["call", DBUS, "/org/freedesktop/DBus", DBUS, "ReloadConfig"]).expect("reloaded");
        for (mode, active) in [("passive", false), ("active", true)] {
            scan_in(&rig, &radio, mode, active);
            let (lines, recoveries) = (rig.service.lines().len(), rig.stat("Recoveries"));
            let starts = radio.controller.state().scan.starts;
            forge(guest, &rig);
            rig.flows_within(RECOVERY, &radio.controller);
            assert_eq!((rig.text("RadioState"), rig.stat("Recoveries")), ("scanning".into(), recoveries));
            assert_eq!(rig.service.lines()[lines..], [""; 0], "{mode}");
            println!("[rig] {mode}: {} scans began", radio.controller.state().scan.starts - starts);
        }
    }
    rig.ledger();
}

/// The other way round: what we ask for does not keep devices from others.
#[test]
fn client_beside_us_sees_devices() {
    bench::run_within(LONG, |guest| {
        let (radio, rig) = scanning(guest, "passive");
        let mut number = 0_u8;
        for (mode, active) in [("passive", false), ("active", true)] {
            scan_in(&rig, &radio, mode, active);
            for filter in [HashMap::new(), HashMap::from([("Transport", Variant::from("le"))])] {
                let other = guest.bluez();
                let adapter = other.wait_powered(ADDRESS);
                other.set_filter(&adapter, &filter).expect("a filter");
                other.start_plain(&adapter).expect("discovery");
                wait_scan(&radio.controller, "for both", |scan| scan.active);
                number += 1;
                let address = format!("C0:FF:EE:00:04:{number:02X}");
                let advert = radio_controller::Advert {
                    evt: 3,
                    ..radio_controller::Advert::new(
                        address.parse().expect("an address"),
                        b"\x02\x01\x06\x05\xFF\x34\x12\x01\x02",
                    )
                };
                eventually(SOON, "the other client sees it", || {
                    drop(radio.controller.report(std::slice::from_ref(&advert), false));
                    other.devices().contains_key(&address)
                });
            }
        }
        rig.ledger();
    });
}

#[test]
fn diagnosis_names_the_adapter_and_another_discovery() {
    bench::run(|guest| {
        let (_radio, rig) = scanning(guest, "passive");
        let radio = rig.stat("Radios")[0].clone();
        println!("[rig] {radio}");
        assert_eq!(
            (&radio["Adapter"], &radio["Address"], &radio["State"]),
            (&"hci0".into(), &ADDRESS.into(), &"scanning".into())
        );
        for word in ["extended-advertising", "le-2m-phy", "le-coded-phy", "advertisement-monitor"] {
            assert!(radio["Capabilities"].as_array().expect("words").contains(&word.into()), "{word}");
        }
        let foreign = || {
            let method = ["call", BUS, PATH, &format!("{BUS}.Config"), "Diagnose"];
            let answer = guest.busctl("bench-admin", &[&["--json=short"][..], &method].concat()).expect("an answer");
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            answer["data"][0]["ForeignDiscovery"]["data"].clone()
        };
        assert_eq!(foreign(), "none");
        let other = guest.bluez();
        other.start_plain(&other.wait_powered(ADDRESS)).expect("discovery");
        eventually(SOON, "it is told", || foreign() == "another-client");
        drop(other);
        eventually(SOON, "its end is told", || foreign() == "none");
        rig.mode("active");
        eventually(SOON, "our own hides it", || foreign() == "unknown");
    });
}
