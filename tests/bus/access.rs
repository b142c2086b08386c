//! Who may do what: the shipped policy in force, on dbus-daemon and on dbus-broker.

use crate::client::{connect, refused};
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::identities::Who;
use crate::support::service::Service;
use crate::{bus, bus_broker};
use zbus::fdo::RequestNameFlags;

const DBUS: [&str; 3] = ["org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"];

/// Both buses, one after the other, with the service.
fn each() -> impl Iterator<Item = (Bus, Service)> {
    [bus, bus_broker].into_iter().map(|start| {
        let bus = start();
        let service = bus.start_service();
        (bus, service)
    })
}

#[test]
fn everybody_may_look() {
    each().for_each(|(bus, _service)| may_look(&bus));
}

fn may_look(bus: &Bus) {
    for who in [Who::Nobody, Who::Admin, Who::Root] {
        bus.get(who, CONFIG, "ScanMode").expect("Get");
        bus.get(who, STATS, "Received").expect("Get");
        bus.busctl(who, &["call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", STATS])
            .expect("GetAll");
        bus.busctl(who, &["call", NAME, PATH, "org.freedesktop.DBus.Peer", "Ping"]).expect("Ping");
        bus.introspect(who).expect("Introspect");
    }
}

#[test]
fn nobody_may_only_look() {
    each().for_each(|(bus, _service)| may_only_look(&bus));
}

fn may_only_look(bus: &Bus) {
    let owner =
        bus.busctl(Who::Root, &[&["call"], &DBUS[..], &["GetNameOwner", "s", NAME]].concat()).expect("an owner");
    let unique = owner["data"][0].as_str().expect("a name").to_owned();
    for target in [NAME, &unique] {
        for words in [
            &["set-property", target, PATH, CONFIG, "Port", "q", "7"][..],
            &["call", target, PATH, CONFIG, "Apply", "a{sv}", "1", "Port", "q", "7"],
            &["call", target, PATH, CONFIG, "Reset", "as", "0"],
            &["call", target, PATH, CONFIG, "Bogus"],
        ] {
            let refusal = bus.busctl(Who::Nobody, words).expect_err("not for nobody");
            assert!(refusal.contains("Access denied"), "{words:?}: {refusal}");
        }
    }
    assert_eq!(bus.value(CONFIG, "Port"), 0);
}

#[test]
fn operators_and_root_may_write() {
    each().for_each(|(bus, _service)| may_write(&bus));
}

fn may_write(bus: &Bus) {
    for (who, port) in [(Who::Admin, "7"), (Who::Root, "8")] {
        bus.set(who, "Port", &["q", port]).expect("Set");
        bus.call(who, "Apply", &["a{sv}", "1", "ScanQos", "y", "1"]).expect("Apply");
        bus.call(who, "Reset", &["as", "1", "ScanQos"]).expect("Reset");
        assert_eq!(bus.value(CONFIG, "Port").to_string(), port);
    }
}

#[tokio::test]
async fn bus_name_is_for_the_service_only() {
    for bus in [bus(), bus_broker()] {
        may_have_the_name(&bus).await;
    }
}

async fn may_have_the_name(bus: &Bus) {
    for who in [Who::Nobody, Who::Admin] {
        let words = [&["call"], &DBUS[..], &["RequestName", "su", NAME, "0"]].concat();
        assert!(bus.busctl(who, &words).is_err(), "{who:?}");
    }
    let root = connect(bus).await;
    let asked = root.request_name_with_flags(NAME, RequestNameFlags::DO_NOT_QUEUE).await;
    assert!(format!("{:?}", asked.expect_err("root is not the service")).contains("AccessDenied"));
    let words = [&["call"], &DBUS[..], &["RequestName", "su", NAME, "4"]].concat();
    assert_eq!(bus.busctl(Who::Service, &words).expect("its own name")["data"][0], 1);
}

#[tokio::test]
async fn bus_refusal_has_its_error_name() {
    for (bus, _service) in each() {
        has_its_name(&bus).await;
    }
}

async fn has_its_name(bus: &Bus) {
    let client = connect(bus).await;
    let call = client.call_method(Some(NAME), PATH, Some(CONFIG), "Bogus", &()).await;
    assert_eq!(refused(call).0, "org.freedesktop.DBus.Error.UnknownMethod");
}
