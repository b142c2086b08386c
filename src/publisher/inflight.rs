//! The messages that were handed over and not acknowledged yet, oldest first.

use crate::model::{DropReason, Message};
use crate::stats::Stats;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// See the module. Their adverts are `in_flight` in the ledger.
#[derive(Debug, Default)]
pub(super) struct Inflight {
    messages: VecDeque<(u64, Message)>,
    bytes: usize,
    last_tag: u64,
    /// Bytes of the packets of those that were handed over.
    sizes: BTreeMap<u64, usize>,
    /// Those that the broker did not take for the moment: no answer is owed.
    deferred: BTreeSet<u64>,
}

impl Inflight {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many wait for an acknowledgement.
    pub(super) fn awaited(&self) -> usize {
        self.messages.len() - self.deferred.len()
    }

    /// A message was handed over in a packet of this size.
    pub(super) fn handed_over(&mut self, tag: u64, size: usize) {
        self.sizes.insert(tag, size);
    }

    /// The size of its packet, if it was handed over.
    pub(super) fn size(&self, tag: u64) -> Option<usize> {
        self.sizes.get(&tag).copied()
    }

    /// The size of the largest packet that is on its way.
    pub(super) fn largest(&self) -> Option<usize> {
        self.sizes.values().max().copied()
    }

    /// The message with this tag.
    pub(super) fn get(&self, tag: u64) -> Option<&Message> {
        self.messages.iter().find(|(known, _)| *known == tag).map(|(_, message)| message)
    }

    /// The broker does not take the message for the moment.
    pub(super) fn defer(&mut self, tag: u64) -> Option<&Message> {
        if self.get(tag).is_some() {
            self.deferred.insert(tag);
        }
        self.get(tag)
    }

    /// The oldest message.
    pub(super) fn oldest(&self) -> Option<&Message> {
        self.messages.front().map(|(_, message)| message)
    }

    /// The newest message.
    pub(super) fn newest(&self) -> Option<&Message> {
        self.messages.back().map(|(_, message)| message)
    }

    /// All messages with their tags.
    pub(super) fn messages(&mut self) -> &[(u64, Message)] {
        self.messages.make_contiguous()
    }

    /// Adds a message that was taken from the queue, or over from an earlier run, and gives it a tag.
    pub(super) fn add(&mut self, message: Message) -> u64 {
        self.last_tag += 1;
        self.bytes += message.payload.len();
        self.messages.push_back((self.last_tag, message));
        self.last_tag
    }

    /// Takes a message out; on the books it is in flight.
    pub(super) fn remove(&mut self, tag: u64) -> Option<Message> {
        // Acknowledgements come in order, nearly always.
        let index = self.messages.iter().position(|(known, _)| *known == tag)?;
        let (_, message) = self.messages.remove(index)?;
        self.bytes -= message.payload.len();
        self.sizes.remove(&tag);
        self.deferred.remove(&tag);
        Some(message)
    }

    /// Puts one that was taken out back: it is the oldest.
    pub(super) fn readmit(&mut self, tag: u64, message: Message) {
        self.bytes += message.payload.len();
        self.messages.push_front((tag, message));
    }

    /// The broker took the message.
    pub(super) fn published(&mut self, tag: u64, stats: &Stats) {
        if let Some(message) = self.remove(tag) {
            stats.ledger(|l| l.publish(message.adverts));
        }
    }

    /// The message is someone else's from now on; it stays in flight on the books.
    pub(super) fn forget(&mut self, tag: u64) {
        self.remove(tag);
    }

    /// The message is dropped for good.
    pub(super) fn drop_one(&mut self, tag: u64, stats: &Stats, reason: DropReason) {
        if let Some(message) = self.remove(tag) {
            stats.ledger(|l| l.drop_in_flight(message.adverts, reason));
        }
    }

    /// Tag of the oldest message.
    pub(super) fn oldest_tag(&self) -> Option<u64> {
        self.messages.front().map(|(tag, _)| *tag)
    }

    /// Gives back all, in their old order, but for those that are kept elsewhere.
    pub(super) fn give_back(&mut self, kept: impl Fn(u64) -> bool) -> Vec<(u64, Message)> {
        let (stay, go): (VecDeque<_>, VecDeque<_>) = self.messages.drain(..).partition(|(tag, _)| kept(*tag));
        self.bytes = stay.iter().map(|(_, message)| message.payload.len()).sum();
        self.messages = stay;
        self.sizes.retain(|tag, _| self.messages.iter().any(|(known, _)| known == tag));
        self.deferred.clear();
        go.into()
    }
}
