//! Store and forward: what waits while the broker is away survives the service, and the disk.

use crate::rig::Rig;
use crate::support::eventually;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Without a broker, with little memory, so that the disk is needed.
fn away() -> Rig {
    let rig = Rig::start();
    rig.set("ScanQos", &["y", "1"]);
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.set("ReplayMaxPerSec", &["u", "1000000"]);
    rig.connect();
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    rig
}

/// Adverts up to this number, in parts that leave the service the time to write: half of the memory holds some 130.
fn hear(rig: &Rig, count: u32) {
    for part in 0..count / 100 {
        rig.air.play(part * 100..(part + 1) * 100, 3);
        eventually("heard", || {
            let ledger = rig.ledger();
            let heard = ledger["Received"] == u64::from(part + 1) * 100 && ledger["Queued"] < 140;
            heard.then_some(()).ok_or_else(|| format!("{ledger:?}"))
        });
    }
}

/// Adverts at once, more than the memory holds.
fn hear_at_once(rig: &Rig, count: u32) {
    rig.air.play(0..count, 3);
    eventually("heard", || rig.ledger()["Received"] == u64::from(count));
}

fn all_arrive(rig: &Rig, count: u32) {
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    let mut arrived = Vec::new();
    eventually("all of it", || {
        arrived = rig.arrived("scanTopic");
        arrived.sort_unstable();
        arrived.dedup();
        (arrived.len() as u32 >= count).then_some(()).ok_or_else(|| format!("{} of {count}", arrived.len()))
    });
    assert_eq!(arrived, (0..count).collect::<Vec<_>>());
    eventually("nothing waits", || {
        let ledger = rig.ledger();
        ledger["Queued"] + ledger["InFlight"] + ledger["Spooled"] == 0
    });
    assert_eq!(rig.ledger()["Dropped"], 0);
}

#[test]
fn spool_covers_an_outage_longer_than_memory() {
    let rig = away();
    hear(&rig, 5000);
    eventually("on the disk", || rig.ledger()["Spooled"] > 3000);
    let ratio = rig.stat("SpoolWriteRatio").as_f64().expect("a number");
    assert!((1.0..1.2).contains(&ratio), "{ratio}");
    assert!(rig.stat("SpoolBytes").as_u64().is_some_and(|bytes| bytes > 100_000));
    assert!(rig.stat("SpoolCoverSecs").as_u64().is_some_and(|secs| secs > 60));
    all_arrive(&rig, 5000);
}

#[test]
fn spool_outlives_the_service() {
    let mut rig = away();
    hear(&rig, 2000);
    rig.restart();
    eventually("it is read", || rig.stat("SpoolState") == "ready");
    let kept = rig.ledger();
    assert_eq!((kept["Recovered"], kept["Spooled"]), (2000, 2000));
    // kill -9 loses memory, but not the disk.
    rig.service.kill_now();
    rig.restart_after_end();
    eventually("it is read again", || rig.ledger()["Recovered"] == 2000);
    rig.await_stat("SpoolState", "ready");
    assert!(rig.bus.log().contains("2000 adverts of an earlier run"));
    all_arrive(&rig, 2000);
}

#[test]
fn spool_on_a_disk_that_takes_nothing_is_reported_and_memory_goes_on() {
    let rig = away();
    let spool = rig.bus.state().join("spool");
    std::fs::remove_dir_all(&spool).expect("there");
    std::fs::write(&spool, "in the way").expect("written");
    hear_at_once(&rig, 2000);
    rig.await_stat("SpoolState", "memory-only");
    assert!(rig.ledger()["Dropped.queue-full"] > 0);
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    rig.await_stat("LinkState", "connected");
    std::fs::remove_file(&spool).expect("there");
    std::fs::create_dir(&spool).expect("made");
    rig.bus.give(&spool);
    rig.await_stat("SpoolState", "ready");
}

/// Segments of the spool with their bytes, by name.
fn segments(rig: &Rig) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(rig.bus.state().join("spool")).expect("a spool");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .map(|path| (path.clone(), fs::read(path).expect("read")))
        .collect()
}

/// Makes another version of all segments.
fn become_version(rig: &Rig, digit: u8) {
    for (path, mut bytes) in segments(rig) {
        bytes[7] = digit;
        fs::write(&path, bytes).expect("written");
    }
}

/// A rollback and the upgrade after it: what the later version left is not lost to the earlier one.
#[test]
fn spool_of_a_later_version_is_left_alone_and_sent_when_it_is_back() {
    let mut rig = away();
    hear(&rig, 500);
    rig.service.terminate();
    rig.service.ended();
    become_version(&rig, b'3');
    let later = segments(&rig);
    assert!(!later.is_empty());

    // The earlier one works with a spool of its own beside it.
    rig.restart_after_end();
    rig.await_stat("SpoolState", "ready");
    rig.air.play(500..600, 3);
    eventually("heard", || rig.ledger()["Received"] == 100);
    rig.restart();
    eventually("its own is there", || rig.ledger()["Recovered"] == 100);
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    eventually("its own is sent", || rig.ledger()["Published"] == 100);
    assert_eq!(rig.stat("SpoolDamaged"), 0);
    assert!(rig.bus.log().contains("were written by another version"), "{}", rig.bus.log());
    rig.service.terminate();
    rig.service.ended();
    assert_eq!(segments(&rig), later, "not a byte of it changed, and no number is used again");

    become_version(&rig, b'2');
    rig.restart_after_end();
    all_arrive(&rig, 600);
    assert_eq!(rig.ledger()["Recovered"], 500);
}
