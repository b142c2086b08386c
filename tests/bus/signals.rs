//! Every change is told once, whoever made it.

use crate::bus;
use crate::client::{apply, changes, connect, reset, set};
use crate::samples::SETTINGS;
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::service::Service;
use crate::support::variants::plain;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::chown;
use zbus::Variant;

/// A service whose radio is off: it has no news of its own.
fn quiet() -> (Bus, Service) {
    let bus = bus();
    fs::write(bus.layer("vendor"), "scan_mode = \"off\"\n").expect("write");
    let service = bus.start_service();
    (bus, service)
}

#[tokio::test]
async fn signal_of_a_changed_setting_comes_once_with_its_value() {
    let (bus, _service) = quiet();
    let client = connect(&bus).await;
    let mut changes = changes(&client, CONFIG).await;
    // By someone else.
    bus.set(Who::Admin, "Port", &["q", "7"]).expect("Set");
    let (interface, values) = changes.next().await;
    assert_eq!(interface, CONFIG);
    assert_eq!(values.len(), 1);
    assert_eq!(u16::try_from(&values["Port"]).expect("a port"), 7);

    // What changes nothing and what is refused is not told: the next signal is that of the next change.
    set(&client, "Port", Variant::from(7u16)).await.expect("the same");
    set(&client, "ScanQos", Variant::from(3u8)).await.expect_err("wrong");
    set(&client, "ScanQos", Variant::from(1u8)).await.expect("right");
    assert_eq!(changes.names().await, ["ScanQos"]);

    let several = [("Port", Variant::from(8u16)), ("ScanQos", Variant::from(1u8)), ("Username", Variant::from("u"))];
    apply(&client, &several).await.expect("Apply");
    assert_eq!(changes.names().await, ["Port", "Username"]);
    reset(&client, &[]).await.expect("Reset");
    assert_eq!(changes.names().await, ["Port", "ScanQos", "Username"]);
}

#[tokio::test]
async fn signal_of_a_secret_says_only_whether_it_is_set() {
    let (bus, _service) = quiet();
    let client = connect(&bus).await;
    let mut changes = changes(&client, CONFIG).await;
    set(&client, "Password", Variant::from("one")).await.expect("Set");
    assert_eq!(changes.names().await, ["PasswordSet"]);
    set(&client, "Password", Variant::from("two")).await.expect("Set");
    set(&client, "Password", Variant::from("")).await.expect("Set");
    let (_, values) = changes.next().await;
    assert_eq!(values.len(), 1);
    assert!(!bool::try_from(&values["PasswordSet"]).expect("a boolean"));
}

#[tokio::test]
async fn signal_of_a_changed_state_comes() {
    let (bus, _service) = quiet();
    let client = connect(&bus).await;
    let mut changes = changes(&client, STATS).await;
    chown(bus.state(), Some(0), Some(0)).expect("chown");
    fs::metadata(bus.state()).expect("still there");
    set(&client, "Port", Variant::from(7u16)).await.expect_err("not ours");
    assert!(!bool::try_from(&changes.value("StateWritable").await).expect("a boolean"));
    bus.give(&bus.state());
    assert!(bool::try_from(&changes.value("StateWritable").await).expect("a boolean"));
}

#[tokio::test]
async fn router_follows_its_setting() {
    let (bus, _service) = quiet();
    let client = connect(&bus).await;
    let mut changes = changes(&client, STATS).await;
    let found = bus.value(STATS, "Router");
    assert_ne!(found, "CC:1B:E0:E0:E6:D0");
    set(&client, "RouterAddress", Variant::from("CC:1B:E0:E0:E6:D0")).await.expect("Set");
    assert_eq!(bus.value(STATS, "Router"), "CC:1B:E0:E0:E6:D0");
    assert_eq!(String::try_from(changes.value("Router").await).expect("text"), "CC:1B:E0:E0:E6:D0");
    reset(&client, &["RouterAddress"]).await.expect("Reset");
    assert_eq!(String::try_from(changes.value("Router").await).expect("text"), found);
    assert_eq!(bus.value(STATS, "Router"), found);
}

/// States of a service to which nothing happens: neither counts nor times.
fn states(bus: &Bus) -> BTreeMap<String, Value> {
    let words = ["call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", STATS];
    let all = plain(&bus.busctl(Who::Nobody, &words).expect("GetAll")["data"][0]);
    let numbers = |value: &Value| match value {
        Value::Object(parts) => parts.values().all(Value::is_number),
        value => value.is_number(),
    };
    all.as_object().expect("a dictionary").clone().into_iter().filter(|(_, value)| !numbers(value)).collect()
}

#[test]
fn statistics_after_changes_are_those_of_a_fresh_start() {
    let (bus, _service) = quiet();
    for (name, right, ..) in SETTINGS.iter().filter(|(name, ..)| *name != "Protocol") {
        bus.set(Who::Admin, name, right).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let other = crate::bus();
    for file in ["vendor.toml", "state/settings.toml"] {
        other.state();
        fs::copy(bus.directory().join(file), other.directory().join(file)).expect("copied");
        other.give(&other.directory().join(file));
    }
    let _fresh = other.start_service();
    eventually("the same states", || {
        let (changed, fresh) = (states(&bus), states(&other));
        assert!(fresh.contains_key("Router") && fresh.len() > 15, "{fresh:?}");
        let others: Vec<_> = fresh.iter().filter(|(name, value)| changed.get(*name) != Some(value)).collect();
        if others.is_empty() && fresh.len() == changed.len() {
            Ok(())
        } else {
            Err(format!("{others:?}, not {changed:?}"))
        }
    });
}
