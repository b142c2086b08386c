//! When messages go to the disk, and when they come back from it.
//!
//! To the disk: the older half of a queue that fills, all of it once a minute while no broker takes anything, and all of it at
//! the end. Back: at `ReplayMaxPerSec`, oldest first, one message at a time and only while no live one waits, so that a live
//! one waits for at most one of them.
//!
//! What an earlier run left is read meanwhile. As long as it is not known how many adverts the oldest part holds, nothing takes its
//! place: what waits in memory waits there.

use super::boots::Now;
use super::disk::{Disk, Files};
use super::record;
use super::recovery::{Outcome, Recovery, Totals};
use super::replay::give_up;
use super::store::{Oldest, Place, Store};
use crate::config::{Spooling, StateLock};
use crate::log;
use crate::model::{BootId, DropReason, Message, MessageId, SpoolState};
use crate::queue::Queue;
use crate::stats::Stats;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long messages wait in memory alone while no broker takes them.
const MAX_TIME_IN_MEMORY: Duration = Duration::from_secs(60);
/// Between attempts to use a disk that failed.
const RETRY_DELAY: Duration = Duration::from_secs(10);
/// Between notes of what was sent.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);
/// Between notes of how long this boot has run, and looks for what became too old.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(600);
/// Segments in the spool, more or less: with the oldest one that much of it is given up.
const SEGMENTS: u64 = 64;

/// Moves messages to the disk and back. Adverts of messages that wait on the disk are `spooled` in the ledger.
pub(crate) struct Spooler {
    directory: Option<PathBuf>,
    /// Of the directory above: what another service uses is not touched.
    lock: Option<Arc<StateLock>>,
    disk: Arc<dyn Disk>,
    pub(super) store: Option<Store>,
    recovery: Option<Recovery>,
    /// Of the recovery, until it ends.
    found: Totals,
    /// Space is needed, and the oldest part is unread.
    blocked: bool,
    /// Why the disk cannot be used.
    broken: Option<String>,
    pub(super) settings: Spooling,
    pub(super) stats: Arc<Stats>,
    /// Whether the wall clock is synchronised.
    pub(super) clock: watch::Receiver<bool>,
    /// Messages in flight that lie on the disk, too.
    pub(super) sent: BTreeMap<MessageId, Place>,
    /// Of these, those that are isolated.
    pub(super) isolated: BTreeSet<MessageId>,
    /// Parts of such a message that are not done with.
    pub(super) parts: BTreeMap<Place, usize>,
    /// Such that came back.
    pub(super) returned: VecDeque<(Place, Message)>,
    spill_at: Instant,
    checkpoint_at: Instant,
    upkeep_at: Instant,
    /// Adverts that may be sent again, at this time; below zero after a large message.
    pub(super) budget: f64,
    pub(super) counted: Instant,
}

impl Spooler {
    /// Lists what an earlier run left in the state directory; without one nothing is spooled.
    pub(crate) fn new(
        state: Option<Arc<StateLock>>,
        settings: Spooling,
        stats: Arc<Stats>,
        clock: watch::Receiver<bool>,
    ) -> Self {
        let directory = state.as_ref().map(|state| state.directory().join("spool"));
        let disk = Arc::new(Files(directory.clone().unwrap_or_default()));
        Self::on(disk, directory, state, settings, stats, clock)
    }

    fn on(
        disk: Arc<dyn Disk>,
        directory: Option<PathBuf>,
        lock: Option<Arc<StateLock>>,
        settings: Spooling,
        stats: Arc<Stats>,
        clock: watch::Receiver<bool>,
    ) -> Self {
        let now = Instant::now();
        let mut spooler = Self {
            directory,
            lock,
            disk,
            store: None,
            recovery: None,
            found: Totals::default(),
            blocked: false,
            broken: None,
            settings,
            stats,
            clock,
            sent: BTreeMap::new(),
            isolated: BTreeSet::new(),
            parts: BTreeMap::new(),
            returned: VecDeque::new(),
            spill_at: now + MAX_TIME_IN_MEMORY,
            checkpoint_at: now,
            upkeep_at: now + UPKEEP_INTERVAL,
            budget: 0.0,
            counted: now,
        };
        if let Err(error) = spooler.open() {
            spooler.fail(&error);
            spooler.spill_at = now + RETRY_DELAY;
        }
        spooler.publish_stats();
        spooler
    }

    fn open(&mut self) -> io::Result<()> {
        let (None, Some(directory)) = (&self.store, &self.directory) else { return Ok(()) };
        if self.settings.max_bytes == 0 && !directory.exists() {
            return Ok(());
        }
        self.lock.as_ref().map_or(Ok(()), |lock| lock.take())?;
        let disk = self.disk.clone();
        let store = Store::open(disk.clone(), BootId::current(), self.segment_bytes())?;
        if store.is_recovering() {
            self.recovery = Some(Recovery::start(disk, store.jobs())?);
        }
        self.store = Some(store);
        Ok(())
    }

    /// Waits until there is something to do besides: more was recovered, or some minutes are over.
    pub(crate) async fn wait_upkeep(&self) {
        tokio::select! {
            () = async { match &self.recovery {
                Some(recovery) => recovery.progressed().await,
                None => std::future::pending().await,
            } } => {}
            () = sleep_until(self.upkeep_at) => {}
        }
    }

    /// Does it.
    pub(crate) fn upkeep(&mut self) {
        let outcomes = self.recovery.as_ref().map(Recovery::take).unwrap_or_default();
        outcomes.into_iter().for_each(|outcome| self.recovered(outcome));
        if self.recovery.is_some() && !self.is_recovering() {
            self.recovery = None;
            std::mem::take(&mut self.found).report(self.directory.as_deref());
        }
        let now = Instant::now();
        if now >= self.upkeep_at {
            self.upkeep_at = now + UPKEEP_INTERVAL;
            self.expire();
            self.note_boots();
        }
        self.publish_stats();
    }

    pub(super) fn is_recovering(&self) -> bool {
        self.store.as_ref().is_some_and(Store::is_recovering)
    }

    fn recovered(&mut self, outcome: Outcome) {
        let Some(store) = &mut self.store else { return };
        if let Some(error) = &outcome.error {
            log::spool_unreadable(&format!("{:016x}", outcome.number), &error.to_string());
        }
        self.found.damaged += u64::from(outcome.damaged);
        self.found.foreign += u64::from(outcome.foreign);
        self.stats.set_spool(|spool| spool.damaged += u64::from(outcome.damaged));
        let adverts = store.recovered(outcome);
        self.found.adverts += adverts;
        self.stats.ledger(|l| l.resume_spooled(adverts));
        self.blocked = false;
    }

    fn segment_bytes(&self) -> u64 {
        (self.settings.max_bytes / SEGMENTS).clamp(64 << 10, 4 << 20)
    }

    /// Other settings hold from now on.
    pub(crate) fn follow(&mut self, settings: Spooling) {
        if settings != self.settings {
            (self.settings, self.budget) = (settings, self.budget.min(0.0));
            let bytes = self.segment_bytes();
            self.store.iter_mut().for_each(|store| store.set_segment_bytes(bytes));
            self.spill_at = self.spill_at.min(Instant::now() + MAX_TIME_IN_MEMORY);
            self.blocked = false;
            self.broken.take_if(|_| settings.max_bytes == 0);
            self.publish_stats();
        }
    }

    fn spools(&self) -> bool {
        self.directory.is_some() && self.settings.max_bytes > 0
    }

    /// Whether the disk failed, and did not come back yet.
    pub(crate) fn is_broken(&self) -> bool {
        self.spools() && self.broken.is_some()
    }

    /// Waits until something should go to the disk: while a broker takes messages only if the queue fills nevertheless.
    pub(crate) async fn wait_spill(&self, queue: &Queue, connected: bool) {
        let broken = self.is_broken();
        match (self.spools(), connected && !broken) {
            (false, _) => std::future::pending().await,
            (true, true) if !self.blocked => queue.wait_full().await,
            (true, true) => std::future::pending().await,
            (true, false) => {
                tokio::select! {
                    () = queue.wait_full(), if !broken && !self.blocked => {}
                    () = sleep_until(self.spill_at) => {}
                }
            }
        }
    }

    /// A broker takes messages: they need not go to the disk for their age.
    pub(crate) fn connected(&mut self) {
        if !self.is_broken() {
            self.spill_at = Instant::now() + MAX_TIME_IN_MEMORY;
        }
    }

    /// Moves messages to the disk: the older ones of a queue that fills, else all.
    pub(crate) fn spill(&mut self, queue: &Queue) {
        let now = Instant::now();
        if now >= self.spill_at {
            self.spill_down_to(queue, 0);
        } else {
            self.spill_down_to(queue, queue.max_bytes() / 4);
        }
        self.spill_at = now + if self.is_broken() { RETRY_DELAY } else { MAX_TIME_IN_MEMORY };
    }

    /// Moves all to the disk, and what is in flight stays there: the service stops. What was not read yet is left to the next run.
    pub(crate) fn close(&mut self, queue: &Queue) {
        if let Some(mut recovery) = self.recovery.take() {
            recovery.stop();
            recovery.take().into_iter().for_each(|outcome| self.recovered(outcome));
            std::mem::take(&mut self.found).report(self.directory.as_deref());
        }
        self.keep_parts();
        self.spill_down_to(queue, 0);
        // Nothing reads any more: the oldest part is read here, to know what is given up.
        while self.blocked
            && let Some(outcome) = self.store.as_ref().and_then(Store::recover_oldest)
        {
            self.recovered(outcome);
            self.spill_down_to(queue, 0);
        }
        self.checkpoint_at = Instant::now();
        self.checkpoint();
        self.note_boots();
    }

    pub(super) fn spill_down_to(&mut self, queue: &Queue, rest: usize) {
        if !self.spools() {
            return;
        }
        match self.open().and_then(|()| self.write(queue, rest)) {
            Ok(()) if self.is_broken() => {
                self.broken = None;
                log::spool(self.directory.as_deref(), None);
            }
            Ok(()) => {}
            Err(error) => self.fail(&error),
        }
        self.publish_stats();
    }

    fn write(&mut self, queue: &Queue, rest: usize) -> io::Result<()> {
        self.expire();
        let broken = self.is_broken();
        let Some(store) = &mut self.store else { return Ok(()) };
        if broken {
            store.probe_write()?;
        }
        while queue.depth().1 > rest {
            let block = queue.oldest(store_block(self.settings.max_bytes));
            if block.is_empty() {
                break;
            }
            let bytes =
                block.iter().map(|message| record::size(message) as u64).sum::<u64>() + record::SIZE_OF_CLOCKS as u64;
            while store.bytes() + bytes > self.settings.max_bytes {
                match store.drop_oldest() {
                    Oldest::Dropped(segment, adverts) => {
                        let adverts = adverts + give_up(&mut self.returned, segment);
                        self.stats.ledger(|l| l.drop_spooled(adverts, DropReason::SpoolFull));
                    }
                    Oldest::Unread => {
                        self.blocked = true;
                        queue.restore(block);
                        return Ok(());
                    }
                    Oldest::None => break,
                }
            }
            let adverts = block.iter().map(|message| message.adverts).sum();
            if let Err(error) = store.append(&Now::read(&self.clock), &block) {
                queue.restore(block);
                return Err(error);
            }
            self.stats.ledger(|l| l.spool(adverts));
        }
        Ok(())
    }

    /// The disk cannot be used: what waits stays in memory.
    fn fail(&mut self, error: &io::Error) {
        if !self.is_broken() {
            log::spool(self.directory.as_deref(), Some(&error.to_string()));
        }
        self.broken = Some(error.to_string());
    }

    /// Gives up what is too old.
    pub(super) fn expire(&mut self) {
        let Some(store) = &mut self.store else { return };
        let (now, limit) = (Now::read(&self.clock), i64::try_from(self.settings.max_age * 1000).unwrap_or(i64::MAX));
        while store.oldest_age(&now).is_some_and(|age| age > limit)
            && let Oldest::Dropped(segment, adverts) = store.drop_oldest()
        {
            let adverts = adverts + give_up(&mut self.returned, segment);
            self.stats.ledger(|l| l.drop_spooled(adverts, DropReason::SpoolAge));
        }
    }

    fn note_boots(&mut self) {
        let now = Now::read(&self.clock);
        if let Some(Err(error)) = self.store.as_mut().map(|store| store.note_boots(&now)) {
            tracing::debug!("how long this boot has run cannot be noted: {error}");
        }
    }

    pub(super) fn checkpoint(&mut self) {
        let now = Instant::now();
        if now >= self.checkpoint_at {
            self.checkpoint_at = now + CHECKPOINT_INTERVAL;
            if let Some(Err(error)) = self.store.as_mut().map(Store::checkpoint) {
                tracing::debug!("what was sent from the spool cannot be noted: {error}");
            }
        }
    }

    pub(super) fn publish_stats(&self) {
        let detail = self.broken.as_ref().filter(|_| self.spools());
        let state = match (self.spools(), detail) {
            (false, _) => SpoolState::Off,
            (true, Some(_)) => SpoolState::MemoryOnly,
            (true, None) if self.is_recovering() => SpoolState::Recovering,
            (true, None) => SpoolState::Ready,
        };
        self.stats.set_spool(|spool| {
            (spool.max_bytes, spool.max_age) = (self.settings.max_bytes, self.settings.max_age);
            (spool.state, spool.detail) = (state, detail.cloned().unwrap_or_default());
            if let Some(store) = &self.store {
                (spool.bytes, spool.written, spool.payload) = (store.bytes(), store.written, store.payload);
            }
        });
    }
}

/// Bytes that go with one write.
fn store_block(max_bytes: u64) -> usize {
    (max_bytes / SEGMENTS).clamp(64 << 10, 1 << 20) as usize
}

#[cfg(test)]
#[path = "spooler_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "spooler_recovery_tests.rs"]
mod recovery_tests;
