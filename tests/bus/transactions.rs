//! Changes of several settings at once, and the way back.

use crate::client::{apply, connect, refused, reset, set};
use crate::started;
use crate::support::busctl::CONFIG;
use crate::support::identities::Who;
use serde_json::json;
use std::fs;
use zbus::Variant;

const INVALID: &str = "com.cassianetworks.Bypass1.Error.InvalidConfig";
const INVALID_ARGS: &str = "org.freedesktop.DBus.Error.InvalidArgs";

fn text(text: &str) -> Variant<'_> {
    Variant::from(text)
}

#[test]
fn settings_that_belong_together_change_together() {
    let (bus, _service) = started();
    let words = ["a{sv}", "4", "Host", "s", "broker", "Protocol", "s", "mqtt", "Port", "q", "8883", "Psk", "s", "12"];
    bus.call(Who::Admin, "Apply", &words).expect("Apply");
    assert_eq!(bus.value(CONFIG, "Host"), "broker");
    assert_eq!(bus.value(CONFIG, "Protocol"), "mqtt");
    assert_eq!(bus.value(CONFIG, "Port"), 8883);
    assert_eq!(bus.value(CONFIG, "PskSet"), true);
    bus.call(Who::Admin, "Apply", &["a{sv}", "0"]).expect("nothing to do");
}

#[tokio::test]
async fn apply_with_one_wrong_value_changes_nothing() {
    let (bus, _service) = started();
    let client = connect(&bus).await;
    for (values, expected) in [
        (vec![("Port", Variant::from(7u16)), ("ScanQos", Variant::from(3u8))], "ScanQos: expected 0, 1 or 2"),
        (
            vec![("Port", Variant::from(7u16)), ("ScanQos", text("hush"))],
            "ScanQos: expected 0, 1 or 2 (D-Bus type y, found s)",
        ),
        (
            vec![("Port", Variant::from(7u16)), ("Prot", text("hush"))],
            "Prot: expected the name of a setting (did you mean Protocol?)",
        ),
        (
            vec![("Port", Variant::from(7u16)), ("PasswordSet", Variant::from(true))],
            "PasswordSet: expected the name of a setting (did you mean Password?)",
        ),
        (
            vec![("Port", text("hush")), ("Hots", text("hush")), ("Psk", Variant::from(1u32))],
            "Hots: expected the name of a setting (did you mean Host?); \
             Port: expected 0 (standard port) or a TCP port, 1-65535 (D-Bus type q, found s); \
             Psk: expected 1-512 hexadecimal digits without 0x (D-Bus type s, found u)",
        ),
        (
            vec![("Protocol", text("mqtt")), ("ScanMode", text("hush"))],
            "ScanMode: expected one of off, passive, active; \
             Host: expected a DNS name or an IP address, not empty while Protocol is mqtt",
        ),
    ] {
        assert_eq!(refused(apply(&client, &values).await), (INVALID.to_owned(), expected.to_owned()));
        assert_eq!(bus.value(CONFIG, "Port"), 0);
    }
    assert!(!bus.state().join("settings.toml").exists());
}

#[tokio::test]
async fn setters_answer_with_the_standard_error() {
    let (bus, _service) = started();
    let client = connect(&bus).await;
    let (name, text) = refused(set(&client, "ScanQos", Variant::from(3u8)).await);
    assert_eq!((&*name, &*text), (INVALID_ARGS, "ScanQos: expected 0, 1 or 2"));
    let (name, text) = refused(set(&client, "ScanQos", Variant::from(1u32)).await);
    assert_eq!((&*name, &*text), (INVALID_ARGS, "ScanQos: expected 0, 1 or 2 (D-Bus type y, found u)"));
    for read_only in ["PasswordSet", "Bogus"] {
        let (name, _) = refused(set(&client, read_only, Variant::from(true)).await);
        assert_eq!(name, "org.freedesktop.DBus.Error.UnknownProperty");
    }
}

#[test]
fn reset_goes_back_to_the_packaged_values() {
    let bus = crate::bus();
    fs::write(bus.layer("vendor"), "port = 7\nscan_qos = 1\n").expect("write");
    fs::write(bus.layer("site"), "scan_qos = 2\n").expect("write");
    let _service = bus.start_service();
    let words = ["a{sv}", "4", "Port", "q", "9", "ScanQos", "y", "0", "Username", "s", "u", "Password", "s", "p"];
    bus.call(Who::Admin, "Apply", &words).expect("Apply");
    bus.call(Who::Admin, "Reset", &["as", "2", "ScanQos", "Password"]).expect("Reset");
    assert_eq!(bus.value(CONFIG, "ScanQos"), 2);
    assert_eq!(bus.value(CONFIG, "PasswordSet"), false);
    assert_eq!((bus.value(CONFIG, "Port"), bus.value(CONFIG, "Username")), (json!(9), json!("u")));
    bus.call(Who::Admin, "Reset", &["as", "0"]).expect("Reset of all");
    assert_eq!((bus.value(CONFIG, "Port"), bus.value(CONFIG, "Username")), (json!(7), json!("")));
    let kept = fs::read_to_string(bus.state().join("settings.toml")).expect("settings");
    assert_eq!(kept.lines().filter(|line| !line.starts_with('#')).count(), 0, "{kept}");
}

#[tokio::test]
async fn reset_refuses_what_it_does_not_know_and_what_would_be_wrong() {
    let (bus, _service) = started();
    let client = connect(&bus).await;
    apply(&client, &[("Host", text("h")), ("Protocol", text("mqtt"))]).await.expect("Apply");
    let (name, problem) = refused(reset(&client, &["Protocol", "port"]).await);
    assert_eq!((&*name, &*problem), (INVALID, "port: expected the name of a setting (did you mean Port?)"));
    let (name, problem) = refused(reset(&client, &["Host"]).await);
    assert_eq!(name, INVALID);
    assert!(problem.starts_with("Host: expected "), "{problem}");
    assert_eq!(bus.value(CONFIG, "Protocol"), "mqtt");
}
