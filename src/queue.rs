//! The one queue between the scan and the broker: finished messages, bounded by bytes, oldest dropped first unless
//! the spool takes them; every advert is on the books of the [`Ledger`](crate::stats::Ledger) from push to
//! acknowledgement.

use crate::model::{DropReason, Message, MessageId};
use crate::stats::{Ledger, Stats};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Bytes that a message holds besides its payload, so that many small ones are bounded too.
const OVERHEAD: usize = 136;

#[derive(Default)]
struct Inner {
    messages: VecDeque<Message>,
    bytes: usize,
    max_bytes: usize,
    last_id: MessageId,
}

impl Inner {
    fn next_id(&mut self) -> MessageId {
        self.last_id += 1;
        self.last_id
    }

    fn shrink(&mut self, stats: &Stats) {
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.messages.pop_front() else { return };
            self.bytes -= cost(&oldest);
            stats.ledger(|l| l.drop_queued(oldest.adverts, DropReason::QueueFull));
        }
    }
}

impl Inner {
    fn fills(&self) -> bool {
        self.bytes > self.max_bytes / 2
    }
}

fn cost(message: &Message) -> usize {
    message.payload.capacity() + message.received.heap_bytes() + OVERHEAD
}

/// The queue of finished messages.
pub struct Queue {
    inner: Mutex<Inner>,
    filled: Notify,
    full: Notify,
    /// Bytes of a payload that the broker takes, as far as that is known.
    max_payload: AtomicUsize,
    stats: Arc<Stats>,
}

impl Queue {
    /// An empty queue of at most this many bytes.
    pub fn new(max_bytes: usize, stats: Arc<Stats>) -> Self {
        Self {
            inner: Mutex::new(Inner { max_bytes, ..Inner::default() }),
            filled: Notify::new(),
            full: Notify::new(),
            max_payload: AtomicUsize::new(usize::MAX),
            stats,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a message whose adverts the ledger already counts as queued. Never waits.
    pub fn push(&self, message: Message) {
        self.push_all(std::iter::once(message));
    }

    /// Adds finished messages in one step, oldest first, and gives each its id.
    pub fn push_all(&self, messages: impl Iterator<Item = Message>) {
        self.with(|q| {
            for mut message in messages {
                message.id = q.next_id();
                self.stats.finish(message.payload.len());
                q.bytes += cost(&message);
                q.messages.push_back(message);
                q.shrink(&self.stats);
            }
            if q.fills() {
                self.full.notify_one();
            }
        });
        self.filled.notify_one();
    }

    /// An id for a message that comes from elsewhere.
    pub fn next_id(&self) -> MessageId {
        self.with(Inner::next_id)
    }

    /// Takes the oldest message: its adverts are in flight from now on.
    pub fn try_pop(&self) -> Option<Message> {
        self.with(|q| {
            let message = q.messages.pop_front()?;
            q.bytes -= cost(&message);
            self.stats.ledger(|l| l.take(message.adverts));
            Some(message)
        })
    }

    /// Waits until there may be a message. For one consumer.
    pub async fn wait(&self) {
        while self.is_empty() {
            self.filled.notified().await;
        }
    }

    /// Puts messages that were not acknowledged back to where they came from, given oldest first.
    pub fn put_back(&self, messages: impl DoubleEndedIterator<Item = Message>) {
        self.with(|q| {
            for message in messages.rev() {
                self.stats.ledger(|l| l.put_back(message.adverts));
                q.bytes += cost(&message);
                q.messages.push_front(message);
            }
            q.shrink(&self.stats);
        });
        self.filled.notify_one();
    }

    /// Drops all that waits, for this reason.
    pub fn clear(&self, reason: DropReason) {
        self.empty(|ledger, adverts| ledger.drop_queued(adverts, reason));
    }

    /// Empties it: its messages are not to be published any more.
    pub fn withdraw(&self) {
        self.empty(Ledger::withdraw_queued);
    }

    fn empty(&self, book: impl FnOnce(&mut Ledger, u64)) {
        self.with(|q| {
            let adverts = q.messages.drain(..).map(|m| m.adverts).sum();
            q.bytes = 0;
            self.stats.ledger(|l| book(l, adverts));
        });
    }

    /// Waits until more than half of the room is taken. For one consumer.
    pub async fn wait_full(&self) {
        while !self.with(|q| q.fills()) {
            self.full.notified().await;
        }
    }

    /// Takes the oldest messages out, at least one and no more than so many bytes. On the books they still wait here.
    pub fn oldest(&self, bytes: usize) -> Vec<Message> {
        self.with(|q| {
            let (mut taken, mut left) = (Vec::new(), bytes);
            while let Some(message) = q.messages.front()
                && (taken.is_empty() || message.payload.len() <= left)
            {
                left = left.saturating_sub(message.payload.len());
                q.bytes -= cost(message);
                taken.extend(q.messages.pop_front());
            }
            taken
        })
    }

    /// Puts those back.
    pub fn restore(&self, messages: Vec<Message>) {
        self.with(|q| {
            for message in messages.into_iter().rev() {
                q.bytes += cost(&message);
                q.messages.push_front(message);
            }
            q.shrink(&self.stats);
        });
        self.filled.notify_one();
    }

    /// The bound.
    pub fn max_bytes(&self) -> usize {
        self.with(|q| q.max_bytes)
    }

    /// Changes the bound.
    pub fn set_max_bytes(&self, max_bytes: usize) {
        self.with(|q| {
            q.max_bytes = max_bytes;
            q.shrink(&self.stats);
        });
    }

    /// Bytes of a payload that the broker takes, for those who make messages.
    pub fn max_payload(&self) -> usize {
        self.max_payload.load(Ordering::Relaxed)
    }

    /// Notes that.
    pub fn set_max_payload(&self, bytes: usize) {
        self.max_payload.store(bytes, Ordering::Relaxed);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.with(|q| q.messages.is_empty())
    }

    /// Messages and bytes that wait.
    pub fn depth(&self) -> (usize, usize) {
        self.with(|q| (q.messages.len(), q.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(tag: u8, length: usize) -> Message {
        Message { payload: vec![tag; length].into_boxed_slice().into_vec(), adverts: 1, ..Message::default() }
    }

    fn queue(max_bytes: usize) -> (Queue, Arc<Stats>) {
        let stats = Arc::new(Stats::default());
        (Queue::new(max_bytes, stats.clone()), stats)
    }

    fn push(queue: &Queue, stats: &Stats, message: Message) {
        stats.ledger(|l| l.receive_queued(message.adverts));
        queue.push(message);
    }

    #[test]
    fn queue_drops_the_oldest_first_and_counts_it() {
        let (queue, stats) = queue(3 * (10 + OVERHEAD));
        for tag in 0..5 {
            push(&queue, &stats, message(tag, 10));
        }
        assert_eq!(queue.try_pop().map(|m| m.payload[0]), Some(2));
        let ledger = stats.snapshot();
        assert_eq!((ledger.dropped(DropReason::QueueFull), ledger.queued, ledger.in_flight), (2, 2, 1));
    }

    #[test]
    fn queue_keeps_the_order_of_what_comes_back() {
        let (queue, stats) = queue(10_000);
        for tag in 0..4 {
            push(&queue, &stats, message(tag, 1));
        }
        let taken: Vec<_> = (0..3).filter_map(|_| queue.try_pop()).collect();
        queue.put_back(taken.into_iter());
        let order: Vec<_> = std::iter::from_fn(|| queue.try_pop()).map(|m| m.payload[0]).collect();
        assert_eq!(order, [0, 1, 2, 3]);
    }

    #[test]
    fn queue_drops_and_counts_a_message_larger_than_itself() {
        let (queue, stats) = queue(100);
        push(&queue, &stats, message(0, 1000));
        assert!(queue.is_empty());
        assert_eq!(stats.snapshot().dropped(DropReason::QueueFull), 1);
    }

    proptest! {
        #[test]
        fn queue_accounts_for_every_advert_whatever_happens(steps in prop::collection::vec((0u8..6, 1usize..400), 0..200)) {
            let (queue, stats) = queue(2_000);
            let mut flying = Vec::new();
            for (step, size) in steps {
                match step {
                    0 | 1 => push(&queue, &stats, message(step, size)),
                    2 => flying.extend(queue.try_pop()),
                    3 => queue.put_back(std::mem::take(&mut flying).into_iter()),
                    4 => if let Some(m) = flying.pop() { stats.ledger(|l| l.publish(m.adverts)) },
                    _ => queue.set_max_bytes(size * 10),
                }
                let ledger = stats.snapshot();
                prop_assert!(ledger.balances());
                prop_assert_eq!(ledger.queued, queue.depth().0 as u64);
                prop_assert_eq!(ledger.in_flight, flying.len() as u64);
            }
        }
    }
}
