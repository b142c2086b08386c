//! Settings at rest: kept, damaged, read-only.

use crate::client::{apply, connect, refused, set};
use crate::support::busctl::{CONFIG, STATS};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::output;
use crate::{bus, started};
use std::fs;
use std::os::unix::fs::chown;
use zbus::Variant;

const SAVE_FAILED: &str = "com.cassianetworks.Bypass1.Error.SaveFailed";

#[test]
fn settings_survive_a_restart() {
    let (bus, service) = started();
    let words = ["a{sv}", "3", "Host", "s", "broker", "FilterValues", "a(is)", "1", "-1", "FF", "Password", "s", "p"];
    bus.call(Who::Admin, "Apply", &words).expect("Apply");
    assert_eq!(service.stop().code(), Some(0));
    let _service = bus.start_service();
    assert_eq!(bus.value(CONFIG, "Host"), "broker");
    assert_eq!(bus.value(CONFIG, "FilterValues"), serde_json::json!([[-1, "FF"]]));
    assert_eq!(bus.value(CONFIG, "PasswordSet"), true);
}

#[test]
fn settings_file_keeps_only_what_differs() {
    let bus = bus();
    fs::write(bus.layer("vendor"), "port = 7\n").expect("write");
    let service = bus.start_service();
    bus.set(Who::Admin, "ScanQos", &["y", "1"]).expect("Set");
    service.stop();
    fs::write(bus.layer("vendor"), "port = 8\n").expect("write");
    let _service = bus.start_service();
    assert_eq!((bus.value(CONFIG, "Port"), bus.value(CONFIG, "ScanQos")), (8.into(), 1.into()));
}

#[test]
fn damaged_settings_are_put_aside() {
    let bus = bus();
    fs::write(bus.layer("site"), "port = 7\n").expect("write");
    fs::write(bus.state().join("settings.toml"), "scan_qos = 1\nport = 'hush").expect("write");
    let _service = bus.start_service();
    assert_eq!((bus.value(CONFIG, "Port"), bus.value(CONFIG, "ScanQos")), (7.into(), 1.into()));
    assert_eq!(
        fs::read_to_string(bus.state().join("settings.toml.bad")).expect("the file"),
        "scan_qos = 1\nport = 'hush"
    );
    let log = bus.log();
    assert!(
        log.contains("settings.toml is damaged and was copied")
            && log.contains("still in force: ScanQos: ")
            && log.contains("settings.toml:2:"),
        "{log}"
    );
    assert!(!log.contains("hush"), "{log}");
    bus.set(Who::Admin, "Port", &["q", "9"]).expect("Set");
}

#[test]
fn settings_that_are_damaged_are_the_last_good_ones_and_that_is_said_once() {
    let (bus, service) = started();
    let words = ["a{sv}", "3", "Host", "s", "broker", "Port", "q", "7", "Password", "s", "hush"];
    bus.call(Who::Admin, "Apply", &words).expect("Apply");
    assert_eq!(service.stop().code(), Some(0));
    let (settings, secret) = (bus.state().join("settings.toml"), bus.state().join("secrets/password.1"));
    let whole = fs::read_to_string(&settings).expect("settings");
    let damaged = whole.replace("port = 7", "port = 3");
    fs::write(&settings, &damaged).and_then(|()| fs::write(&secret, "hush!")).expect("write");
    for _ in 0..2 {
        let service = bus.start_service();
        assert_eq!((bus.value(CONFIG, "Host"), bus.value(CONFIG, "Port")), ("broker".into(), 7.into()));
        assert_eq!(fs::read_to_string(&settings).expect("settings"), whole);
        assert_eq!(fs::read_to_string(&secret).expect("a secret"), "hush");
        assert_eq!(fs::read_to_string(bus.state().join("settings.toml.bad")).expect("a copy"), damaged);
        assert_eq!(service.stop().code(), Some(0));
    }
    let log = bus.log();
    assert_eq!(log.matches("settings.toml is not used, the last good generation, ").count(), 1, "{log}");
    assert_eq!(log.matches("password.1 is damaged, its copy is in force").count(), 1, "{log}");
    assert!(!log.contains("hush"), "{log}");
}

#[test]
fn settings_that_may_not_be_read_for_the_moment_hold_at_the_next_start() {
    let (bus, service) = started();
    bus.call(Who::Admin, "Apply", &["a{sv}", "2", "Host", "s", "broker", "Password", "s", "p"]).expect("Apply");
    assert_eq!(service.stop().code(), Some(0));
    for name in ["settings.toml", "secrets/password.1", "secrets.good/password.1"] {
        let path = bus.state().join(name);
        chown(&path, Some(0), Some(0)).expect("chown");
        assert_eq!(bus.failed_start().status.code(), Some(1), "systemd starts it again");
        assert!(bus.log().contains("nothing was changed, and it is tried again"), "{}", bus.log());
        assert!(!bus.state().join("settings.toml.bad").exists());
        bus.give(&path);
        let service = bus.start_service();
        assert_eq!((bus.value(CONFIG, "Host"), bus.value(CONFIG, "PasswordSet")), ("broker".into(), true.into()));
        assert_eq!(service.stop().code(), Some(0));
    }
}

#[tokio::test]
async fn settings_directory_of_another_user_is_reported_and_changes_nothing() {
    let bus = bus();
    chown(bus.state(), Some(0), Some(0)).expect("chown");
    fs::set_permissions(bus.state(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    let _service = bus.start_service();
    assert_eq!(bus.value(STATS, "StateWritable"), false);
    let client = connect(&bus).await;
    let (name, text) = refused(set(&client, "Port", Variant::from(7u16)).await);
    assert_eq!(name, SAVE_FAILED);
    assert!(text.starts_with("Port: cannot be saved and was not changed: "), "{text}");
    let (name, text) = refused(apply(&client, &[("Port", 7u16.into()), ("Password", "hush".into())]).await);
    assert_eq!(name, SAVE_FAILED);
    assert!(text.starts_with("Port, Password: cannot") && !text.contains("hush"), "{text}");
    assert_eq!((bus.value(CONFIG, "Port"), bus.value(CONFIG, "PasswordSet")), (0.into(), false.into()));
    bus.give(&bus.state());
    eventually("StateWritable", || (bus.value(STATS, "StateWritable") == true).then_some(()));
    set(&client, "Port", Variant::from(7u16)).await.expect("Set");
    assert_eq!(bus.log().matches("cannot be written, settings cannot be saved").count(), 1, "{}", bus.log());
}

#[tokio::test]
async fn settings_on_a_read_only_medium_are_reported_and_change_nothing() {
    let bus = bus();
    fs::write(bus.state().join("settings.toml"), "port = \n").expect("write");
    let state = bus.state().display().to_string();
    let mount = |options: &str, words: &[&str]| {
        let mounted = output(bus.command(Who::Root).args(["mount", "-o", options]).args(words));
        assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
    };
    mount("bind", &[&state, &state]);
    mount("remount,bind,ro", &[&state]);
    let _service = bus.start_service();
    assert_eq!(bus.value(STATS, "StateWritable"), false);
    let log = bus.log();
    assert!(
        log.contains("settings.toml is damaged")
            && log.contains("it cannot be replaced: ")
            && log.contains("Read-only"),
        "{log}"
    );
    let client = connect(&bus).await;
    let (name, text) = refused(set(&client, "Port", Variant::from(7u16)).await);
    assert_eq!(name, SAVE_FAILED);
    assert!(text.contains("Read-only file system"), "{text}");
    assert_eq!(bus.value(CONFIG, "Port"), 0);
    mount("remount,bind,rw", &[&state]);
    eventually("StateWritable", || (bus.value(STATS, "StateWritable") == true).then_some(()));
    set(&client, "Port", Variant::from(7u16)).await.expect("Set");
    let kept = fs::read_to_string(bus.state().join("settings.toml")).expect("settings");
    assert!(kept.ends_with("port = 7\n"), "{kept}");
}

#[test]
fn check_config_tells_every_problem_and_changes_nothing() {
    let bus = bus();
    assert_eq!(bus.check_config().status.code(), Some(0));
    fs::write(bus.layer("vendor"), "scan_qos = 'two'\nhots = 'h'\n").expect("write");
    fs::write(bus.layer("site"), "protocol = 'mqtt'\nduplicates_ms = 5\n").expect("write");
    fs::write(bus.state().join("settings.toml"), "port = -1\n").expect("write");
    let checked = bus.check_config();
    assert_eq!(checked.status.code(), Some(78));
    let directory = bus.directory().display().to_string();
    let told = String::from_utf8(checked.stdout).expect("text").replace(&format!("{directory}/"), "");
    let expected = "\
vendor.toml: hots: expected a known key (did you mean host?)
vendor.toml: scan_qos: expected 0, 1 or 2 (found a string)
state/settings.toml: port: expected 0 (standard port) or a TCP port, 1-65535 (found an integer out of range)
site.toml: duplicates_ms: expected 0, 1 or 1000-86400000 milliseconds
site.toml: host: expected a DNS name or an IP address, not empty while Protocol is mqtt
";
    assert_eq!(told, expected);
    assert!(bus.state().join("settings.toml").exists());

    // What is wrong in settings.toml alone does not keep the service from starting.
    let [vendor, site] = ["vendor", "site"].map(|layer| (bus.layer(layer), fs::read(bus.layer(layer)).expect("read")));
    fs::write(&vendor.0, "").and_then(|()| fs::write(&site.0, "")).expect("write");
    let checked = bus.check_config();
    assert_eq!(checked.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("settings.toml: port: expected 0 (standard port)"));
    fs::write(&vendor.0, vendor.1).and_then(|()| fs::write(&site.0, site.1)).expect("write");

    let failed = bus.failed_start();
    assert_eq!(failed.status.code(), Some(78));
    let log = bus.log().replace(&format!("{directory}/"), "");
    for line in expected.lines() {
        assert!(log.contains(line), "{line} is not in {log}");
    }
}
