//! A fast radio loses nothing. How fast: `benches/throughput`.

use crate::rig::Rig;
use crate::support::broker::Scenario;
use crate::support::eventually;
use std::sync::atomic::{AtomicBool, Ordering};

const ADVERTS: u32 = 100_000;

#[test]
fn load_of_a_hundred_thousand_adverts_arrives_once_each() {
    let rig = Rig::start();
    rig.configure(Scenario::Anonymous);
    rig.set("QueueMaxBytes", &["u", "268435456"]);
    rig.await_stat("LinkState", "connected");
    let playing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            rig.air.play(0..ADVERTS, 200);
            playing.store(false, Ordering::Release);
        });
        // D-Bus answers meanwhile, and the books balance whenever one looks.
        let mut looks = 0;
        while playing.load(Ordering::Acquire) || looks < 3 {
            rig.ledger();
            looks += 1;
        }
    });
    eventually("all are published", || rig.ledger()["Published"] == u64::from(ADVERTS));
    eventually("all arrive", || rig.subscriber.count() as u32 >= ADVERTS / 20);
    assert_eq!(rig.arrived("scanTopic"), (0..ADVERTS).collect::<Vec<_>>());
    assert_eq!(rig.stat("Connects"), 1);
}
