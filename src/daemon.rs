//! Builds every part, starts it, watches it, stops it in order: the only place that knows everything.

use crate::config::{FileError, FileProblem, LoadError, Paths, Settings, store};
use crate::drop_log::DropLog;
use crate::ingest::{self, RecentDevices, Source};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::systemd::Manager;
use crate::{certificates, clock, dbus, health, log, publisher, router, threads};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{interval, sleep};

/// How often counters are noted for the rates.
const RATE_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is found out whether settings could be saved.
const STATE_DIRECTORY_INTERVAL: Duration = Duration::from_secs(5);

/// Why the service could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A settings file needs its author: a restart does not help.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<FileProblem>),
    /// A settings file is there and cannot be read: a restart may help.
    #[error("{0}; nothing was changed, and it is tried again")]
    Unreadable(FileError),
    /// The bus is not there, went away, or another process has our name.
    #[error("system bus: {0}")]
    Bus(#[from] zbus::Error),
    /// The system refused something that always works.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// A part ended that never does: a bug.
    #[error("the {0} ended unexpectedly: this is a bug, please report it")]
    Ended(&'static str),
}

/// Runs until SIGTERM, or until it cannot.
pub async fn run(paths: Paths, source: Source) -> Result<(), Fatal> {
    threads::prepare().await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (store, candidate, config) = store::load(paths).map_err(|error| match error {
        LoadError::Wrong(problems) => Fatal::Config(problems),
        LoadError::Unreadable(error) => Fatal::Unreadable(error),
    })?;
    let lock = store.lock();
    let detected = router::address();
    let router = config.router.unwrap_or(detected).to_string();
    let stats = Arc::new(Stats::default());
    let queue = Arc::new(Queue::new(config.queue_max_bytes, stats.clone()));
    let recent = Arc::new(RecentDevices::default());
    let settings = Arc::new(Settings::new(store, candidate, config, stats.clone()));
    settings.probe_writable().await;

    let bus = dbus::serve(settings.clone(), stats.clone(), recent.clone(), detected).await?;
    let limits = publisher::Limits::default();
    let connection = bus.connection().clone();
    let (changes, state) = (settings.subscribe(), Some(lock));
    let clock = stats.clock_synchronised();
    let mut publisher = publisher::spawn(queue.clone(), changes, stats.clone(), detected, state, limits, clock)?;
    let (stop_scan, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let adverts = ingest::run(settings.subscribe(), queue, stats.clone(), recent, source, detected, stopped);
    let mut scan = tokio::spawn(adverts);
    let manager = Manager::from_environment();
    manager.ready();
    log::started(&router);

    let ended = tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
        lost = bus.run() => Err(Fatal::Bus(lost)),
        () = publisher.ended() => Err(Fatal::Ended("publish thread")),
        _ = &mut scan => Err(Fatal::Ended("scan task")),
        () = tick(&stats) => Err(Fatal::Ended("clock")),
        error = watch_clock(&stats, &connection) => Err(Fatal::System(error)),
        () = health::follow(&stats, settings.subscribe()) => Err(Fatal::Ended("health")),
        () = manager.follow(&stats) => Err(Fatal::Ended("watchdog")),
        () = certificates::follow(&settings, &stats) => Err(Fatal::Ended("certificates")),
        () = probe(&settings) => Err(Fatal::Ended("probe")),
    };
    if let Ok(reason) = &ended {
        log::stopping(reason);
    }
    manager.stopping();
    // The scan first: what it still has goes to the queue, which the publisher then drains.
    drop(stop_scan);
    let end = async {
        if !scan.is_finished() {
            drop(scan.await);
        }
        publisher.stop().await;
    };
    manager.drain(&stats, end).await;
    DropLog::default().log_due(&stats);
    ended.map(drop)
}

async fn tick(stats: &Stats) {
    let (mut tick, mut drop_log) = (interval(RATE_INTERVAL), DropLog::default());
    loop {
        tick.tick().await;
        stats.sample(Instant::now());
        drop_log.log_due(stats);
    }
}

/// Ends only with the reason why the clock cannot be watched.
async fn watch_clock(stats: &Stats, bus: &zbus::Connection) -> std::io::Error {
    let mut steps = match clock::Steps::watch() {
        Ok(steps) => steps,
        Err(error) => return error,
    };
    loop {
        let synchronised = clock::synchronised(bus).await;
        stats.set_clock_synchronised(synchronised);
        tokio::select! {
            () = sleep(clock::poll_interval(synchronised)) => drop(steps.moved()),
            // Perhaps by a time server: ask again whether it is synchronised.
            step = steps.next() => match step {
                Ok(millis) if millis.abs() >= clock::MIN_STEP_MILLIS => log::clock_stepped(millis),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }
}

async fn probe(settings: &Settings) {
    let mut tick = interval(STATE_DIRECTORY_INTERVAL);
    loop {
        tick.tick().await;
        settings.probe_writable().await;
    }
}
