//! Messages of the disk on their way: given out one at a time, settled, or back where they were.

use super::boots::Now;
use super::spooler::Spooler;
use super::store::{Place, Store};
use crate::model::{DropReason, Message, MessageId};
use crate::queue::Queue;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

impl Spooler {
    fn has_more(&self) -> bool {
        !self.returned.is_empty() || self.store.as_ref().is_some_and(Store::has_more)
    }

    /// When the next message may be sent again, if there is one and none is on its way. A short connection takes a second's
    /// worth.
    pub(crate) fn due(&self, short: bool) -> Option<Instant> {
        if self.sent.len() > self.isolated.len() || !self.has_more() {
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

    /// The oldest message, if it may be sent now: its adverts are in flight from now on. One that is read from the disk gets an id
    /// of the queue.
    pub(crate) fn take(&mut self, queue: &Queue) -> Option<Message> {
        let now = Instant::now();
        if self.due(false).is_none_or(|due| due > now) {
            return None;
        }
        self.expire();
        let (place, message) = match self.returned.pop_front() {
            Some(returned) => returned,
            None => {
                let (lost, next) = self.store.as_mut()?.next(&Now::read(&self.clock));
                self.stats.ledger(|l| l.drop_spooled(lost, DropReason::SpoolDamaged));
                let (place, message) = next?;
                (place, Message { id: queue.next_id(), ..message })
            }
        };
        self.stats.ledger(|l| l.take_spooled(message.adverts));
        let rate = f64::from(self.settings.rate);
        let earned = now.duration_since(self.counted).as_secs_f64() * rate;
        (self.budget, self.counted) = ((self.budget + earned).min(rate) - message.adverts as f64, now);
        self.sent.insert(message.id, place);
        Some(message)
    }

    /// A message in flight is done with, for good or for bad.
    pub(crate) fn ack(&mut self, id: MessageId) {
        self.isolated.remove(&id);
        let Some(place) = self.sent.remove(&id) else { return };
        if let Some(parts) = self.parts.get_mut(&place) {
            *parts -= 1;
            if *parts > 0 {
                return;
            }
            self.parts.remove(&place);
        }
        self.store.iter_mut().for_each(|store| store.ack(place));
        self.checkpoint();
        self.publish_stats();
    }

    /// A message in flight is isolated: the next one may be sent meanwhile.
    pub(crate) fn isolate(&mut self, id: MessageId) {
        if self.sent.contains_key(&id) {
            self.isolated.insert(id);
        }
    }

    /// A message in flight was cut into these parts: those of the disk wait there, the others are given back.
    pub(crate) fn put_back_parts(&mut self, id: MessageId, messages: Vec<Message>) -> Vec<Message> {
        let place = self.sent.remove(&id);
        match place.filter(|place| self.store.as_mut().is_some_and(|store| store.holds(*place))) {
            Some(place) => {
                *self.parts.entry(place).or_insert(1) += messages.len() - 1;
                // They are counted when they are sent.
                self.budget += messages.iter().map(|message| message.adverts as f64).sum::<f64>();
                self.sent.extend(messages.iter().map(|message| (message.id, place)));
                self.put_back(messages)
            }
            None => messages,
        }
    }

    /// The end: what is left of messages that were cut is written anew, so that the next run does not send all of them again.
    pub(super) fn keep_parts(&mut self) {
        let Some(store) = &mut self.store else { return };
        for place in std::mem::take(&mut self.parts).into_keys() {
            let (left, others) = self.returned.drain(..).partition::<Vec<_>, _>(|(at, _)| *at == place);
            let messages: Vec<_> = left.into_iter().map(|(_, message)| message).collect();
            self.returned.extend(others);
            if !messages.is_empty() && store.append(&Now::read(&self.clock), &messages).is_ok() {
                store.ack(place);
            }
        }
    }

    /// Messages in flight were not acknowledged, oldest first: those of the disk wait there again, the others are given back.
    pub(crate) fn put_back(&mut self, messages: Vec<Message>) -> Vec<Message> {
        let mut live = Vec::new();
        for message in messages {
            self.isolated.remove(&message.id);
            let place = self.sent.remove(&message.id);
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
}

/// Adverts of messages that came back to a segment that is given up.
pub(super) fn give_up(returned: &mut VecDeque<(Place, Message)>, segment: u64) -> u64 {
    let mut adverts = 0;
    returned.retain(|(place, message)| {
        let stays = place.segment != segment;
        adverts += if stays { 0 } else { message.adverts };
        stays
    });
    adverts
}
