//! A message that the broker answers by closing the connection, or by a refusal that may pass, must not block all others for
//! ever. After two losses without progress messages go out one at a time; the one that is alone in flight again and again is
//! suspected: then it is cut, if its size may be the reason, or isolated until another one gets through. Only then it is
//! retried, and refused if the broker does it again: if no other one gets through, it is not the message. A bad line, or a broker
//! that comes back at that moment, costs no message.

use crate::model::{Failure, LastError, Message, MessageId};
use crate::publisher::inflight::Inflight;
use std::hash::{DefaultHasher, Hash, Hasher};

const ALONE_AFTER: u32 = 2;
/// Losses in a row with the same oldest message: a bad line has some, too.
const SUSPECTED_AFTER: u32 = 6;
/// The same once the others were told apart from it.
const SUSPECTED_ALONE_AFTER: u32 = 3;
/// Refusals in a row of the same message.
const SUSPECTED_AFTER_REFUSALS: u32 = 3;

/// Finds the message over which a broker closes, or that it alone refuses.
#[derive(Debug, Default)]
pub(super) struct PoisonDetector {
    /// The oldest message of the last loss.
    message: Option<MessageId>,
    losses: u32,
    /// So many acknowledgements from now on messages go out one at a time.
    alone: usize,
    /// A message that was refused for the moment, and how often.
    refused: Option<(MessageId, u32)>,
    isolated: Option<Isolated>,
    retried: Option<Retried>,
}

/// A suspected message, until another one gets through or does not. On the books it is in flight.
#[derive(Debug)]
struct Isolated {
    message: Message,
    why: Failure,
    size: Option<usize>,
}

/// A suspected message that is sent once more, since another one got through.
#[derive(Debug)]
pub(super) struct Retried {
    /// Of its payload: if it went to the disk meanwhile, it comes back with another id.
    hash: u64,
    /// What the broker did with it.
    pub(super) why: Failure,
    /// Of its packet, if the broker closed the connection over it.
    pub(super) size: Option<usize>,
}

/// What is to be done after one more loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    GoOn,
    /// A session repeats them all together: give it up, so that they go one at a time.
    Isolate,
    /// The oldest, which is alone, is suspected.
    Suspected,
}

impl PoisonDetector {
    /// How many messages may be in flight.
    pub(super) fn window(&self, usual: usize) -> usize {
        if self.is_isolating() || self.losses >= ALONE_AFTER || self.alone > 0 { 1 } else { usual }
    }

    /// Whether a message is isolated.
    pub(super) fn is_isolating(&self) -> bool {
        self.isolated.is_some()
    }

    /// A message was acknowledged: then an isolated one was to blame, and is to be sent once more.
    pub(super) fn progress(&mut self) -> Option<Message> {
        (self.message, self.losses, self.alone) = (None, 0, self.alone.saturating_sub(1));
        let Isolated { message, why, size } = self.isolated.take()?;
        self.retried = Some(Retried { hash: hash(&message), why, size });
        self.next();
        Some(message)
    }

    /// The suspected one was dealt with: what follows goes alone until one gets through, and is suspected sooner.
    pub(super) fn next(&mut self) {
        (self.message, self.losses, self.alone, self.refused) = (None, 0, 1, None);
    }

    /// Other settings hold, or the service stops: nobody is suspected. The isolated message, which is to be sent again.
    pub(super) fn reset(&mut self) -> Option<Message> {
        std::mem::take(self).isolated.map(|isolated| isolated.message)
    }

    /// The broker closed the connection with these in flight.
    pub(super) fn closed(&mut self, inflight: &Inflight) -> Verdict {
        let Some(oldest) = inflight.oldest() else { return Verdict::GoOn };
        if self.message.replace(oldest.id) != Some(oldest.id) {
            self.losses = 0;
        }
        self.losses += 1;
        match inflight.len() {
            1 if self.losses >= if self.alone > 0 { SUSPECTED_ALONE_AFTER } else { SUSPECTED_AFTER } => {
                Verdict::Suspected
            }
            several @ 2.. if self.losses >= SUSPECTED_AFTER => {
                // Two for each message of QoS 2.
                (self.losses, self.alone) = (0, 2 * several);
                Verdict::Isolate
            }
            _ => Verdict::GoOn,
        }
    }

    /// The broker refused this message for the moment. Whether it is suspected.
    pub(super) fn refused(&mut self, id: MessageId) -> bool {
        let before = self.refused.filter(|(known, _)| *known == id).map_or(0, |(_, times)| times);
        self.refused = Some((id, before + 1));
        before + 1 >= SUSPECTED_AFTER_REFUSALS
    }

    /// The suspected message waits until another one gets through, or does not.
    pub(super) fn isolate(&mut self, message: Message, failure: &Failure, size: Option<usize>) {
        let detail = format!("{} It does so with this message, and not with others.", failure.detail);
        self.isolated = Some(Isolated { message, why: Failure::new(LastError::MessageRefused, detail), size });
        self.next();
    }

    /// Another one does not get through either: it is neither. The isolated message.
    pub(super) fn exonerate(&mut self) -> Option<Message> {
        let isolated = self.isolated.take()?;
        self.next();
        Some(isolated.message)
    }

    /// This one gets through: it is not to blame, if it is the one that is retried.
    pub(super) fn passed(&mut self, message: Option<&Message>) {
        self.retried.take_if(|retried| message.is_some_and(|message| hash(message) == retried.hash));
    }

    /// Nobody is to blame.
    pub(super) fn clear_retried(&mut self) {
        self.retried = None;
    }

    /// Whether this message, which did not get through, is the one that is retried, and alone in flight.
    pub(super) fn convict(&mut self, id: MessageId, inflight: &Inflight) -> Option<Retried> {
        let message = inflight.get(id).filter(|_| inflight.len() == 1)?;
        self.retried.take_if(|retried| hash(message) == retried.hash)
    }
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.payload.hash(&mut hasher);
    hasher.finish()
}
