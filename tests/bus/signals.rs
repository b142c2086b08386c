//! Every change is told once, whoever made it.

use crate::bus;
use crate::client::{apply, changes, connect, reset, set};
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, STATS};
use crate::support::identities::Who;
use crate::support::service::Service;
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
async fn a_changed_setting_is_told_once_with_its_value() {
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
async fn of_a_secret_only_whether_it_is_there_is_told() {
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
async fn a_changed_state_is_told() {
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
