//! What is logged can be changed while the service runs, as systemd does it.

use crate::started;
use crate::support::bus::Bus;
use crate::support::busctl::{Answer, NAME};
use crate::support::eventually;
use crate::support::identities::Who;

const PATH: &str = "/org/freedesktop/LogControl1";
const INTERFACE: &str = "org.freedesktop.LogControl1";

fn get(bus: &Bus, property: &str) -> String {
    let answer = bus.busctl(Who::Nobody, &["get-property", NAME, PATH, INTERFACE, property]).expect(property);
    answer["data"].as_str().expect("a string").to_owned()
}

fn set(bus: &Bus, who: Who, property: &str, value: &str) -> Answer {
    bus.busctl(who, &["set-property", NAME, PATH, INTERFACE, property, "s", value])
}

#[test]
fn log_level_is_changed_and_lines_follow() {
    let (bus, _service) = started();
    // RUST_LOG of the tests is trace; syslog has no word for that.
    assert_eq!(get(&bus, "LogLevel"), "debug");
    assert_eq!((get(&bus, "LogTarget"), get(&bus, "SyslogIdentifier")), ("console".into(), "cassia-bypassd".into()));
    set(&bus, Who::Admin, "LogLevel", "warning").expect("set");
    assert_eq!(get(&bus, "LogLevel"), "warning");
    bus.set(Who::Admin, "Port", &["q", "7"]).expect("set");
    set(&bus, Who::Root, "LogLevel", "info").expect("set");
    bus.set(Who::Admin, "ScanQos", &["y", "1"]).expect("set");
    eventually("the second change is told", || bus.log().contains("settings changed: ScanQos"));
    assert!(!bus.log().contains("settings changed: Port"));
}

#[test]
fn wrong_levels_and_people_are_refused() {
    let (bus, _service) = started();
    let refused = set(&bus, Who::Admin, "LogLevel", "loud").expect_err("no level");
    assert!(refused.contains("LogLevel: expected one of emerg"), "{refused}");
    assert!(set(&bus, Who::Admin, "LogTarget", "kmsg").expect_err("no target").contains("LogTarget: expected"));
    set(&bus, Who::Admin, "LogTarget", "console").expect("the present one");
    assert!(set(&bus, Who::Nobody, "LogLevel", "debug").expect_err("nobody").contains("Access denied"));
    assert_eq!(get(&bus, "LogLevel"), "debug");
}
