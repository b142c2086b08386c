//! What systemd is told, and that nothing from outside keeps the watchdog from being fed.

use crate::rig::Rig;
use crate::support::eventually;
use std::time::Duration;

fn fed(rig: &Rig) -> usize {
    rig.service.told().iter().filter(|line| *line == "WATCHDOG=1").count()
}

fn line(rig: &Rig) -> String {
    let told = rig.service.told();
    told.iter().rev().find_map(|line| line.strip_prefix("STATUS=")).unwrap_or_default().to_owned()
}

#[test]
fn a_line_tells_how_it_goes() {
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
fn the_watchdog_is_fed_whatever_happens_outside() {
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
