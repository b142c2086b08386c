//! From captured adverts to the queue: pieces put together, filters, repeats, the open batch, and the books of it all.

use super::active_adapters::ActiveAdapters;
use super::damaged_reports::{Change, DamageDetector};
use super::dedup::Duplicates;
use super::filter;
use super::reassembly::{Reassembly, Received};
use super::recent_devices::{Outcome, RecentDevices};
use crate::capture::{Capture, ReadOutcome, UNKNOWN};
use crate::config::{Config, Filters, Framing};
use crate::encode::{Batch, Plan, epoch};
use crate::log;
use crate::model::{Address, Advert, BootTime, DataStatus, Message, Pdu};
use crate::queue::Queue;
use crate::stats::{Heard, Stats};
use std::io;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;
use tokio::time::Instant;

/// The stages from a captured packet to a queued message.
pub(super) struct Pipeline {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    clock: watch::Receiver<bool>,
    /// Stands for the router as long as the settings name no other address.
    router: Address,
    config: Arc<Config>,
    reassembly: Reassembly,
    damage: DamageDetector,
    stage: BatchStage,
    opened: Option<Instant>,
    /// When the capture was last seen empty: what is read later came later.
    emptied: std::time::Instant,
}

/// What judges and writes whole adverts.
struct BatchStage {
    filters: Filters,
    duplicates: Duplicates,
    batch: Batch,
    publishing: bool,
    stamping: bool,
    recent: Arc<RecentDevices>,
    /// Whether somebody asks for recent devices.
    noting: bool,
    /// Since the last step of the books.
    heard: Heard,
    /// Finished since then.
    ready: Vec<Message>,
}

/// When something is heard.
#[derive(Debug, Clone, Copy)]
struct RxTime {
    at: std::time::Instant,
    boot: BootTime,
    /// `None` while the clock is not to be trusted.
    wall: Option<SystemTime>,
}

impl BatchStage {
    fn process(&mut self, advert: &Advert<'_>, rx_time: RxTime) {
        let outcome = self.decide(advert, rx_time);
        if self.noting {
            self.recent.record(advert, rx_time.at, outcome);
        }
    }

    fn decide(&mut self, advert: &Advert<'_>, rx_time: RxTime) -> Outcome {
        if matches!(advert.pdu, Pdu::Extended(e) if e.data_status() == DataStatus::Truncated) {
            self.heard.truncated += 1;
        }
        if let Err(kind) = filter::check(&self.filters, advert) {
            self.heard.filtered[kind as usize] += 1;
            return Outcome::Filtered(kind);
        }
        // Before the duplicate table: it records what was sent only.
        if !self.publishing {
            self.heard.unpublished += 1;
            return Outcome::Unpublished;
        }
        if !self.duplicates.pass(advert, rx_time.at) {
            self.heard.deduplicated += 1;
            return Outcome::Duplicate;
        }
        self.heard.queued += 1;
        self.heard.timestamps_withheld += u64::from(self.stamping && rx_time.wall.is_none());
        self.ready.extend(self.batch.push(advert, rx_time.wall, rx_time.boot));
        Outcome::Published
    }
}

/// Messages that the queue has room for at least: none must be able to fill it alone.
const MIN_MESSAGES: usize = 8;

fn plan(config: &Config, router: Address) -> Plan {
    Plan {
        size: config.batch.size,
        max_bytes: config.queue_max_bytes / MIN_MESSAGES,
        payload: config.payload,
        gateway: config.router.unwrap_or(router),
    }
}

impl Pipeline {
    pub(super) fn new(
        queue: Arc<Queue>,
        stats: Arc<Stats>,
        recent: Arc<RecentDevices>,
        config: &Arc<Config>,
        router: Address,
    ) -> Self {
        let stage = BatchStage {
            filters: config.filters.clone(),
            duplicates: Duplicates::new(config.duplicates_ms),
            batch: Batch::new(plan(config, router), epoch()),
            publishing: config.mqtt.is_some(),
            stamping: config.payload.style.timestamp.is_some(),
            recent,
            noting: false,
            heard: Heard::default(),
            ready: Vec::new(),
        };
        let clock = stats.clock_synchronised();
        Self {
            queue,
            stats,
            clock,
            router,
            config: config.clone(),
            reassembly: Reassembly::default(),
            damage: DamageDetector::default(),
            stage,
            opened: None,
            emptied: Instant::now().into_std(),
        }
    }

    /// Works by these settings from now on.
    pub(super) fn configure(&mut self, config: &Arc<Config>) {
        let before = std::mem::replace(&mut self.config, config.clone());
        if before.filters != config.filters {
            self.stage.filters = config.filters.clone();
        }
        if before.duplicates_ms != config.duplicates_ms {
            self.stage.duplicates = Duplicates::new(config.duplicates_ms);
        }
        self.stage.stamping = config.payload.style.timestamp.is_some();
        let message = self.stage.batch.configure(plan(config, self.router), self.now().wall);
        self.stage.ready.extend(message);
        self.stage.publishing = config.mqtt.is_some();
        if self.stage.publishing { self.commit() } else { self.flush() }
    }

    fn now(&self) -> RxTime {
        let told = *self.clock.borrow() && (self.stage.stamping || self.config.payload.framing == Framing::Envelope);
        RxTime { at: Instant::now().into_std(), boot: BootTime::now(), wall: told.then(SystemTime::now) }
    }

    /// When [`close_due`](Self::close_due) has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let batch = self.opened.map(|opened| opened + self.config.batch.interval);
        let chain = self.reassembly.due().map(Instant::from_std);
        batch.into_iter().chain(chain).min()
    }

    /// Closes what is due. A chain is only where the capture was seen empty meanwhile: else its rest may wait there.
    pub(super) fn close_due(&mut self) {
        let now = self.now();
        self.reassembly.expire(self.emptied, &mut |advert| self.stage.process(advert, now));
        if self.opened.is_some_and(|opened| opened + self.config.batch.interval <= Instant::from_std(now.at)) {
            self.stage.ready.extend(self.stage.batch.take(now.wall));
        }
        self.commit();
    }

    /// Logs when many reports arrive damaged, and when they no longer do; called about once a second.
    pub(super) fn check_damage(&mut self) {
        let changes = self.damage.step(Instant::now().into_std());
        if changes.is_empty() {
            return;
        }
        for (adapter, change) in changes {
            match change {
                Change::Begins(reports) => log::reports_damaged(&adapter, reports.damaged, reports.whole),
                Change::Ends => log::reports_whole(&adapter),
            }
        }
        let damaged = self.damage.adapters();
        self.stats.set_radio(|radio| radio.damaged = damaged);
    }

    /// Nothing waits in the capture: there is none.
    pub(super) fn no_capture(&mut self) {
        self.emptied = Instant::now().into_std();
    }

    /// Closes everything.
    pub(super) fn flush(&mut self) {
        let now = self.now();
        self.reassembly.flush(&mut |advert| self.stage.process(advert, now));
        self.stage.ready.extend(self.stage.batch.take(now.wall));
        self.commit();
    }

    /// One step of the books and one of the queue. In this order: a message in the queue is on the books.
    fn commit(&mut self) {
        let stage = &mut self.stage;
        stage.heard.duplicates_evicted = stage.duplicates.take_evicted();
        self.stats.ledger(|l| l.receive(&std::mem::take(&mut stage.heard)));
        if !stage.ready.is_empty() {
            // The batch that is open now was opened after these.
            self.opened = None;
            self.queue.push_all(stage.ready.drain(..));
        }
        if stage.batch.is_empty() {
            self.opened = None;
        } else if self.opened.is_none() {
            self.opened = Some(Instant::now());
        }
    }

    /// Takes what the capture has, adverts of these adapters only (`None`: of all).
    pub(super) fn take(
        &mut self,
        capture: &mut impl Capture,
        adapters: Option<&ActiveAdapters>,
    ) -> io::Result<ReadOutcome> {
        // A read is over within a millisecond: one look at the clocks is exact enough.
        let now = self.now();
        let at = Received { earliest: self.emptied, latest: now.at };
        let Self { reassembly, damage, stage, .. } = self;
        stage.batch.set_max_payload(self.queue.max_payload());
        stage.noting = stage.recent.is_wanted(now.at);
        let outcome = capture.take(&mut |report| match report {
            Ok(advert) => {
                if adapters.is_none_or(|active| active.count_advert(advert.adapter)) {
                    damage.whole(advert.adapter);
                    reassembly.take(advert, at, &mut |whole| stage.process(whole, now));
                }
            }
            Err(malformed) => {
                let counts =
                    |active: &ActiveAdapters| malformed.adapter == UNKNOWN || active.is_active(malformed.adapter);
                if adapters.is_none_or(counts) {
                    damage.malformed(malformed);
                    stage.heard.malformed[malformed.reason as usize] += 1;
                }
            }
        });
        if let Ok(found) = &outcome {
            stage.heard.capture_lost += found.dropped;
            if !found.more {
                self.emptied = now.at;
            }
        }
        self.commit();
        outcome
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
