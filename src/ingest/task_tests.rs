use super::*;
use crate::config::Candidate;
use crate::hci::packets::{legacy, legacy_event};
use crate::model::RadioState;
use socket2::{Domain, Socket, Type};
use std::time::Duration;
use tokio::sync::oneshot;

/// The scan of a socket, and what one needs to watch it.
struct Scan {
    far: Socket,
    stats: Arc<Stats>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
    _settings: watch::Sender<Arc<Config>>,
}

fn start() -> Scan {
    let (near, far) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).expect("pair");
    let config = Config::check(&Candidate::default()).expect("defaults are right");
    let (_settings, settings) = watch::channel(Arc::new(config));
    let stats = Arc::new(Stats::default());
    let queue = Arc::new(Queue::new(1 << 20, stats.clone()));
    let (stop, stopped) = oneshot::channel::<()>();
    let source = Source::Inherited(near.into());
    let stopped = async { drop(stopped.await) };
    let task = tokio::spawn(run(settings, queue, stats.clone(), Arc::default(), source, Address([0; 6]), stopped));
    Scan { far, stats, stop, task, _settings }
}

/// What was heard before the end counts, read or not.
#[tokio::test]
async fn ingest_reads_what_waits_at_the_end() {
    let Scan { far, stats, stop, task, _settings } = start();
    for _ in 0..100 {
        far.send(&legacy_event(0, &[legacy(0, 0, &[1], -1)])).expect("sent");
    }
    drop(stop);
    task.await.expect("no panic");
    assert_eq!(stats.snapshot().received, 100);
    assert!(stats.snapshot().balances());
}

/// The watchdog wants a sign now and then, also when there is nothing to hear.
#[tokio::test(start_paused = true)]
async fn ingest_sends_heartbeats_while_nothing_is_heard() {
    let Scan { far: _far, stats, stop, task, _settings } = start();
    let mut feeder = crate::watchdog::ProgressCheck::default();
    for _ in 0..10 {
        tokio::time::sleep(HEARTBEAT_INTERVAL + Duration::from_millis(1)).await;
        stats.heartbeats().publish();
        assert!(feeder.both_progressed(stats.heartbeats()));
    }
    drop(stop);
    task.await.expect("no panic");
    stats.heartbeats().publish();
    feeder.both_progressed(stats.heartbeats());
    tokio::time::sleep(10 * HEARTBEAT_INTERVAL).await;
    stats.heartbeats().publish();
    assert!(!feeder.both_progressed(stats.heartbeats()), "it is nobody else who makes the sign");
}

/// The end of a test's socket is not the end of the scan: it goes on, does nothing, and stops on request.
#[tokio::test(start_paused = true)]
async fn ingest_survives_the_end_of_an_inherited_socket() {
    let Scan { far, stats, stop, task, _settings } = start();
    far.send(&legacy_event(7, &[legacy(0, 0, &[1], -1), legacy(3, 1, &[2], -2)])).expect("sent");
    drop(far);
    // Paused time goes on when there is nothing else to do: a loop that spins would never let it.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!task.is_finished());
    assert_eq!(stats.snapshot().received, 2);
    assert_eq!(stats.radio().borrow().state, RadioState::Test);
    drop(stop);
    task.await.expect("no panic");
    assert!(stats.snapshot().balances());
}
