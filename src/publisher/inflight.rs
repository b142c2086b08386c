//! The messages that were handed over and not acknowledged yet, oldest first.

use crate::model::{DropReason, Message, MessageId};
use crate::stats::Stats;
use std::collections::VecDeque;

/// Messages in flight. Their adverts are `in_flight` in the ledger.
#[derive(Debug, Default)]
pub(super) struct Inflight {
    messages: VecDeque<Pending>,
    bytes: usize,
    /// How many of them are deferred.
    deferred: usize,
}

#[derive(Debug)]
struct Pending {
    message: Message,
    /// Bytes of its packet, once it was handed over.
    size: Option<usize>,
    /// The broker did not take it for the moment: no answer is owed.
    deferred: bool,
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
        self.messages.len() - self.deferred
    }

    fn index(&self, id: MessageId) -> Option<usize> {
        // Acknowledgements come in order, nearly always.
        self.messages.iter().position(|pending| pending.message.id == id)
    }

    /// A message was handed over in a packet of this size.
    pub(super) fn set_size(&mut self, id: MessageId, size: usize) {
        // It is the newest.
        if let Some(pending) = self.messages.iter_mut().rfind(|pending| pending.message.id == id) {
            pending.size = Some(size);
        }
    }

    /// The size of its packet, if it was handed over.
    pub(super) fn size(&self, id: MessageId) -> Option<usize> {
        self.messages.get(self.index(id)?)?.size
    }

    /// The size of the largest packet that is on its way.
    pub(super) fn largest(&self) -> Option<usize> {
        self.messages.iter().filter_map(|pending| pending.size).max()
    }

    /// The message with this id.
    pub(super) fn get(&self, id: MessageId) -> Option<&Message> {
        self.index(id).map(|index| &self.messages[index].message)
    }

    /// The broker does not take the message for the moment. False if it is not in flight.
    pub(super) fn defer(&mut self, id: MessageId) -> bool {
        let Some(index) = self.index(id) else { return false };
        self.deferred += usize::from(!std::mem::replace(&mut self.messages[index].deferred, true));
        true
    }

    /// The oldest message.
    pub(super) fn oldest(&self) -> Option<&Message> {
        self.messages.front().map(|pending| &pending.message)
    }

    /// The newest message.
    pub(super) fn newest(&self) -> Option<&Message> {
        self.messages.back().map(|pending| &pending.message)
    }

    /// All messages, oldest first.
    pub(super) fn messages(&self) -> Vec<&Message> {
        self.messages.iter().map(|pending| &pending.message).collect()
    }

    /// Adds a message that was taken from the queue or the spool, or over from an earlier run.
    pub(super) fn add(&mut self, message: Message) {
        self.bytes += message.payload.len();
        self.messages.push_back(Pending { message, size: None, deferred: false });
    }

    /// Takes a message out; on the books it is in flight.
    pub(super) fn remove(&mut self, id: MessageId) -> Option<Message> {
        let Pending { message, deferred, .. } = self.messages.remove(self.index(id)?)?;
        self.bytes -= message.payload.len();
        self.deferred -= usize::from(deferred);
        Some(message)
    }

    /// Puts one that was taken out back: it is the oldest.
    pub(super) fn readmit(&mut self, message: Message) {
        self.bytes += message.payload.len();
        self.messages.push_front(Pending { message, size: None, deferred: false });
    }

    /// The broker took the message.
    pub(super) fn published(&mut self, id: MessageId, stats: &Stats) {
        if let Some(message) = self.remove(id) {
            stats.ledger(|l| l.publish(message.adverts));
        }
    }

    /// The message is dropped for good.
    pub(super) fn drop_one(&mut self, id: MessageId, stats: &Stats, reason: DropReason) {
        if let Some(message) = self.remove(id) {
            stats.ledger(|l| l.drop_in_flight(message.adverts, reason));
        }
    }

    /// Takes out all that were not acknowledged, in their old order, but for those that are kept elsewhere.
    pub(super) fn take_unacked(&mut self, kept: impl Fn(MessageId) -> bool) -> Vec<Message> {
        let (stay, go): (VecDeque<_>, VecDeque<_>) =
            self.messages.drain(..).partition(|pending| kept(pending.message.id));
        self.bytes = stay.iter().map(|pending| pending.message.payload.len()).sum();
        (self.messages, self.deferred) = (stay, 0);
        self.messages.iter_mut().for_each(|pending| pending.deferred = false);
        go.into_iter().map(|pending| pending.message).collect()
    }
}
