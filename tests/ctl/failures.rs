//! What is not there is told in a sentence, with an exit status of its own.

use crate::ctl::{command, ctl, done, run};
use crate::started;
use crate::support::bus::Bus;
use crate::support::identities::Who;
use crate::support::process::Process;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

#[test]
fn failure_without_a_bus() {
    let (bus, _service) = started();
    let failure_without_a_bus = "unix:path=/nowhere/at/all";
    let said = ctl(&bus, Who::Root, &["show", "--address", failure_without_a_bus]);
    assert_eq!((said.status, &*said.out), (3, ""), "{said:?}");
    assert!(
        said.err.starts_with("cassia-bypassctl: the bus is not there: ") && said.err.lines().count() == 1,
        "{said:?}"
    );
    let mut elsewhere = command(&bus, Who::Root, &["watch"]);
    assert_eq!(run(elsewhere.env("DBUS_SYSTEM_BUS_ADDRESS", failure_without_a_bus)).status, 3);
    // The option is stronger.
    let address = bus.address().to_owned();
    let mut back = command(&bus, Who::Root, &["show", "--address", &address]);
    assert_eq!(run(back.env("DBUS_SYSTEM_BUS_ADDRESS", failure_without_a_bus)).status, 0);
    assert_eq!(ctl(&bus, Who::Root, &["show", "--address", "hush"]).status, 3);
}

#[test]
fn failure_without_the_service() {
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    for words in [&["show"][..], &["set", "Port=7"], &["watch"], &["diagnose"], &["test"], &["export"]] {
        let said = ctl(&bus, Who::Admin, words);
        assert_eq!((said.status, &*said.out), (3, ""), "{said:?}");
        assert!(said.err.contains("cassia-bypassd is not on the bus"), "{said:?}");
        assert!(said.err.contains("systemctl status cassia-bypass"), "{said:?}");
    }
}

#[test]
fn wrong_arguments() {
    let (bus, _service) = started();
    for words in [&["shwo"][..], &["set"], &["reset"], &["show", "--bogus"], &["watch", "-n", "0"], &["show", "Hots"]] {
        let said = ctl(&bus, Who::Admin, words);
        assert_eq!((said.status, &*said.out), (2, ""), "{said:?}");
        assert!(!said.err.is_empty());
    }
    assert!(ctl(&bus, Who::Admin, &["shwo"]).err.contains("show"), "what was meant");
    for words in [&["--help"][..], &["set", "--help"], &["--version"]] {
        let help = done(&bus, Who::Nobody, words);
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
}

#[test]
fn failure_is_not_a_reader_that_goes_away() {
    let (bus, _service) = started();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut watch = command(&bus, Who::Admin, &["watch", "-n", "0.1"]);
    let mut watch = Process::spawn(watch.stdout(OwnedFd::from(writer)).stderr(Stdio::piped()));
    let status = watch.ended();
    let mut said = String::new();
    watch.child().stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!((status.code(), &*said), (Some(0), ""));
}

#[test]
fn settings_that_cannot_be_saved() {
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    // What it holds may be read; else the service would not start without knowing its settings.
    std::os::unix::fs::chown(bus.state(), Some(0), Some(0)).expect("chown");
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bus.state(), readable).expect("permissions");
    let _service = bus.start_service();
    let said = ctl(&bus, Who::Admin, &["set", "Port=7"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.starts_with("cassia-bypassctl: Port: cannot be saved and was not changed: "), "{said:?}");
}
