//! Start and end of the service.

use crate::support::busctl::{CONFIG, NAME};
use crate::support::identities::Who;
use crate::support::process::{Process, output};
use crate::{bus, started};

/// A fatal end says why, and not that it was told to stop.
fn failed_for_the_bus(log: &str) {
    assert!(log.contains("ERROR failed: system bus: ") && !log.contains("stopping"), "{log}");
}

#[test]
fn start_without_a_bus_fails() {
    let mut bus = bus();
    drop(bus.state());
    let mut service = bus.service();
    service.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    assert_eq!(Process::spawn(&mut service).ended().code(), Some(1));
    failed_for_the_bus(&bus.log());
    bus.stop();
}

#[test]
fn service_ends_with_the_bus() {
    let (mut bus, mut service) = started();
    bus.stop();
    assert_eq!(service.ended().code(), Some(1));
    failed_for_the_bus(&bus.log());
}

#[test]
fn service_runs_once() {
    let (bus, _service) = started();
    bus.set(Who::Admin, "Password", &["s", "p"]).expect("Set");
    let failed = bus.failed_start();
    assert_eq!(failed.status.code(), Some(1));
    failed_for_the_bus(&bus.log());
    assert_eq!(bus.value(CONFIG, "PasswordSet"), true);
    bus.set(Who::Admin, "Port", &["q", "7"]).expect("the first one still has the directory");
}

#[test]
fn service_stops_on_request() {
    let (bus, service) = started();
    assert_eq!(service.stop().code(), Some(0));
    assert!(bus.busctl(Who::Root, &["status", NAME]).is_err());
    let log = bus.log();
    assert!(log.contains("started, router ") && log.contains("stopping: SIGTERM"), "{log}");
}

#[test]
fn service_explains_its_command_line() {
    let bus = bus();
    let ended = |words: &[&str]| {
        let ended = output(bus.command(Who::Nobody).arg(bus.program()).args(words));
        (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
    };
    let version = format!("cassia-bypassd {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(ended(&["--version"]), (Some(0), version));
    let (code, help) = ended(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(help.contains("--check-config") && help.contains("--config FILE"), "{help}");
    assert_eq!(ended(&["--bogus"]).0, Some(2));
    assert_eq!(ended(&["--config"]).0, Some(2));
}
