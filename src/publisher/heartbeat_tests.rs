//! A publish loop on a thread of its own, with a broker that blocks it.

use super::config_watch::ConfigWatch;
use super::delivery::Delivery;
use super::run::Publisher;
use crate::config::{Candidate, Config, Qos};
use crate::model::{Address, Failure, Message, MessageId};
use crate::mqtt::client::{BrokerConfig, Client, Event, NotSent, Probe};
use crate::mqtt::limits::Limits;
use crate::queue::Queue;
use crate::stats::Stats;
use crate::watchdog::{HEARTBEAT_INTERVAL, ProgressCheck};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant as Clock};
use tokio::sync::watch;

/// Does not return from `publish` before it is told to.
struct Stuck {
    entered: mpsc::Sender<()>,
    released: mpsc::Receiver<()>,
}

impl Client for Stuck {
    async fn connect(&mut self, _: &BrokerConfig, _: u32) -> Result<(), Failure> {
        Ok(())
    }

    fn publish(&mut self, _: MessageId, _: &str, _: &[u8], _: Qos) -> Result<(), NotSent> {
        self.entered.send(()).expect("the test waits");
        self.released.recv().expect("the test lets go");
        Ok(())
    }

    fn publish_status(&mut self, _: &str, _: &[u8]) -> Result<(), NotSent> {
        Ok(())
    }

    fn maximum_qos(&self) -> Option<Qos> {
        None
    }

    fn maximum_packet_size(&self) -> Option<usize> {
        None
    }

    fn last_received(&self) -> Option<std::time::Instant> {
        None
    }

    async fn next_event(&mut self) -> Event {
        std::future::pending().await
    }

    async fn disconnect(&mut self) {}

    fn probe(&self, _: &BrokerConfig) -> Probe {
        Box::pin(std::future::ready(false))
    }

    async fn abort(&mut self) {}

    fn keeps(&self, _: MessageId) -> bool {
        false
    }

    fn session_event(&mut self) -> Option<Event> {
        None
    }

    async fn forget_session(&mut self) {}

    fn resume(&mut self, _: impl FnMut(Message) -> MessageId) -> u64 {
        0
    }

    fn save(&mut self, _: &[&Message]) -> bool {
        false
    }

    async fn close(&mut self) {}
}

/// Waits until the watchdog would be fed, with a scan that goes round all the time.
fn fed(feeder: &mut ProgressCheck, stats: &Stats, limit: Duration) -> bool {
    let end = Clock::now() + limit;
    while Clock::now() < end {
        stats.heartbeats().scan();
        if feeder.both_progressed(stats.heartbeats()) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn heartbeat_stops_while_the_loop_is_blocked_and_goes_on_while_it_is_idle() {
    const LONG: Duration = Duration::from_secs(30);
    let mut candidate = Candidate::default();
    (candidate.raw.protocol, candidate.raw.host) = ("mqtt".into(), "broker".into());
    let stats = Arc::new(Stats::default());
    let queue = Arc::new(Queue::new(1 << 20, stats.clone()));
    let (_config, settings) = watch::channel(Arc::new(Config::check(&candidate).expect("right")));
    let (stop, stopped) = watch::channel(false);
    let ((entered, entering), (release, released)) = (mpsc::channel(), mpsc::channel());
    let thread = std::thread::spawn({
        let (queue, stats) = (queue.clone(), stats.clone());
        move || {
            let limits = Limits { drain: Duration::ZERO, ..Limits::default() };
            let config_watch = ConfigWatch::new(settings, stopped, Address([0; 6]), limits.drain);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            runtime.block_on(async {
                let delivery =
                    Delivery::new(queue, stats.clone(), config_watch, limits, None, stats.clock_synchronised());
                Publisher::new(Stuck { entered, released }, delivery).run().await
            });
        }
    });
    let mut feeder = ProgressCheck::default();
    for _ in 0..3 {
        assert!(fed(&mut feeder, &stats, LONG), "it has nothing to do, and could");
    }
    stats.ledger(|l| l.receive_queued(1));
    queue.push(Message { payload: vec![1], adverts: 1, ..Message::default() });
    entering.recv_timeout(LONG).expect("the loop is in the broker's hands");
    fed(&mut feeder, &stats, Duration::from_millis(20));
    assert!(!fed(&mut feeder, &stats, 3 * HEARTBEAT_INTERVAL), "it is blocked");
    release.send(()).expect("the loop waits");
    assert!(fed(&mut feeder, &stats, LONG), "it goes on");
    stop.send_replace(true);
    thread.join().expect("no panic");
}
