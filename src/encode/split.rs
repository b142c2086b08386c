//! A finished message that is too large for the broker becomes several, cut between items.
//!
//! The first part of an envelope keeps its number. The others get numbers of an epoch of their own, in which there are no gaps
//! either: so no two envelopes have the same `epoch` and `seq`, and a gap still proves a loss.

use super::age::{ENVELOPE, MAX_AGE_BYTES};
use super::items::items;
use crate::model::{Message, RxTimes};
use serde_json::{Map, Value};
use std::ops::Range;

/// Cuts messages that are too large for the broker.
#[derive(Debug)]
pub(crate) struct Splitter {
    epoch: u64,
    /// Of the next part that needs a number.
    seq: u64,
}

impl Splitter {
    /// `epoch` is another one than that of the batches.
    pub(crate) fn new(epoch: u64) -> Self {
        Self { epoch, seq: 0 }
    }

    /// The parts of a message, each with a payload of at most `max` bytes once the ages are in it, or with one item; `None`
    /// if it cannot be cut.
    pub(crate) fn split(&mut self, message: &Message, max: usize) -> Option<Vec<Message>> {
        let payload = &message.payload[..];
        let found: Vec<_> = items(payload).collect();
        let times: Vec<_> = message.received.iter().collect();
        let known = times.is_empty() || times.len() == found.len();
        if found.len() < 2 || found.len() as u64 != message.adverts || !known {
            return None;
        }
        let tail = Tail::of(payload, found.last()?.end)?;
        let (head, room) = (tail.head(), tail.longest());
        let mut parts = Vec::new();
        for range in cut(&found, max.saturating_sub(head.len() + room)) {
            let mut part = head.to_vec();
            part.extend_from_slice(&payload[found[range.start].start..found[range.end - 1].end]);
            match parts.is_empty() {
                true => tail.write(&mut part, None),
                false => {
                    tail.write(&mut part, Some((self.epoch, self.seq)));
                    self.seq += u64::from(matches!(tail, Tail::Envelope(_)));
                }
            }
            let mut received = RxTimes::default();
            times.get(range.clone()).into_iter().flatten().for_each(|at| received.push(*at));
            let (adverts, device) = (range.len() as u64, message.device);
            parts.push(Message { payload: part, adverts, device, received, ..Message::default() });
        }
        Some(parts)
    }
}

/// Whether a message has items to cut it between.
pub(crate) fn is_divisible(message: &Message) -> bool {
    message.adverts > 1 && items(&message.payload).count() as u64 == message.adverts
}

/// As many items together as have room, at least two parts.
fn cut(items: &[Range<usize>], room: usize) -> Vec<Range<usize>> {
    let (mut parts, mut start, mut used) = (Vec::new(), 0, 0);
    for (index, item) in items.iter().enumerate() {
        // The comma before it, and its age.
        let bytes = item.len() + 1 + MAX_AGE_BYTES;
        if index > start && used + bytes > room {
            parts.push(start..index);
            (start, used) = (index, 0);
        }
        used += bytes;
    }
    if start == 0 {
        parts.push(0..items.len() / 2);
        start = items.len() / 2;
    }
    parts.push(start..items.len());
    parts
}

/// What follows the items.
enum Tail {
    Array,
    /// The members of the envelope besides its items.
    Envelope(Map<String, Value>),
}

impl Tail {
    fn of(payload: &[u8], end: usize) -> Option<Self> {
        let rest = payload.get(end..)?;
        if !payload.starts_with(ENVELOPE) {
            return (payload.first() == Some(&b'[') && rest == b"]").then_some(Self::Array);
        }
        match serde_json::from_slice(&[ENVELOPE, rest].concat()) {
            Ok(Value::Object(mut members)) => {
                members.remove("data");
                (!members.is_empty()).then_some(Self::Envelope(members))
            }
            _ => None,
        }
    }

    fn head(&self) -> &'static [u8] {
        match self {
            Self::Array => b"[",
            Self::Envelope(_) => ENVELOPE,
        }
    }

    /// Bytes that it takes at most, whatever its number.
    fn longest(&self) -> usize {
        let mut longest = Vec::new();
        self.write(&mut longest, Some((u64::MAX, u64::MAX)));
        longest.len()
    }

    fn write(&self, out: &mut Vec<u8>, number: Option<(u64, u64)>) {
        out.push(b']');
        let Self::Envelope(members) = self else { return };
        let mut members = members.clone();
        if let Some((epoch, seq)) = number {
            members.insert("id".into(), format!("{epoch:016x}-{seq}").into());
            members.insert("epoch".into(), format!("{epoch:016x}").into());
            members.insert("seq".into(), seq.into());
        }
        out.push(b',');
        out.extend_from_slice(&Value::Object(members).to_string().as_bytes()[1..]);
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
