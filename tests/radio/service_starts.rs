//! Starts while something is missing, and what happens when it comes.

use std::time::Duration;

use radio_controller::Advert;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::bench;
use crate::guest::eventually;
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};

/// Lets pass the time of a few attempts.
fn attempts(rig: &Rig<'_>, state: &str) {
    let until = std::time::Instant::now() + Duration::from_secs(4);
    eventually(SOON, "attempts", || {
        assert_eq!(rig.text("RadioState"), state);
        std::time::Instant::now() > until
    });
    assert!(rig.cpu() < Duration::from_secs(3), "{:?} of processor time", rig.cpu());
}

#[test]
fn start_without_bluetoothd() {
    bench::run(|guest| {
        let _bus = guest.bus();
        let air = guest.controller(ADDRESS);
        let rig = Rig::start(guest, "passive");
        rig.wait_state("no-bluez");
        assert!(!rig.text("RadioDetail").is_empty());
        attempts(&rig, "no-bluez");
        assert_eq!(rig.said("WARN", "radio no-bluez"), 1);

        let _bluetoothd = guest.bluetoothd(&["-E"]);
        rig.wait_state("scanning");
        wait_scan(&air, "passive", |scan| !scan.active && !scan.filter_dup);
        assert_eq!(rig.text("RadioDetail"), "");
        rig.flows(&air);
        assert_eq!(rig.said("WARN", "radio no-bluez"), 1);
        assert_eq!(rig.said("INFO", "radio scanning"), 1);
        rig.ledger();
    });
}

#[test]
fn start_without_an_adapter() {
    bench::run(|guest| {
        let _bus = guest.bus();
        let _bluetoothd = guest.bluetoothd(&["-E"]);
        let rig = Rig::start(guest, "active");
        rig.wait_state("adapter-missing");
        attempts(&rig, "adapter-missing");
        assert_eq!(rig.said("WARN", "radio adapter-missing"), 1);

        let air = guest.controller(ADDRESS);
        rig.wait_state("scanning");
        wait_scan(&air, "active", |scan| scan.active && !scan.filter_dup);
        assert_eq!(rig.stat("AdapterAddresses"), json!([ADDRESS]));
        rig.flows(&air);
        assert_eq!(rig.said("WARN", "radio"), rig.said("WARN", "radio no-bluez") + 1);
        rig.ledger();
    });
}

#[test]
fn start_without_a_broker() {
    bench::run_within(Duration::from_secs(120), |guest| {
        let radio = guest.radio(ADDRESS);
        let mut rig = Rig::start(guest, "passive");
        rig.wait_state("scanning");
        rig.flows(&radio.controller);
        // The settings are kept: the next start knows a broker that is not there.
        assert!(rig.service.end(Signal::TERM).success());
        rig.broker.end(Signal::TERM);
        rig.service = guest.service().start();
        rig.ready();
        rig.wait_stat("LastError", "refused");
        rig.wait_stat("LinkState", "waiting");
        rig.wait_state("scanning");
        let advert =
            Advert { evt: 3, ..Advert::new("C0:FF:EE:00:03:01".parse().expect("an address"), b"\x02\x01\x06") };
        for _ in 0..100 {
            assert_eq!(radio.controller.report(std::slice::from_ref(&advert), false).expect("plugged in").sent, 1);
        }
        eventually(SOON, "the adverts wait", || rig.ledger()["Queued"] == 100);
        eventually(SOON, "more attempts", || rig.stat("Failures").as_u64() > Some(2));
        assert_eq!(rig.said("WARN", "no connection"), 1);

        rig.broker = guest.open_broker();
        rig.sub = guest.subscribe("scanTopic");
        rig.wait_stat("LinkState", "connected");
        eventually(SOON * 2, "what waited is published", || rig.ledger()["Published"] == 100);
        assert_eq!(rig.text("LastError"), "");
        assert_eq!(rig.said("WARN", "no connection"), 1);
        rig.flows(&radio.controller);
    });
}

#[test]
fn start_without_the_capability() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start_service(guest, guest.service().without_net_raw(), "active");
        rig.wait_stat("Capture", "signals");
        assert!(rig.text("CaptureReason").contains("CAP_NET_RAW"), "{}", rig.text("CaptureReason"));
        assert_eq!(rig.said("WARN", "CAP_NET_RAW"), 1);
        rig.wait_state("scanning");
        wait_scan(&radio.controller, "active", |scan| scan.active);

        let named = Advert {
            evt: 3,
            rssi: -41,
            ..Advert::new(
                "C1:00:00:00:00:01".parse().expect("an address"),
                b"\x02\x01\x06\x05\x09Desk\x05\xFF\x99\x04\x01\x02",
            )
        };
        let public = Advert {
            evt: 3,
            rssi: -82,
            addr_type: radio_controller::advert::AddressType::Public,
            ..Advert::new("00:1A:7D:00:00:77".parse().expect("an address"), b"\x02\x01\x04\x05\x16\xAA\xFE\x20\x00")
        };
        // The first time BlueZ tells of a new object, later of changes.
        for round in 1..=3 {
            for advert in [&named, &public] {
                radio.controller.report(std::slice::from_ref(advert), false).expect("plugged in");
            }
            let address = |item: &Value, address: &str| item["bdaddrs"][0]["bdaddr"] == address;
            let (desk, tag) = eventually(SOON, &format!("both arrive, round {round}"), || {
                let items = rig.items();
                let of = |a: &str| items.iter().filter(|item| address(item, a)).cloned().collect::<Vec<_>>();
                let (desk, tag) = (of("C1:00:00:00:00:01"), of("00:1A:7D:00:00:77"));
                (desk.len() >= round && tag.len() >= round).then_some((desk, tag))
            });
            let (desk, tag) = (&desk[round - 1], &tag[round - 1]);
            println!("round {round}: {desk} {tag}");
            assert_eq!((&desk["bdaddrs"][0]["bdaddrType"], &desk["rssi"]), (&"random".into(), &(-41).into()));
            assert_eq!((&tag["bdaddrs"][0]["bdaddrType"], &tag["rssi"]), (&"public".into(), &(-82).into()));
            assert_eq!((&desk["evtType"], &desk["chipId"]), (&3.into(), &0.into()));
            assert!(desk["adData"].as_str().expect("hex").contains("05FF99040102"), "manufacturer data in {desk}");
            assert!(tag["adData"].as_str().expect("hex").contains("0516AAFE2000"), "service data in {tag}");
            if round == 1 {
                assert_eq!(desk["name"], "Desk");
            }
        }
        let ledger = rig.ledger();
        assert_eq!((ledger["Malformed"], ledger["CaptureLost"]), (0, 0));
        assert_eq!(rig.said("WARN", ""), 1, "nothing else is wrong");

        // Anyone may send a signal to our connections; only bluetoothd's are heard.
        let device = "/org/bluez/hci0/dev_AA_AA_AA_AA_AA_AA";
        let forged = ["emit", device, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as"];
        let forged = [&forged[..], &["org.bluez.Device1", "1", "RSSI", "n", "-50", "0"]].concat();
        for connection in 0..40 {
            let destination = format!("--destination=:1.{connection}");
            let _nobody_there = guest.busctl("mosquitto", &[&[&*destination, "--"], &forged[..]].concat());
        }
        let before = rig.items().len();
        eventually(SOON, "the next advert arrives", || {
            radio.controller.report(std::slice::from_ref(&named), false).expect("plugged in");
            rig.items().len() > before
        });
        let fake = rig.items().into_iter().find(|item| item["bdaddrs"][0]["bdaddr"] == "AA:AA:AA:AA:AA:AA");
        assert_eq!(fake, None);

        // The fallback survives another bluetoothd, too.
        radio.bluetoothd.end(Signal::TERM);
        rig.wait_state("no-bluez");
        let _another = guest.bluetoothd(&["-E"]);
        rig.wait_state("scanning");
        let before = rig.items().len();
        eventually(SOON * 2, "adverts arrive", || {
            radio.controller.report(std::slice::from_ref(&named), false).expect("plugged in");
            rig.items().len() > before
        });
        rig.ledger();
    });
}

/// bluetoothd was frozen when the fallback asked which devices there are: what signals leave out is asked for, not made up.
#[test]
fn start_without_the_capability_and_without_a_list_of_devices() {
    bench::run_within(Duration::from_secs(120), |guest| {
        let radio = guest.radio(ADDRESS);
        let adapter = radio.bluez.wait_powered(ADDRESS);
        radio.bluez.start_discovery(&adapter).expect("discovery");
        wait_scan(&radio.controller, "for another client", |scan| scan.active);
        let address = "C1:00:00:00:00:09";
        let advert = |n: u8| Advert {
            evt: 3,
            ..Advert::new(address.parse().expect("an address"), &[2, 1, 6, 4, 0xFF, 0x99, 0x04, n])
        };
        let play = |n: u8| drop(radio.controller.report(&[advert(n)], false));
        eventually(SOON, "bluetoothd knows it", || {
            play(0);
            radio.bluez.devices().contains_key(address)
        });
        let rig = Rig::start_service(guest, guest.service().without_net_raw(), "off");
        radio.bluetoothd.signal(Signal::STOP);
        rig.mode("active");
        rig.wait_stat("Capture", "signals");
        radio.bluetoothd.signal(Signal::CONT);
        rig.wait_state("scanning");
        let mut n = 0;
        let item = eventually(SOON, "it is heard", || {
            n += 1;
            play(n);
            rig.items().into_iter().find(|item| item["bdaddrs"][0]["bdaddr"] == address)
        });
        assert_eq!(item["bdaddrs"][0]["bdaddrType"], "random", "{item}");
        assert_eq!(rig.ledger()["Malformed"], 0);
    });
}
