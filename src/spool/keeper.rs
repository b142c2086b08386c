//! When messages go to the disk, and when they come back from it.
//!
//! To the disk: the older half of a queue that fills, all of it once a minute while no broker takes anything, and all of it at
//! the end. Back: at `ReplayMaxPerSec`, oldest first, one message at a time and only while no live one waits, so that a live
//! one waits for at most one of them.

use super::disk::Files;
use super::store::{Place, Store};
use crate::config::Spooling;
use crate::log;
use crate::queue::{Message, Queue};
use crate::stats::{DropReason, SpoolState, Stats};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep_until};

/// How long messages wait in memory alone while no broker takes them.
const IN_MEMORY: Duration = Duration::from_secs(60);
/// Between attempts to use a disk that failed.
const RETRY: Duration = Duration::from_secs(10);
/// Between notes of what was sent.
const NOTE: Duration = Duration::from_secs(10);
/// Segments in the spool, more or less: with the oldest one that much of it is given up.
const SEGMENTS: u64 = 64;

/// See the module. Adverts of messages that wait on the disk are `spooled` in the ledger.
pub(crate) struct Keeper {
    directory: Option<PathBuf>,
    store: Option<Store>,
    settings: Spooling,
    stats: Arc<Stats>,
    /// Messages in flight that lie on the disk, too.
    sent: BTreeMap<u64, Place>,
    /// Such that came back.
    returned: VecDeque<(Place, Message)>,
    spill_at: Instant,
    note_at: Instant,
    /// Adverts that may be sent again, at this time; below zero after a large message.
    budget: f64,
    counted: Instant,
}

impl Keeper {
    /// Finds what an earlier run left in the directory; without one nothing is spooled.
    pub(crate) fn new(directory: Option<PathBuf>, settings: Spooling, stats: Arc<Stats>) -> Self {
        let now = Instant::now();
        let (spill_at, note_at, counted) = (now + IN_MEMORY, now, now);
        let (store, sent, returned) = (None, BTreeMap::new(), VecDeque::new());
        let mut keeper =
            Self { directory, store, settings, stats, sent, returned, spill_at, note_at, budget: 0.0, counted };
        if let Err(error) = keeper.open() {
            keeper.fail(&error);
            keeper.spill_at = now + RETRY;
        }
        keeper.tell();
        keeper
    }

    fn open(&mut self) -> std::io::Result<()> {
        let (None, Some(directory)) = (&self.store, &self.directory) else { return Ok(()) };
        if self.settings.max_bytes == 0 && !directory.exists() {
            return Ok(());
        }
        let (store, found) = Store::open(Box::new(Files(directory.clone())), self.segment_bytes())?;
        self.stats.ledger(|l| l.resume_spooled(found.adverts));
        if found.adverts > 0 {
            log::spool_found(found.adverts);
        }
        if found.damaged > 0 {
            log::spool_damaged(directory, found.damaged);
            self.stats.set_spool(|spool| spool.damaged += found.damaged);
        }
        self.store = Some(store);
        Ok(())
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
            self.spill_at = self.spill_at.min(Instant::now() + IN_MEMORY);
            self.tell();
        }
    }

    fn spools(&self) -> bool {
        self.directory.is_some() && self.settings.max_bytes > 0
    }

    /// Whether the disk failed, and did not come back yet.
    pub(crate) fn is_broken(&self) -> bool {
        self.stats.spool().state == SpoolState::MemoryOnly
    }

    /// Waits until something should go to the disk: while a broker takes messages only if the queue fills nevertheless.
    pub(crate) async fn wait_spill(&self, queue: &Queue, connected: bool) {
        let broken = self.is_broken();
        match (self.spools(), connected && !broken) {
            (false, _) => std::future::pending().await,
            (true, true) => queue.wait_full().await,
            (true, false) => {
                tokio::select! {
                    () = queue.wait_full(), if !broken => {}
                    () = sleep_until(self.spill_at) => {}
                }
            }
        }
    }

    /// A broker takes messages: they need not go to the disk for their age.
    pub(crate) fn connected(&mut self) {
        if !self.is_broken() {
            self.spill_at = Instant::now() + IN_MEMORY;
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
        self.spill_at = now + if self.is_broken() { RETRY } else { IN_MEMORY };
    }

    /// Moves all to the disk, and what is in flight stays there: the service stops.
    pub(crate) fn close(&mut self, queue: &Queue) {
        self.spill_down_to(queue, 0);
        self.note_at = Instant::now();
        self.note();
    }

    fn spill_down_to(&mut self, queue: &Queue, rest: usize) {
        if !self.spools() {
            return;
        }
        let result = self.open().and_then(|()| self.expire()).and_then(|()| {
            let broken = self.is_broken();
            let Some(store) = &mut self.store else { return Ok(()) };
            if broken {
                store.prove()?;
            }
            while queue.depth().1 > rest {
                let block = queue.oldest(store_block(self.settings.max_bytes));
                if block.is_empty() {
                    break;
                }
                let bytes: u64 = block.iter().map(|message| message.payload.len() as u64 + 32).sum();
                while store.bytes() + bytes > self.settings.max_bytes {
                    let Some((segment, adverts)) = store.drop_oldest() else { break };
                    let adverts = adverts + give_up(&mut self.returned, segment);
                    self.stats.ledger(|l| l.drop_spooled(adverts, DropReason::SpoolFull));
                }
                match store.append(heard(&self.stats), &block) {
                    Ok(()) => {
                        let adverts = block.iter().map(|message| message.adverts).sum();
                        self.stats.ledger(|l| l.spool(adverts));
                    }
                    Err(error) => {
                        queue.restore(block);
                        return Err(error);
                    }
                }
            }
            Ok(())
        });
        match result {
            Ok(()) if self.is_broken() => {
                self.stats.set_spool(|spool| (spool.state, spool.detail) = (SpoolState::Ready, String::new()));
                log::spool(self.directory.as_deref(), None);
            }
            Ok(()) => {}
            Err(error) => self.fail(&error),
        }
        self.tell();
    }

    /// The disk cannot be used: what waits stays in memory.
    fn fail(&mut self, error: &std::io::Error) {
        if !self.is_broken() {
            log::spool(self.directory.as_deref(), Some(&error.to_string()));
        }
        self.stats.set_spool(|spool| (spool.state, spool.detail) = (SpoolState::MemoryOnly, error.to_string()));
    }

    /// Gives up what is too old.
    fn expire(&mut self) -> std::io::Result<()> {
        let now = u64::from(heard(&self.stats));
        let Some(store) = &mut self.store else { return Ok(()) };
        // Without a clock nothing is known to be old.
        while now > 0 && store.oldest_heard().is_some_and(|at| u64::from(at) + self.settings.max_age < now) {
            let Some((segment, adverts)) = store.drop_oldest() else { break };
            let adverts = adverts + give_up(&mut self.returned, segment);
            self.stats.ledger(|l| l.drop_spooled(adverts, DropReason::SpoolAge));
        }
        Ok(())
    }

    fn has_more(&self) -> bool {
        !self.returned.is_empty() || self.store.as_ref().is_some_and(Store::has_more)
    }

    /// When the next message may be sent again, if there is one and none is on its way. A short connection takes a second's
    /// worth.
    pub(crate) fn due(&self, short: bool) -> Option<Instant> {
        if !self.sent.is_empty() || !self.has_more() {
            return None;
        }
        let rate = f64::from(self.settings.rate);
        let missing = if short { rate - self.budget } else { f64::MIN_POSITIVE - self.budget };
        Some(self.counted + Duration::from_secs_f64(missing.max(0.0) / rate))
    }

    /// Waits for that.
    pub(crate) async fn wait_due(&self, short: bool) {
        match self.due(short) {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// The oldest message, if it may be sent now: its adverts are in flight from now on.
    pub(crate) fn take(&mut self) -> Option<(Taken, Message)> {
        let now = Instant::now();
        if self.due(false).is_none_or(|due| due > now) {
            return None;
        }
        self.expire().ok()?;
        let (place, message) = match self.returned.pop_front() {
            Some((place, message)) => {
                self.stats.ledger(|l| l.take_spooled(message.adverts));
                (place, message)
            }
            None => {
                let (lost, next) = self.store.as_mut()?.next();
                self.stats.ledger(|l| l.drop_spooled(lost, DropReason::SpoolDamaged));
                let (place, message) = next?;
                self.stats.ledger(|l| l.take_spooled(message.adverts));
                (place, message)
            }
        };
        let rate = f64::from(self.settings.rate);
        let earned = now.duration_since(self.counted).as_secs_f64() * rate;
        (self.budget, self.counted) = ((self.budget + earned).min(rate) - message.adverts as f64, now);
        Some((Taken(place), message))
    }

    /// A message that was taken is in flight under this tag.
    pub(crate) fn sent(&mut self, tag: u64, taken: Taken) {
        self.sent.insert(tag, taken.0);
    }

    /// A message in flight is done with, for good or for bad.
    pub(crate) fn settle(&mut self, tag: u64) {
        let Some(place) = self.sent.remove(&tag) else { return };
        self.store.iter_mut().for_each(|store| store.settle(place));
        self.note();
        self.tell();
    }

    /// Messages in flight were not acknowledged, oldest first: those of the disk wait there again, the others are given back.
    pub(crate) fn put_back(&mut self, messages: Vec<(u64, Message)>) -> Vec<Message> {
        let mut live = Vec::new();
        for (tag, message) in messages {
            let place = self.sent.remove(&tag);
            match place.filter(|place| self.store.as_mut().is_some_and(|store| store.holds(*place))) {
                Some(place) => {
                    self.stats.ledger(|l| l.return_spooled(message.adverts));
                    self.returned.push_back((place, message));
                }
                None => live.push(message),
            }
        }
        self.returned.make_contiguous().sort_by_key(|(place, _)| *place);
        live
    }

    fn note(&mut self) {
        let now = Instant::now();
        if now >= self.note_at {
            self.note_at = now + NOTE;
            if let Some(Err(error)) = self.store.as_mut().map(Store::note) {
                tracing::debug!("what was sent from the spool cannot be noted: {error}");
            }
        }
    }

    fn tell(&self) {
        let on = self.spools();
        self.stats.set_spool(|spool| {
            (spool.max_bytes, spool.max_age) = (self.settings.max_bytes, self.settings.max_age);
            if let Some(store) = &self.store {
                (spool.bytes, spool.written, spool.payload) = (store.bytes(), store.written, store.payload);
            }
            if !on {
                (spool.state, spool.detail) = (SpoolState::Off, String::new());
            } else if spool.state == SpoolState::Off {
                spool.state = SpoolState::Ready;
            }
        });
    }
}

/// A message that was taken, until its tag is known.
#[derive(Debug)]
pub(crate) struct Taken(Place);

/// Bytes that go with one write.
fn store_block(max_bytes: u64) -> usize {
    (max_bytes / SEGMENTS).clamp(64 << 10, 1 << 20) as usize
}

/// Adverts of messages that came back to a segment that is given up.
fn give_up(returned: &mut VecDeque<(Place, Message)>, segment: u64) -> u64 {
    let mut adverts = 0;
    returned.retain(|(place, message)| {
        let stays = place.segment != segment;
        adverts += if stays { 0 } else { message.adverts };
        stays
    });
    adverts
}

/// Seconds since 1970, 0 while the clock is not synchronised.
fn heard(stats: &Stats) -> u32 {
    if !*stats.clock_synchronised().borrow() {
        return 0;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    u32::try_from(now).unwrap_or(0)
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
