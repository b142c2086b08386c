//! A state directory that a later version wrote, under this one, and back.

use crate::bus;
use crate::support::busctl::{CONFIG, STATS};
use crate::support::identities::Who;
use serde_json::json;
use std::fs;
use std::path::Path;

const NEWER: &str = "# Of a later version.\nhost = \"broker.example\"\nport = 1884\nscan_mode = \"auto\"\nproxy = \"http://p:1\"\n\n\
                     [secrets]\npassword = 2\nproxy_password = 1\n";
/// The second line is the CRC-32 of the first.
const SESSION: &str = "{\"version\":3,\"owner\":\"someone\",\"shape\":\"new\"}\n4694075b\nand packets";

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("write");
}

#[test]
fn rollback_keeps_what_only_the_later_version_takes() {
    let bus = bus();
    let state = bus.state();
    write(&state.join("settings.toml"), NEWER);
    write(&state.join("session"), SESSION);
    write(&state.join("secrets/password.2"), "hush");
    write(&state.join("secrets/proxy_password.1"), "hush, too");
    bus.give(&state);
    bus.give(&state.join("secrets"));
    let service = bus.start_service();
    assert_eq!((bus.value(CONFIG, "Host"), bus.value(CONFIG, "Port")), ("broker.example".into(), 1884.into()));
    assert_eq!((bus.value(CONFIG, "ScanMode"), bus.value(CONFIG, "PasswordSet")), ("passive".into(), true.into()));
    let ignored = json!(["ScanMode", "proxy", "proxy_password"]);
    assert_eq!(bus.value(STATS, "IgnoredSettings"), ignored);
    let report = bus.call(Who::Admin, "Diagnose", &[]).expect("Diagnose").to_string();
    assert!(
        report.contains("this version does not take, as after a rollback: ScanMode, proxy, proxy_password."),
        "{report}"
    );
    let log = bus.log();
    assert_eq!(log.matches("it is kept and ignored: ScanMode proxy proxy_password").count(), 1, "{log}");
    assert!(log.contains("session is left for the version that wrote it") && !log.contains("hush"), "{log}");

    // The operator works on, and the service starts again.
    bus.set(Who::Admin, "Port", &["q", "1885"]).expect("Set");
    bus.call(Who::Admin, "Apply", &["a{sv}", "1", "Password", "s", "new"]).expect("Apply");
    assert_eq!(service.stop().code(), Some(0));
    let service = bus.start_service();
    assert_eq!(bus.value(STATS, "IgnoredSettings"), ignored);
    assert_eq!(service.stop().code(), Some(0));
    // And back: nothing of the later version is gone.
    let kept: toml::Table = fs::read_to_string(state.join("settings.toml")).expect("settings").parse().expect("TOML");
    assert_eq!((kept["scan_mode"].as_str(), kept["proxy"].as_str()), (Some("auto"), Some("http://p:1")));
    assert_eq!(kept["port"].as_integer(), Some(1885));
    assert_eq!(kept["secrets"]["proxy_password"].as_integer(), Some(1));
    assert_eq!(fs::read_to_string(state.join("secrets/proxy_password.1")).expect("a secret"), "hush, too");
    assert_eq!(fs::read_to_string(state.join("session")).expect("a session"), SESSION);

    // What is set anew replaces what was kept; resetting everything gives it up.
    let _service = bus.start_service();
    bus.set(Who::Admin, "ScanMode", &["s", "active"]).expect("Set");
    assert_eq!(bus.value(STATS, "IgnoredSettings"), json!(["proxy", "proxy_password"]));
    bus.call(Who::Admin, "Reset", &["as", "0"]).expect("Reset");
    assert_eq!(bus.value(STATS, "IgnoredSettings"), json!([]));
    let text = fs::read_to_string(state.join("settings.toml")).expect("settings");
    assert!(!text.contains("proxy"), "{text}");
}
