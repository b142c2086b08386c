//! The open batch: a framed message under construction.

use super::age::ENVELOPE;
use super::{item, put};
use crate::config::{Framing, Payload, TimestampFormat};
use crate::model::{Address, Advert, BootTime, Message, RxTimes};
use crate::timestamp::Timestamps;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the settings want of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Adverts that fill a message; of no meaning with [`Framing::Object`].
    pub size: u32,
    /// Bytes that fill a message, whatever its adverts.
    pub max_bytes: usize,
    /// How it is written.
    pub payload: Payload,
    /// What stands for the router.
    pub gateway: Address,
}

/// The open batch.
///
/// Wall clock times are `None` while the clock cannot be trusted: then items have no timestamp and the envelope's is 0.
#[derive(Debug)]
pub struct Batch {
    plan: Plan,
    /// Bytes of a payload that the broker takes.
    max_payload: usize,
    timestamps: Timestamps,
    epoch: u64,
    /// Of the next envelope. Given when it is closed, so that a message which is lost later leaves a gap.
    seq: u64,
    payload: Vec<u8>,
    adverts: u32,
    received: RxTimes,
    last: Address,
}

/// Bytes that a small legacy item takes, to start with.
const TYPICAL_ITEM_BYTES: usize = 192;
/// Bytes that close an envelope, at most.
const MAX_ENVELOPE_END_BYTES: usize = 220;

impl Batch {
    /// An empty batch. `epoch` is what sets this start of the service apart from others.
    pub fn new(plan: Plan, epoch: u64) -> Self {
        let timestamps = Timestamps::new(plan.payload.style.timestamp.unwrap_or(TimestampFormat::Rfc3339));
        let (payload, received) = (Vec::new(), RxTimes::default());
        Self {
            plan,
            max_payload: usize::MAX,
            timestamps,
            epoch,
            seq: 0,
            payload,
            adverts: 0,
            received,
            last: Address([0; 6]),
        }
    }

    /// The broker takes payloads of at most so many bytes. It holds from the next advert on.
    pub fn set_max_payload(&mut self, bytes: usize) {
        self.max_payload = bytes;
    }

    /// Adds an advert heard then, by both clocks. The message that is full with it, or would be too large with it, if one is.
    pub fn push(&mut self, advert: &Advert<'_>, heard: Option<SystemTime>, received: BootTime) -> Option<Message> {
        if self.payload.capacity() == 0 {
            self.payload.reserve(self.plan.size.min(64) as usize * TYPICAL_ITEM_BYTES);
        }
        let before = self.payload.len();
        self.begin_item();
        let start = self.payload.len();
        let style = &self.plan.payload.style;
        let stamp = heard.filter(|_| style.timestamp.is_some()).map(|at| self.timestamps.text(at));
        item(&mut self.payload, advert, style, stamp);
        let closed = (self.adverts > 0 && self.payload.len() + self.end() > self.max_payload).then(|| {
            let item = self.payload.split_off(start);
            self.payload.truncate(before);
            let message = self.take(heard);
            self.begin_item();
            self.payload.extend_from_slice(&item);
            message
        });
        self.adverts += 1;
        self.received.push(received);
        self.last = advert.address;
        // What is new with it is full by itself at the next advert only, if ever: it holds one.
        closed.unwrap_or_else(|| self.take_full(heard))
    }

    fn begin_item(&mut self) {
        match (self.adverts, self.plan.payload.framing) {
            (0, Framing::Array) => self.payload.push(b'['),
            (0, Framing::Envelope) => self.payload.extend_from_slice(ENVELOPE),
            (0, Framing::Object) => {}
            _ => self.payload.push(b','),
        }
    }

    /// Bytes that close the message, at most.
    fn end(&self) -> usize {
        match self.plan.payload.framing {
            Framing::Array => 1,
            Framing::Object => 0,
            Framing::Envelope => MAX_ENVELOPE_END_BYTES,
        }
    }

    /// Works by this plan from now on. The message that is finished by it, if one is: other framing closes the batch.
    pub fn configure(&mut self, plan: Plan, now: Option<SystemTime>) -> Option<Message> {
        let reframed = plan.payload.framing != self.plan.payload.framing;
        let message = if reframed { self.take(now) } else { None };
        if plan.payload.style.timestamp != self.plan.payload.style.timestamp {
            self.timestamps = Timestamps::new(plan.payload.style.timestamp.unwrap_or(TimestampFormat::Rfc3339));
        }
        self.plan = plan;
        message.or_else(|| self.take_full(now))
    }

    fn take_full(&mut self, now: Option<SystemTime>) -> Option<Message> {
        let full = match self.plan.payload.framing {
            Framing::Object => 1,
            Framing::Array | Framing::Envelope => self.plan.size.max(1),
        };
        if self.adverts >= full || self.payload.len() >= self.plan.max_bytes { self.take(now) } else { None }
    }

    /// Closes the batch, unless it is empty.
    pub fn take(&mut self, now: Option<SystemTime>) -> Option<Message> {
        if self.adverts == 0 {
            return None;
        }
        match self.plan.payload.framing {
            Framing::Array => self.payload.push(b']'),
            Framing::Object => {}
            Framing::Envelope => self.seal(now),
        }
        // The next batch is likely to be like this one. A message is charged for its capacity while it waits: no excess.
        let next = Vec::with_capacity(self.payload.len() + self.payload.len() / 8);
        let mut payload = std::mem::replace(&mut self.payload, next);
        if payload.capacity() > payload.len() + payload.len() / 4 {
            payload.shrink_to_fit();
        }
        let device = (self.plan.payload.framing == Framing::Object).then_some(self.last);
        let (adverts, received) = (std::mem::take(&mut self.adverts).into(), std::mem::take(&mut self.received));
        Some(Message { payload, adverts, device, received, ..Message::default() })
    }

    /// What an envelope says beside its items.
    fn seal(&mut self, now: Option<SystemTime>) {
        let millis = now.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_millis());
        let (epoch, seq, gateway) = (self.epoch, self.seq, self.plan.gateway);
        put(
            &mut self.payload,
            format_args!("],\"id\":\"{epoch:016x}-{seq}\",\"action\":\"data.scan\",\"timestamp\":{millis}"),
        );
        put(&mut self.payload, format_args!(",\"gateway\":\"{gateway}\",\"epoch\":\"{epoch:016x}\",\"seq\":{seq}}}"));
        self.seq += 1;
    }

    /// Adverts in it.
    pub fn len(&self) -> u32 {
        self.adverts
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.adverts == 0
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
