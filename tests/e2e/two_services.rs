//! Two services with one state directory, each on a bus of its own: the second keeps off what the first has there.

use crate::rig::Rig;
use crate::support::air::Air;
use crate::support::broker::Scenario;
use crate::support::bus::Bus;
use crate::support::busctl::STATS;
use crate::support::eventually;
use crate::support::identities::Who;
use rustix::fd::AsRawFd;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All files below a directory.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).expect("read"))),
        }
    }
    found
}

#[test]
fn second_service_keeps_off_the_state_directory_of_the_first() {
    let mut rig = Rig::start();
    rig.set("ScanQos", &["y", "2"]);
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.configure(Scenario::Password);
    rig.await_stat("LinkState", "connected");
    // Whoever moves a broker with a stored password is root.
    let move_to = |rig: &Rig, port: u16| rig.bus.set(Who::Root, "Port", &["q", &port.to_string()]).expect("Port");
    move_to(&rig, 1);
    rig.await_stat("LastError", "refused");
    rig.air.play(0..400, 3);
    eventually("heard", || rig.ledger()["Received"] == 400 && rig.ledger()["Spooled"] > 100);
    // What the second would take, tidy up or put aside, if it were alone.
    let state = rig.bus.state();
    let spool = state.join("spool");
    for (name, bytes) in [
        ("session", &b"{\"version\":2} and damage"[..]),
        ("settings.toml.new", b"half"),
        ("secrets/password.77", b"half"),
        ("spool/00000000000000ff.seg", b"no segment"),
    ] {
        fs::write(state.join(name), bytes).expect("written");
        rig.bus.give(&state.join(name));
    }
    let before = files(&state);
    assert!(before.keys().any(|path| path.starts_with(&spool)) && before.len() > 7, "{:?}", before.keys());

    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    let (air, theirs) = Air::new();
    let mut second = bus.start_service_in(&state, &["--monitor-fd", &theirs.as_raw_fd().to_string()]);
    assert_eq!(bus.value(STATS, "StateWritable"), false);
    eventually("its spool", || bus.value(STATS, "SpoolState") == "memory-only");
    let log = bus.log();
    for sentence in ["cannot be written, settings cannot be saved: ", "cannot be used, messages wait in memory only: "]
    {
        let line = log.lines().find(|line| line.contains(sentence)).unwrap_or_else(|| panic!("{sentence}: {log}"));
        assert!(line.contains("another cassia-bypassd uses "), "{line}");
    }
    let refused = bus.set(Who::Admin, "ScanQos", &["y", "1"]).expect_err("the first has the directory");
    assert!(refused.contains("another cassia-bypassd uses "), "{refused}");
    // It works, and what it heard is counted when it goes.
    air.play(0..50, 3);
    eventually("heard", || bus.ledger()["Received"] == 50 && bus.ledger()["Queued"] == 50);
    assert_eq!(bus.ledger()["Recovered"], 0);
    second.terminate();
    assert_eq!(second.ended().code(), Some(0));
    assert!(files(&state) == before, "{:?}", files(&state).keys());

    // The first loses nothing, though it is killed.
    rig.service.kill_now();
    rig.restart_after_end();
    rig.await_stat("SpoolState", "ready");
    let spooled = rig.ledger()["Recovered"];
    assert!(spooled > 100, "{spooled}");
    move_to(&rig, Scenario::Password.port(&rig.broker.ports));
    eventually("it arrives", || rig.arrived("scanTopic").len() as u64 >= spooled);
}

#[test]
fn second_service_takes_over_when_the_first_is_gone() {
    let mut rig = Rig::start();
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.connect();
    let state = rig.bus.state();
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    let (_air, theirs) = Air::new();
    let _second = bus.start_service_in(&state, &["--monitor-fd", &theirs.as_raw_fd().to_string()]);
    assert_eq!(bus.value(STATS, "StateWritable"), false);
    rig.service.terminate();
    assert_eq!(rig.service.ended().code(), Some(0));
    eventually("it can save", || bus.value(STATS, "StateWritable") == true);
    bus.set(Who::Admin, "Port", &["q", "1"]).expect("saved");
    eventually("it can spool", || bus.value(STATS, "SpoolState") == "ready");
}
