//! How many method calls are at work, in total and for each client: whoever calls faster than it takes answers must not fill the
//! memory, nor keep others waiting.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;
use zbus::message::{Header, Type};
use zbus::names::BusName;
use zbus::{Message, fdo};

/// Calls at work, of all clients together.
pub const MAX_CALLS: usize = 64;
/// Calls of one client, by its unique name, that are at work, or that were taken without a moment in which no call waited: who has
/// always another one waiting gets no more than that before all others had their turn.
pub const MAX_CALLS_PER_CLIENT: usize = 48;
/// Calls at work that wait for the disk, the network or a check. The rest of [`MAX_CALLS`] is for those that are answered at once.
pub const MAX_SLOW_CALLS: usize = 32;
/// Bytes of one call. Every setting at its limit together has less.
pub const MAX_CALL_BYTES: usize = 1280 * 1024;
/// Bytes of all calls at work together.
pub const MAX_CALLS_BYTES: usize = 2 * MAX_CALL_BYTES;

/// For one of the calls at work to end before another is refused.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Longer than any call takes: what is older was never answered, and must not count for ever.
const STALE: Duration = Duration::from_secs(120);
/// Clients that are remembered.
const MAX_CLIENTS: usize = 4096;
/// Members that wait.
const SLOW: [&str; 7] = ["Apply", "Check", "Devices", "Diagnose", "Reset", "Set", "TestConnection"];

/// Admits calls and forgets them with their answers.
#[derive(Debug, Default)]
pub(super) struct Admission {
    calls: Mutex<Calls>,
    /// How many calls of each client were taken since no call waited.
    taken: Mutex<HashMap<String, usize>>,
    ended: Notify,
}

/// By unique name and serial number.
type Calls = HashMap<(String, u32), Call>;

#[derive(Debug, Clone, Copy)]
struct Call {
    /// The client does not want an answer.
    silent: bool,
    slow: bool,
    bytes: usize,
    since: Instant,
}

/// What becomes of a call that has no place.
enum Full {
    /// It may get one shortly.
    Wait,
    /// It is refused, for this reason.
    Refuse(String),
}

impl Admission {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No call waits.
    pub(super) fn caught_up(&self) {
        self.taken().clear();
    }

    /// Gives a call a place, which it has until it is [answered](Self::end), or says why it gets none. While all are taken it waits
    /// for one: nothing else is read from the bus meanwhile.
    pub(super) async fn admit(&self, message: &Message, silent: bool) -> Result<(), fdo::Error> {
        let header = message.header();
        let sender = header.sender().map_or("", |sender| sender.as_str());
        let key = (sender.to_owned(), message.primary_header().serial_num().get());
        let slow = header.member().is_some_and(|member| SLOW.contains(&member.as_str()));
        let call = Call { silent, slow, bytes: message.data().len(), since: Instant::now() };
        let waited = timeout(MAX_WAIT, async {
            loop {
                match self.place(&key, call) {
                    Ok(()) => return Ok(()),
                    Err(Full::Refuse(why)) => return Err(why),
                    Err(Full::Wait) => self.ended.notified().await,
                }
            }
        });
        let full = || Err(format!("{MAX_CALLS} calls are at work, the most at a time: try again later"));
        waited.await.unwrap_or_else(|_| full()).map_err(fdo::Error::LimitsExceeded)
    }

    fn place(&self, key: &(String, u32), call: Call) -> Result<(), Full> {
        let mut calls = self.calls();
        if calls.len() >= MAX_CALLS {
            calls.retain(|_, call| call.since.elapsed() < STALE);
        }
        let mut taken = self.taken();
        let own = calls.keys().filter(|(sender, _)| *sender == key.0).count();
        let own = own.max(taken.get(&key.0).copied().unwrap_or(0));
        if own >= MAX_CALLS_PER_CLIENT || calls.contains_key(key) {
            return Err(Full::Refuse(format!(
                "{MAX_CALLS_PER_CLIENT} calls of this client are at work, the most at a time: wait for their answers first"
            )));
        }
        if call.slow && calls.values().filter(|call| call.slow).count() >= MAX_SLOW_CALLS {
            return Err(Full::Refuse(format!(
                "{MAX_SLOW_CALLS} calls of {} are at work, the most at a time: try again later",
                SLOW.join(", ")
            )));
        }
        let bytes: usize = calls.values().map(|call| call.bytes).sum();
        if calls.len() >= MAX_CALLS || bytes + call.bytes > MAX_CALLS_BYTES {
            return Err(Full::Wait);
        }
        calls.insert(key.clone(), call);
        if taken.len() >= MAX_CLIENTS {
            taken.clear();
        }
        *taken.entry(key.0.clone()).or_default() += 1;
        Ok(())
    }

    /// Whether the answer to a call is to be sent at all; `true` of what is no answer.
    pub(super) fn wanted(&self, answer: &Message) -> bool {
        let header = answer.header();
        !key(&header).is_some_and(|key| self.calls().get(&key).is_some_and(|call| call.silent))
    }

    /// An answer was sent: the place of its call is free.
    pub(super) fn end(&self, answer: &Message) {
        if key(&answer.header()).is_some_and(|key| self.calls().remove(&key).is_some()) {
            self.ended.notify_one();
        }
    }
}

/// Of the call that this answers.
fn key(answer: &Header<'_>) -> Option<(String, u32)> {
    match (answer.message_type(), answer.destination(), answer.reply_serial()) {
        (Type::MethodReturn | Type::Error, Some(BusName::Unique(name)), Some(serial)) => {
            Some((name.as_str().to_owned(), serial.get()))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
