//! The messages that were handed over and not acknowledged yet, oldest first.

use crate::queue::{Message, Queue};
use crate::stats::{DropReason, Stats};
use std::collections::VecDeque;

/// See the module. Their adverts are `in_flight` in the ledger.
#[derive(Debug, Default)]
pub(super) struct Flight {
    messages: VecDeque<(u64, Message)>,
    bytes: usize,
    last_tag: u64,
}

impl Flight {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
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

    fn remove(&mut self, tag: u64) -> Option<Message> {
        // Acknowledgements come in order, nearly always.
        let index = self.messages.iter().position(|(known, _)| *known == tag)?;
        let (_, message) = self.messages.remove(index)?;
        self.bytes -= message.payload.len();
        Some(message)
    }

    /// The broker took the message.
    pub(super) fn published(&mut self, tag: u64, stats: &Stats) {
        if let Some(message) = self.remove(tag) {
            stats.ledger(|l| l.publish(message.adverts));
        }
    }

    /// The message is dropped for good.
    pub(super) fn drop_one(&mut self, tag: u64, stats: &Stats, reason: DropReason) {
        if let Some(message) = self.remove(tag) {
            stats.ledger(|l| l.drop_in_flight(message.adverts, reason));
        }
    }

    /// The oldest message is dropped for good.
    pub(super) fn drop_oldest(&mut self, stats: &Stats, reason: DropReason) {
        if let Some(tag) = self.messages.front().map(|(tag, _)| *tag) {
            self.drop_one(tag, stats, reason);
        }
    }

    /// All wait again, in their old order, before what came later; but for those that are kept elsewhere.
    pub(super) fn put_back(&mut self, queue: &Queue, kept: impl Fn(u64) -> bool) {
        let (stay, go): (VecDeque<_>, VecDeque<_>) = self.messages.drain(..).partition(|(tag, _)| kept(*tag));
        self.bytes = stay.iter().map(|(_, message)| message.payload.len()).sum();
        self.messages = stay;
        if !go.is_empty() {
            queue.put_back(go.into_iter().map(|(_, message)| message));
        }
    }
}
