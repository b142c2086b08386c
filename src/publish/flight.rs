//! The messages that were handed over and not acknowledged yet, oldest first.

use crate::queue::Message;
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
        go.into()
    }
}
