//! A setting takes effect without a restart, and disturbs only what it concerns.

use crate::rig::Rig;
use crate::support::broker::Scenario;
use crate::support::eventually;

#[test]
fn topic_and_batches_change_on_a_living_connection() {
    let rig = Rig::start();
    rig.configure(Scenario::Anonymous);
    rig.await_stat("LinkState", "connected");
    rig.set("PushIntervalMs", &["u", "600000"]);
    rig.set("PushBatchSize", &["u", "5"]);
    rig.set("ScanTopic", &["s", "by/{router}"]);
    rig.air.play(0..7, 1);
    let topic = format!("by/{}", rig.stat("Router").as_str().expect("an address"));
    eventually("a full batch", || rig.arrived(&topic) == [0, 1, 2, 3, 4]);
    assert_eq!(rig.ledger()["Queued"], 2, "the open batch");
    // The open batch is older than the new interval.
    rig.set("PushIntervalMs", &["u", "10"]);
    eventually("the rest", || rig.arrived(&topic).len() == 7);
    assert_eq!(rig.stat("Connects"), 1);
    assert_eq!(rig.broker.log.count("New client connected"), 2, "the subscriber and the service, once");
}

#[test]
fn protocol_none_publishes_nothing_and_counts_it() {
    let rig = Rig::start();
    rig.air.play(0..30, 3);
    eventually("counted", || rig.ledger()["Unpublished"] == 30);
    rig.configure(Scenario::Anonymous);
    rig.await_stat("LinkState", "connected");
    rig.air.play(30..60, 3);
    eventually("published", || rig.arrived("scanTopic") == (30..60).collect::<Vec<_>>());
    rig.set("Protocol", &["s", "none"]);
    rig.await_stat("LinkState", "off");
    rig.air.play(60..90, 3);
    eventually("counted", || rig.ledger()["Unpublished"] == 60);
    assert_eq!(rig.arrived("scanTopic").len(), 30);
}

#[test]
fn live_change_of_broker_moves_what_waits() {
    let rig = Rig::start();
    rig.configure(Scenario::Anonymous);
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    rig.air.play(0..40, 3);
    eventually("waiting", || rig.ledger()["Queued"] == 40);
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    eventually("all of it", || rig.arrived("scanTopic") == (0..40).collect::<Vec<_>>());
}

#[test]
fn live_queue_that_is_full_drops_the_oldest_and_counts_them() {
    let rig = Rig::start();
    rig.configure(Scenario::Anonymous);
    rig.set("QueueMaxBytes", &["u", "65536"]);
    rig.set("SpoolMaxBytes", &["u", "0"]);
    rig.set("Port", &["q", "1"]);
    rig.await_stat("LastError", "refused");
    rig.air.play(0..2000, 3);
    eventually("heard", || rig.ledger()["Received"] == 2000);
    eventually("the last batch is closed", || rig.ledger()["Queued"].is_multiple_of(20));
    let dropped = rig.ledger()["Dropped.queue-full"];
    assert!((1..2000).contains(&dropped), "{dropped}");
    rig.set("Port", &["q", &rig.broker.ports.anonymous.to_string()]);
    let rest: Vec<u32> = (u32::try_from(dropped).expect("small")..2000).collect();
    eventually("the newest", || rig.arrived("scanTopic").len() >= rest.len());
    assert_eq!(rig.arrived("scanTopic"), rest);
    eventually("said in the log", || rig.bus.log().contains("adverts lost: queue-full"));
}

#[test]
fn live_stop_sends_what_waits() {
    let rig = Rig::start();
    rig.configure(Scenario::Anonymous);
    rig.await_stat("LinkState", "connected");
    rig.set("PushIntervalMs", &["u", "600000"]);
    rig.air.play(0..7, 3);
    eventually("heard", || rig.ledger()["Received"] == 7);
    let Rig { service, subscriber, broker, .. } = &rig;
    service.terminate();
    eventually("the open batch arrives", || subscriber.count() == 1);
    eventually("a clean end", || broker.log.contains("Received DISCONNECT"));
}
