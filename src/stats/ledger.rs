//! Where every advert went: `received + recovered = published + filtered + deduplicated + unpublished + dropped + queued + in
//! flight + spooled`, at any moment.

use crate::model::{DropReason, FilterKind, MalformedReason};
use std::collections::BTreeMap;

/// Counts of adverts since the start, and of what the broker took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Heard.
    pub received: u64,
    /// Acknowledged by the broker (QoS 1 and 2) or taken by the socket to it (QoS 0).
    pub published: u64,
    /// Left out as a repeat.
    pub deduplicated: u64,
    /// Heard, or still waiting, while `Protocol` was `none`: nobody was to get them.
    pub unpublished: u64,
    /// Taken over from an earlier run.
    pub recovered: u64,
    /// In the open batch or in a message that waits.
    pub queued: u64,
    /// Handed over, not acknowledged yet.
    pub in_flight: u64,
    /// Waiting on the disk.
    pub spooled: u64,
    /// Messages published.
    pub messages: u64,
    /// Packets that the kernel dropped before we read them; not part of `received`.
    pub capture_lost: u64,
    /// Received adverts of which a part is missing.
    pub truncated: u64,
    /// Devices or packets that were forgotten for want of room; a repeat of theirs passed as new.
    pub duplicates_evicted: u64,
    /// Items written without the timestamp that was asked for.
    pub timestamps_withheld: u64,
    filtered: [u64; FilterKind::ALL.len()],
    dropped: [u64; DropReason::ALL.len()],
    malformed: [u64; MalformedReason::ALL.len()],
}

/// What became of the adverts heard in one step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Put in the open batch.
    pub queued: u64,
    /// Left out, by filter in the order of [`FilterKind::ALL`].
    pub filtered: [u64; FilterKind::ALL.len()],
    /// Left out as repeats.
    pub deduplicated: u64,
    /// See [`Ledger::unpublished`].
    pub unpublished: u64,
    /// Of all these, those of which a part is missing.
    pub truncated: u64,
    /// See [`Ledger::duplicates_evicted`].
    pub duplicates_evicted: u64,
    /// See [`Ledger::timestamps_withheld`].
    pub timestamps_withheld: u64,
    /// Beside them, reports that are no advert, by reason in the order of [`MalformedReason::ALL`].
    pub malformed: [u64; MalformedReason::ALL.len()],
    /// See [`Ledger::capture_lost`].
    pub capture_lost: u64,
}

impl Ledger {
    /// Adverts were heard.
    pub fn receive(&mut self, heard: &Heard) {
        self.receive_queued(heard.queued);
        self.received += heard.unpublished;
        self.unpublished += heard.unpublished;
        for (sum, new) in self.filtered.iter_mut().zip(heard.filtered) {
            *sum += new;
            self.received += new;
        }
        self.received += heard.deduplicated;
        self.deduplicated += heard.deduplicated;
        self.truncated += heard.truncated;
        self.duplicates_evicted += heard.duplicates_evicted;
        self.timestamps_withheld += heard.timestamps_withheld;
        for (sum, new) in self.malformed.iter_mut().zip(heard.malformed) {
            *sum += new;
        }
        self.capture_lost += heard.capture_lost;
    }

    /// Adverts were heard and put in the open batch.
    pub fn receive_queued(&mut self, adverts: u64) {
        self.received += adverts;
        self.queued += adverts;
    }

    /// Adverts were heard and dropped at once.
    pub fn receive_dropped(&mut self, adverts: u64, reason: DropReason) {
        self.received += adverts;
        self.dropped[reason as usize] += adverts;
    }

    /// Queued adverts are not to be published any more.
    pub fn withdraw_queued(&mut self, adverts: u64) {
        self.queued -= adverts;
        self.unpublished += adverts;
    }

    /// Queued adverts are dropped.
    pub fn drop_queued(&mut self, adverts: u64, reason: DropReason) {
        self.queued -= adverts;
        self.dropped[reason as usize] += adverts;
    }

    /// Adverts of an earlier run are in flight.
    pub fn resume(&mut self, adverts: u64) {
        self.recovered += adverts;
        self.in_flight += adverts;
    }

    /// Adverts of an earlier run wait on the disk.
    pub fn resume_spooled(&mut self, adverts: u64) {
        self.recovered += adverts;
        self.spooled += adverts;
    }

    /// Queued adverts went to the disk.
    pub fn spool(&mut self, adverts: u64) {
        self.queued -= adverts;
        self.spooled += adverts;
    }

    /// Adverts from the disk are handed over.
    pub fn take_spooled(&mut self, adverts: u64) {
        self.spooled -= adverts;
        self.in_flight += adverts;
    }

    /// Adverts from the disk wait there again.
    pub fn return_spooled(&mut self, adverts: u64) {
        self.in_flight -= adverts;
        self.spooled += adverts;
    }

    /// Adverts on the disk are dropped.
    pub fn drop_spooled(&mut self, adverts: u64, reason: DropReason) {
        self.spooled -= adverts;
        self.dropped[reason as usize] += adverts;
    }

    /// Queued adverts are handed over.
    pub fn take(&mut self, adverts: u64) {
        self.queued -= adverts;
        self.in_flight += adverts;
    }

    /// Adverts in flight wait again.
    pub fn put_back(&mut self, adverts: u64) {
        self.in_flight -= adverts;
        self.queued += adverts;
    }

    /// A message in flight was taken by the broker.
    pub fn publish(&mut self, adverts: u64) {
        self.in_flight -= adverts;
        self.published += adverts;
        self.messages += 1;
    }

    /// Adverts in flight are dropped.
    pub fn drop_in_flight(&mut self, adverts: u64, reason: DropReason) {
        self.in_flight -= adverts;
        self.dropped[reason as usize] += adverts;
    }

    /// Adverts dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Adverts dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Reports that were no advert for this reason; not part of `received`.
    pub fn malformed(&self, reason: MalformedReason) -> u64 {
        self.malformed[reason as usize]
    }

    /// Reports that were no advert for any reason.
    pub fn malformed_total(&self) -> u64 {
        self.malformed.iter().sum()
    }

    /// Adverts left out by this filter.
    pub fn filtered(&self, kind: FilterKind) -> u64 {
        self.filtered[kind as usize]
    }

    /// Adverts left out by any filter.
    pub fn filtered_total(&self) -> u64 {
        self.filtered.iter().sum()
    }

    /// All counts by name: the property `Ledger`, and the `ledger` of the status message.
    pub fn dictionary(&self) -> BTreeMap<String, u64> {
        let filters = FilterKind::ALL.map(|kind| (format!("Filtered.{}", kind.as_str()), self.filtered(kind)));
        let reasons = DropReason::ALL.map(|reason| (format!("Dropped.{}", reason.as_str()), self.dropped(reason)));
        let malformed = MalformedReason::ALL.map(|why| (format!("Malformed.{}", why.as_str()), self.malformed(why)));
        let counts = [
            ("Received", self.received),
            ("Published", self.published),
            ("Filtered", self.filtered_total()),
            ("Deduplicated", self.deduplicated),
            ("Unpublished", self.unpublished),
            ("Dropped", self.dropped_total()),
            ("Recovered", self.recovered),
            ("Queued", self.queued),
            ("InFlight", self.in_flight),
            ("Spooled", self.spooled),
            ("Messages", self.messages),
            ("Malformed", self.malformed_total()),
            ("CaptureLost", self.capture_lost),
            ("Truncated", self.truncated),
            ("DuplicatesEvicted", self.duplicates_evicted),
            ("TimestampsWithheld", self.timestamps_withheld),
        ];
        let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), count));
        counts.chain(filters).chain(reasons).chain(malformed).collect()
    }

    /// Whether every advert is accounted for.
    pub fn balances(&self) -> bool {
        let left_out = self.filtered_total() + self.deduplicated + self.unpublished;
        let waiting = self.queued + self.in_flight + self.spooled;
        self.received + self.recovered == self.published + left_out + self.dropped_total() + waiting
    }
}
