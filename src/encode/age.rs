//! The key `age` of items that waited: put in when a message is handed to MQTT, from the reception times kept beside it.

use super::items::items;
use super::put;
use crate::model::{BootTime, Message, RxTimes};
use std::borrow::Cow;

/// Items that waited no longer than that have no `age`, in milliseconds.
const MAX_FRESH_MILLIS: i64 = 5_000;
/// How an envelope begins.
pub(super) const ENVELOPE: &[u8] = b"{\"data\":[";
const KEY: &[u8] = b",\"age\":";
/// Bytes that an age of less than 300 years takes.
pub(super) const MAX_AGE_BYTES: usize = 7 + 13;

/// The payload as it is sent at this moment.
pub(crate) fn payload(message: &Message, now: BootTime) -> Cow<'_, [u8]> {
    match message.received.oldest() {
        Some(oldest) if now.since(oldest) > MAX_FRESH_MILLIS => {
            aged(&message.payload, &message.received, now).map_or(Cow::Borrowed(&message.payload), Cow::Owned)
        }
        _ => Cow::Borrowed(&message.payload),
    }
}

/// The payload with the ages; `None` if its items are not those of the times.
///
/// An age that is there already was put in before a restart, and is replaced by a higher one only: both are lower bounds.
fn aged(payload: &[u8], received: &RxTimes, now: BootTime) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 8);
    let (mut ages, mut copied) = (received.iter().map(|at| now.since(at)), 0);
    for item in items(payload) {
        let bracket = item.end - 1;
        let (end, old) = without_age(&payload[..bracket]);
        let age = ages.next()?.max(old);
        out.extend_from_slice(&payload[copied..end]);
        if age > MAX_FRESH_MILLIS {
            out.extend_from_slice(KEY);
            put(&mut out, format_args!("{age}"));
        }
        copied = bracket;
    }
    out.extend_from_slice(&payload[copied..]);
    ages.next().is_none().then_some(out)
}

/// Where the members of an item end that are not its age, and that age. No other key ends an item in a number of this name.
fn without_age(item: &[u8]) -> (usize, i64) {
    let digits = item.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, age) = item.split_at(item.len() - digits);
    let age = std::str::from_utf8(age).ok().and_then(|age| age.parse().ok());
    match (rest.strip_suffix(KEY), age) {
        (Some(rest), Some(age)) => (rest.len(), age),
        _ => (item.len(), 0),
    }
}

#[cfg(test)]
#[path = "age_tests.rs"]
mod tests;
