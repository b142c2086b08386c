//! What systemd is told, and that nothing from outside keeps the watchdog from being fed.

use crate::rig::Rig;
use crate::support::held::Held;
use crate::support::{eventually, segments};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

fn fed(rig: &Rig) -> usize {
    rig.service.told().iter().filter(|line| *line == "WATCHDOG=1").count()
}

fn line(rig: &Rig) -> String {
    let told = rig.service.told();
    told.iter().rev().find_map(|line| line.strip_prefix("STATUS=")).unwrap_or_default().to_owned()
}

#[test]
fn systemd_status_line_follows_the_state() {
    let rig = Rig::start();
    assert_eq!(rig.service.told()[0], "READY=1");
    eventually("a first line", || {
        line(&rig).starts_with("offline (no-protocol): 0 adverts/s, no broker, 0 waiting, 0 lost")
    });
    rig.connect();
    let broker = format!("broker 127.0.0.1:{}, 0 waiting, 0 lost", rig.broker.ports.anonymous);
    eventually("online", || line(&rig) == format!("online: 0 adverts/s, {broker}"));
    eventually("figures", || {
        rig.air.play(0..20, 3);
        let line = line(&rig);
        let rate = line.strip_prefix("online: ").and_then(|rest| rest.split_once(" adverts/s"));
        rate.is_some_and(|(rate, _)| rate.parse::<u32>().expect("a rate") > 0).then_some(()).ok_or(line)
    });
    rig.set("Port", &["q", "1"]);
    eventually("trouble", || line(&rig).starts_with("offline (broker-refused): "));
    rig.service.terminate();
    eventually("the end is told", || rig.service.told().iter().any(|line| line == "STOPPING=1"));
    assert_eq!(fed(&rig), 0, "there is no watchdog");
}

#[test]
fn time_is_asked_for_while_the_end_takes_long() {
    let mut rig = Rig::start();
    rig.set("ScanQos", &["y", "1"]);
    rig.connect();
    rig.broker.freeze();
    rig.air.play(0..100, 3);
    eventually("on the way", || rig.ledger()["InFlight"] > 0);
    rig.service.terminate();
    assert!(rig.service.ended().success());
    let told = rig.service.told();
    let stopping = told.iter().position(|line| line == "STOPPING=1").expect("told");
    assert!(told[stopping..].iter().any(|line| line == "EXTEND_TIMEOUT_USEC=10000000"), "{told:?}");
}

#[test]
fn systemd_watchdog_is_pinged_whatever_happens_outside() {
    // Fed four times in its interval while all is well.
    let rig = Rig::start_watched(Duration::from_secs(4));
    let goes_on = |what: &str| {
        let before = fed(&rig);
        eventually(what, || fed(&rig) >= before + 4);
    };
    goes_on("idle");
    rig.connect();
    rig.set("ScanQos", &["y", "1"]);
    rig.air.play(0..100, 3);
    goes_on("at work");
    rig.broker.freeze();
    rig.air.play(100..2000, 3);
    goes_on("with a frozen broker");
    rig.bus.freeze();
    goes_on("with a frozen bus");
    rig.broker.thaw();
    goes_on("with the bus still frozen");
    rig.bus.thaw();
    eventually("all arrives", || rig.arrived("scanTopic").len() >= 2000);
}

#[test]
fn watchdog_is_fed_and_adverts_flow_while_the_spool_is_read() {
    let mut rig = Rig::start();
    rig.set("ScanQos", &["y", "1"]);
    rig.connect();
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    rig.air.play(0..500, 3);
    eventually("heard", || rig.ledger()["Received"] == 500);
    rig.service.terminate();
    rig.service.ended();
    let spool = std::fs::read_dir(rig.bus.state().join("spool")).expect("a spool");
    let segments: Vec<_> = spool.map(|entry| entry.expect("an entry").path()).collect();
    let held =
        Held::hold(segments.iter().map(|path| &**path).filter(|path| path.extension().is_some_and(|e| e == "seg")));

    // It is ready, and shows signs of life, before a byte of it was read.
    rig.start_again_watched(Duration::from_secs(4));
    eventually("the spool is read", || held.is_awaited());
    rig.await_stat("SpoolState", "recovering");
    assert_eq!((rig.ledger()["Recovered"], rig.stat("SpoolDamaged").as_u64()), (0, Some(0)));
    assert!(rig.stat("SpoolBytes").as_u64().is_some_and(|bytes| bytes > 0));
    let before = fed(&rig);
    eventually("signs of life", || fed(&rig) >= before + 4);
    // What is heard goes to the broker; and to the disk, behind the rest.
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    rig.air.play(500..600, 3);
    eventually("live adverts arrive", || rig.arrived("scanTopic") == (500..600).collect::<Vec<_>>());
    rig.set("Port", &["q", "1"]);
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.await_stat("LastError", "refused");
    eventually("live adverts are spooled", || {
        let next = 500 + rig.ledger()["Received"] as u32;
        rig.air.play(next..next + 100, 3);
        rig.ledger()["Spooled"] > 0
    });
    let heard = 500 + rig.ledger()["Received"] as u32;
    assert_eq!((rig.stat("SpoolState"), rig.ledger()["Recovered"]), ("recovering".into(), 0));

    held.release();
    rig.await_stat("SpoolState", "ready");
    assert_eq!(rig.ledger()["Recovered"], 500);
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    let arrived = || {
        let mut arrived = rig.arrived("scanTopic");
        arrived.sort_unstable();
        arrived.dedup();
        arrived
    };
    eventually("all of it", || arrived().len() as u32 == heard);
    assert_eq!((arrived(), rig.ledger()["Dropped"]), ((0..heard).collect(), 0));
}

/// A processor that gives it so many thousandths of the time.
struct Throttled(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Throttled {
    fn start(id: u32, thousandths: u64) -> Self {
        let (going, pid) = (Arc::new(AtomicBool::new(true)), Pid::from_raw(id.cast_signed()).expect("a process"));
        let theirs = going.clone();
        let thread = std::thread::spawn(move || {
            let signal = |signal| kill_process(pid, signal).expect("it lives");
            while theirs.load(Ordering::Acquire) {
                signal(Signal::STOP);
                std::thread::sleep(Duration::from_micros(200 * (1000 - thousandths)));
                signal(Signal::CONT);
                std::thread::sleep(Duration::from_micros(200 * thousandths));
            }
            signal(Signal::CONT);
        });
        Self(going, Some(thread))
    }
}

impl Drop for Throttled {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
        let ended = self.1.take().is_none_or(|thread| thread.join().is_ok());
        assert!(ended || std::thread::panicking(), "the service ended");
    }
}

#[test]
fn watchdog_is_fed_while_a_full_spool_is_read_on_a_slow_processor() {
    let mut rig = Rig::start();
    rig.set("SpoolMaxBytes", &["u", "1073741824"]);
    rig.service.terminate();
    rig.service.ended();
    let spool = rig.bus.state().join("spool");
    let adverts = segments::spool(&spool, 250, 4 << 20);
    rig.bus.give(&spool);
    std::fs::read_dir(&spool).expect("a spool").for_each(|entry| rig.bus.give(&entry.expect("an entry").path()));
    rig.start_again_watched(Duration::from_secs(4));
    let slow = Throttled::start(rig.service.id(), 15);
    rig.await_stat("SpoolState", "recovering");
    let before = fed(&rig);
    eventually("signs of life", || fed(&rig) >= before + 8);
    // By then it has read a part of it only.
    let ledger = rig.ledger();
    assert_eq!(rig.stat("SpoolState"), "recovering");
    assert!((1..adverts).contains(&ledger["Recovered"]) && ledger["Recovered"] == ledger["Spooled"], "{ledger:?}");
    drop(slow);
    rig.await_stat("SpoolState", "ready");
    assert_eq!(rig.ledger()["Recovered"], adverts);
}
