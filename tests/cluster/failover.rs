//! The node that we use is killed in the middle of traffic.

use crate::support::air::{Air, packet};
use crate::support::broker_subscriber::Subscriber;
use crate::support::bus::Bus;
use crate::support::busctl::STATS;
use crate::support::envelopes::Envelopes;
use crate::support::identities::Who;
use crate::support::rabbit::Cluster;
use crate::support::{eventually, within};
use rustix::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The requirement: publishing goes on within this time.
const RESUMED: Duration = Duration::from_secs(5);
/// Looks for the first broker come every 30 to 90 s.
const RETURNED: Duration = Duration::from_secs(120);
const KILLS: usize = 3;

/// The longest time from now on in which nothing arrives, once something arrives again.
fn silence(subscriber: &Subscriber) -> Duration {
    let (started, mut last, mut longest, mut count) =
        (Instant::now(), Instant::now(), Duration::ZERO, subscriber.count());
    while started.elapsed() < Duration::from_secs(20) {
        let now = subscriber.count();
        if now != count {
            count = now;
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    longest.max(last.elapsed())
}

#[test]
#[ignore = "heavy: tests/cluster/run"]
fn failover_from_a_killed_node_takes_a_few_seconds_and_loses_no_message() {
    let mut cluster = Cluster::start(3);
    let subscriber = Subscriber::at(cluster.nodes[2].port, "scanTopic");
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    let (air, theirs) = Air::new();
    let _service = bus.start_service_quietly(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
    let (first, second) = (cluster.nodes[0].address(), cluster.nodes[1].address());
    let port = cluster.nodes[0].port.to_string();
    let third = cluster.nodes[2].address();
    let words = ["PayloadFormat", "s", "envelope", "ScanQos", "y", "1", "Port", "q", &port, "Host", "s", "127.0.0.1"];
    let fallbacks = ["FallbackHosts", "as", "2", &second, &third, "Protocol", "s", "mqtt"];
    bus.call(Who::Admin, "Apply", &[&["a{sv}", "6"], &words[..], &fallbacks].concat()).expect("set");
    let at = |broker: &str| bus.value(STATS, "Broker") == broker && bus.value(STATS, "LinkState") == "connected";
    eventually("connected to the first node", || at(&first));

    let (over, played) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                air.send(&packet(played.fetch_add(1, Ordering::Relaxed), 50));
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        for kill in 1..=KILLS {
            let before = subscriber.count();
            eventually("traffic flows", || subscriber.count() > before + 20);
            cluster.nodes[0].kill();
            let silence = silence(&subscriber);
            println!("kill {kill}: nothing arrived for {:.2} s", silence.as_secs_f32());
            assert!(silence < RESUMED, "kill {kill}: {silence:?}");
            assert!(at(&second), "{}", bus.value(STATS, "Broker"));
            cluster.nodes[0].restart();
            let back = Instant::now();
            within(RETURNED, "back at the first node", || at(&first));
            println!("back at the first node after {:.0} s", back.elapsed().as_secs_f32());
        }
        over.store(true, Ordering::Relaxed);
    });

    let played = played.load(Ordering::Relaxed);
    let ledger = || bus.value(STATS, "Ledger");
    eventually("everything is published", || {
        let ledger = ledger();
        (ledger["Published"] == played && ledger["Received"] == played).then_some(()).ok_or_else(|| ledger.to_string())
    });
    let read = || Envelopes::read(subscriber.received().iter().map(|message| &*message.payload));
    eventually("the last one arrived", || read().adverts.last() == Some(&(played - 1)));
    let seen = read();
    assert_eq!(seen.missing(), [], "lost");
    assert_eq!(seen.adverts.len(), played as usize);
    assert_eq!((ledger()["Dropped"].as_u64(), bus.value(STATS, "Failovers").as_u64()), (Some(0), Some(KILLS as u64)));
    println!("{} envelopes, {played} adverts, none lost, {} twice", seen.count(), seen.repeated().len());
    for event in ["moved to", "back at"] {
        assert_eq!(bus.log().matches(event).count(), KILLS, "{event}");
    }
}
