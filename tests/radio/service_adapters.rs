//! Several adapters: each one that is wanted is heard, whatever happens to the others.

use std::collections::BTreeSet;
use std::time::Duration;

use radio_controller::{Advert, Controller};
use serde_json::json;

use crate::bench;
use crate::guest::{Guest, Radio, eventually};
use crate::rig::{ADDRESS, Rig, SOON, wait_quiet, wait_scan};
use crate::service::Service;

pub(crate) const SECOND: &str = "C0:DE:00:00:00:02";
const THIRD: &str = "C0:DE:00:00:00:03";
pub(crate) const LONG: Duration = Duration::from_secs(150);

/// Two controllers, and a service that is yet to be told which ones to use.
pub(crate) fn two<'a>(guest: &'a Guest, mode: &str) -> (Radio, Controller, Rig<'a>) {
    two_beside(guest, guest.service(), mode)
}

/// The same with a service that is started otherwise.
pub(crate) fn two_beside<'a>(guest: &'a Guest, service: Service, mode: &str) -> (Radio, Controller, Rig<'a>) {
    let radio = guest.radio(ADDRESS);
    let second = guest.controller(SECOND);
    radio.bluez.wait_powered(SECOND);
    let rig = Rig::start_service(guest, service, mode);
    (radio, second, rig)
}

/// Waits until the wanted adapters are these: name, address and state of each.
pub(crate) fn wait_radios(rig: &Rig<'_>, expected: &[(&str, &str, &str)]) {
    const KEYS: [&str; 3] = ["Adapter", "Address", "State"];
    eventually(SOON * 2, &format!("{expected:?}"), || {
        let radios = rig.stat("Radios");
        let radios = radios.as_array().expect("a list");
        let found: Vec<_> = radios.iter().map(|r| KEYS.map(|key| r[key].as_str().unwrap_or_default())).collect();
        found == expected.iter().map(|&(name, address, state)| [name, address, state]).collect::<Vec<_>>()
    });
}

/// What one device sends, each time with another number.
fn advert(device: u8, number: u16) -> Advert {
    let address = format!("C0:FF:EE:00:03:{device:02X}");
    let [low, high] = number.to_le_bytes();
    Advert { evt: 3, ..Advert::new(address.parse().expect("an address"), &[5, 0xFF, 0xFF, 0xFF, low, high]) }
}

/// (chipId, adData) of each item of the device.
fn heard(rig: &Rig<'_>, device: u8) -> Vec<(u64, String)> {
    let address = format!("C0:FF:EE:00:03:{device:02X}");
    let items = rig.items().into_iter().filter(|item| item["bdaddrs"][0]["bdaddr"] == *address);
    items.map(|i| (i["chipId"].as_u64().expect("a number"), i["adData"].as_str().expect("hex").to_owned())).collect()
}

#[test]
fn adapters_all_are_heard_each_advert_once() {
    bench::run_within(LONG, |guest| {
        let (radio, second, rig) = two(guest, "passive");
        for (mode, active, device) in [("passive", false, 0), ("active", true, 2)] {
            rig.set(&["Adapters", "as", "1", "all"]);
            rig.mode(mode);
            for controller in [&radio.controller, &second] {
                wait_scan(controller, mode, |scan| scan.active == active && !scan.filter_dup);
            }
            wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
            rig.wait_state("scanning");
            assert_eq!(rig.stat("Adapters"), json!(["hci0", "hci1"]));
            assert_eq!(rig.stat("AdapterAddresses"), json!([ADDRESS, SECOND]));
            assert_eq!(rig.text("RadioDetail"), "");
            for n in 0..50 {
                for (device, controller) in [(device, &radio.controller), (device + 1, &second)] {
                    // BlueZ restarts a scan now and then: what is on the air meanwhile is heard by nobody.
                    eventually(SOON, "it is sent", || {
                        controller.report(&[advert(device, n)], false).is_ok_and(|counts| counts.sent == 1)
                    });
                }
            }
            for (device, chip) in [(device, 0), (device + 1, 1)] {
                eventually(SOON, "all arrive", || heard(&rig, device).len() >= 50);
                let items = heard(&rig, device);
                assert!(items.iter().all(|(from, _)| *from == chip), "{items:?}");
                let different: BTreeSet<_> = items.iter().map(|(_, data)| data).collect();
                assert_eq!((items.len(), different.len()), (50, 50), "each once");
            }
        }
        rig.ledger();
        assert_eq!(rig.said("WARN", "radio"), 0);
        assert_eq!(rig.said("INFO", "radio scanning hci1"), 1);

        rig.mode("off");
        rig.wait_state("off");
        wait_radios(&rig, &[]);
        wait_quiet(&radio.controller);
        wait_quiet(&second);
    });
}

#[test]
fn adapters_one_is_chosen_of_two() {
    bench::run_within(LONG, |guest| {
        let (radio, second, rig) = two(guest, "passive");
        rig.set(&["Adapters", "as", "1", "all"]);
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
        let starts = second.state().scan.starts;
        rig.set(&["Adapters", "as", "1", SECOND]);
        wait_radios(&rig, &[("hci1", SECOND, "scanning")]);
        wait_quiet(&radio.controller);
        // It is on the kernel's monitor channel all the same.
        assert_eq!(radio.controller.report(&[advert(0, 0)], true).expect("plugged in").sent, 1);
        assert_eq!(rig.flows(&second)["chipId"], 1);
        assert!(heard(&rig, 0).is_empty());
        assert_eq!(second.state().scan.starts, starts, "the other's end does not disturb it");
        assert_eq!(rig.stat("Adapters"), json!(["hci1"]));

        rig.set(&["Adapters", "as", "0"]);
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning")]);
        wait_quiet(&second);
        assert_eq!(rig.flows(&radio.controller)["chipId"], 0);
        rig.ledger();
    });
}

#[test]
fn adapters_that_come_later_join() {
    bench::run_within(LONG, |guest| {
        let _bus = guest.bus();
        let rig = Rig::start(guest, "passive");
        rig.set(&["Adapters", "as", "1", "all"]);
        rig.wait_state("no-bluez");
        let _bluetoothd = guest.bluetoothd(&["-E"]);
        rig.wait_state("adapter-missing");
        wait_radios(&rig, &[("", "", "adapter-missing")]);
        let mut controllers = Vec::new();
        let mut expected = Vec::new();
        for (name, address) in [("hci0", ADDRESS), ("hci1", SECOND), ("hci2", THIRD)] {
            let controller = guest.controller(address);
            expected.push((name, address, "scanning"));
            wait_radios(&rig, &expected);
            wait_scan(&controller, "passive", |scan| !scan.active);
            assert_eq!(rig.flows(&controller)["chipId"], controllers.len());
            controllers.push(controller);
        }
        rig.wait_state("scanning");
        for controller in &controllers {
            rig.flows(controller);
        }
        rig.ledger();
    });
}

#[test]
fn adapters_without_the_monitor_channel() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let second = guest.controller(SECOND);
        radio.bluez.wait_powered(SECOND);
        let rig = Rig::start_service(guest, guest.service().without_net_raw(), "active");
        rig.set(&["Adapters", "as", "1", "all"]);
        wait_radios(&rig, &[("hci0", ADDRESS, "scanning"), ("hci1", SECOND, "scanning")]);
        rig.wait_stat("Capture", "signals");
        for (device, controller) in [&radio.controller, &second].into_iter().enumerate() {
            let device = u8::try_from(device).expect("two");
            let mut number = 0;
            eventually(SOON, "it is heard", || {
                number += 1;
                drop(controller.report(&[advert(device, number)], false));
                !heard(&rig, device).is_empty()
            });
            assert!(heard(&rig, device).iter().all(|(chip, _)| *chip == u64::from(device)));
        }
        rig.ledger();
    });
}
