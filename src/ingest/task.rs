//! The loop of the ingest task: capture and pipeline on one side, the control of the radio on the other.

use super::active_adapters::ActiveAdapters;
use super::pipeline::Pipeline;
use super::recent_devices::RecentDevices;
use super::source::{CaptureSelector, CaptureSource};
use crate::bluez::{self, AdapterTable, AdvertCounts, RadioInputs, ScanConfig};
use crate::capture::ReadOutcome;
use crate::config::{Config, ScanMode};
use crate::hci;
use crate::model::{Address, CaptureKind};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::watchdog::HEARTBEAT_INTERVAL;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until};

/// Where adverts come from.
#[derive(Debug)]
pub enum Source {
    /// The radio that bluetoothd is in charge of.
    Bluez,
    /// A socket that plays packets of the monitor channel, for tests. No radio is touched.
    Inherited(OwnedFd),
}

/// Reads at the end of a capture: more than a socket holds.
const DRAIN_READS: usize = 64;
/// How often a better capture is looked for.
const UPGRADE_INTERVAL: Duration = Duration::from_secs(30);

/// Runs until `stop`; the open batch is in the queue then, and the radio is left alone. `router` stands for the router as
/// long as the settings name no address.
pub async fn run(
    mut config: watch::Receiver<Arc<Config>>,
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    recent: Arc<RecentDevices>,
    source: Source,
    router: Address,
    stop: impl Future<Output = ()>,
) {
    let now = config.borrow_and_update().clone();
    let scan_config = watch::Sender::new(ScanConfig::of(&now));
    let (capture, counts) = (watch::Sender::new(CaptureKind::None), Arc::new(AdvertCounts::default()));
    let adapters = AdapterTable::new(stats.clone());
    let ingest = |inherited| Ingest {
        testing: inherited,
        mode: now.scan,
        pipeline: Pipeline::new(queue, stats.clone(), recent, &now, router),
        selector: CaptureSelector::new(stats.clone(), capture.clone()),
        active: ActiveAdapters::new(&adapters, counts.clone()),
        stats: stats.clone(),
    };
    match source {
        Source::Bluez => {
            let controllers = watch::Sender::default();
            let inputs = RadioInputs {
                stats: stats.clone(),
                adapters: adapters.clone(),
                counts: counts.clone(),
                controllers: controllers.subscribe(),
                capture: capture.subscribe(),
            };
            // Tasks of their own, so that a packet does not wake them.
            let mut others = JoinSet::new();
            others.spawn(bluez::control(scan_config.subscribe(), inputs));
            others.spawn(hci::track_controllers(controllers, stats.clone()));
            tokio::select! {
                () = ingest(false).run(config, None, &scan_config, stop) => {}
                _ = others.join_next() => {}
            }
            others.shutdown().await;
        }
        Source::Inherited(fd) => ingest(true).run(config, Some(fd), &scan_config, stop).await,
    }
}

/// What the loop works with.
struct Ingest {
    /// Adverts come from a test's descriptor: of all adapters, and its end is the end.
    testing: bool,
    mode: ScanMode,
    pipeline: Pipeline,
    selector: CaptureSelector,
    active: ActiveAdapters,
    stats: Arc<Stats>,
}

impl Ingest {
    async fn run(
        mut self,
        mut config: watch::Receiver<Arc<Config>>,
        inherited: Option<OwnedFd>,
        scan_config: &watch::Sender<ScanConfig>,
        stop: impl Future<Output = ()>,
    ) {
        let mut source = match inherited {
            Some(fd) => self.selector.inherit(fd),
            None if self.mode == ScanMode::Off => self.selector.close(),
            None => self.selector.open(),
        };
        // One timer, moved as things change: a new one for each packet would cost the runtime a system call and a round.
        let mut alarm = pin!(sleep_until(Instant::now()));
        let (mut pulse, mut upgrade) = (interval(HEARTBEAT_INTERVAL), interval(UPGRADE_INTERVAL));
        let mut stop = pin!(stop);
        loop {
            let deadline = self.pipeline.next_deadline();
            if let Some(deadline) = deadline
                && deadline != alarm.deadline()
            {
                alarm.as_mut().reset(deadline);
            }
            self.stats.heartbeats().scan();
            tokio::select! {
                biased;
                () = &mut stop => break,
                Ok(()) = config.changed() => {
                    let now = config.borrow_and_update().clone();
                    source = self.configure(&now, scan_config, source).await;
                }
                () = &mut alarm, if deadline.is_some() => {
                    // The rest of a chain may wait in the capture.
                    if source.is_open() {
                        let read = self.read(&mut source);
                        source = self.after_read(source, read).await;
                    }
                    if !source.is_open() {
                        self.pipeline.no_capture();
                    }
                    self.pipeline.close_due();
                }
                ready = source.ready() => {
                    if let CaptureSource::Opening(opening) = source {
                        source = self.selector.opened(opening);
                        continue;
                    }
                    let read = ready.and_then(|()| self.read(&mut source));
                    source = self.after_read(source, read).await;
                }
                // Another round, to show that it goes on.
                _ = pulse.tick() => self.pipeline.check_damage(),
                _ = upgrade.tick() => {
                    // Bluetooth's kernel module may come after us, with the first adapter.
                    if let CaptureSource::Signals(signals) = &source
                        && signals.transient()
                        && let Some(better) = self.selector.monitor()
                    {
                        source = better;
                    }
                }
            }
        }
        self.drain(&mut source).await;
        self.pipeline.flush();
    }

    /// Works by these settings from now on.
    async fn configure(
        &mut self,
        config: &Arc<Config>,
        scan_config: &watch::Sender<ScanConfig>,
        mut source: CaptureSource,
    ) -> CaptureSource {
        self.pipeline.configure(config);
        scan_config.send_replace(ScanConfig::of(config));
        if self.testing {
            self.stats.set_revision(|revisions| revisions.radio = config.revision);
        }
        let before = std::mem::replace(&mut self.mode, config.scan);
        if self.testing || (before == ScanMode::Off) == (config.scan == ScanMode::Off) {
            return source;
        }
        if config.scan == ScanMode::Off {
            self.drain(&mut source).await;
            self.pipeline.flush();
            self.selector.close()
        } else {
            self.selector.open()
        }
    }

    /// Takes what is there now.
    fn read(&mut self, source: &mut CaptureSource) -> io::Result<ReadOutcome> {
        self.active.refresh();
        let adapters = if self.testing { None } else { Some(&self.active) };
        match source {
            CaptureSource::Monitor(monitor) => self.pipeline.take(monitor, adapters),
            CaptureSource::Signals(signals) => self.pipeline.take(signals, adapters),
            CaptureSource::Idle { .. } | CaptureSource::Opening(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The capture to go on with.
    async fn after_read(&mut self, source: CaptureSource, read: io::Result<ReadOutcome>) -> CaptureSource {
        match read {
            Ok(outcome) => {
                // Many packets wait: D-Bus gets a turn all the same.
                if outcome.more {
                    tokio::task::yield_now().await;
                }
                source
            }
            // The test is over.
            Err(_) if self.testing => CaptureSource::Idle { retry_at: None },
            Err(_) if matches!(source, CaptureSource::Idle { .. }) => self.selector.open(),
            Err(error) => self.selector.lost(&error.to_string()),
        }
    }

    /// Takes what was heard before the end and not read yet.
    async fn drain(&mut self, source: &mut CaptureSource) {
        for _ in 0..DRAIN_READS {
            // The runtime finds out that there is something.
            tokio::task::yield_now().await;
            if !self.read(source).is_ok_and(|outcome| outcome.more) {
                return;
            }
        }
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
