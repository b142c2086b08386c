//! A message that the broker answers by closing the connection, or by a refusal that may pass, must not block all others for
//! ever. After two losses without progress messages go out one at a time; the one that is alone in flight again and again is
//! suspected: then it is cut, if its size may be the reason, or waits aside until another one gets through. Only then it is
//! refused: if none does, it is not the message.

use crate::model::MessageId;
use crate::publisher::inflight::Inflight;

const ALONE_AFTER: u32 = 2;
/// DropLog in a row with the same oldest message: a bad line has some, too.
const SUSPECTED_AFTER: u32 = 6;
/// The same once the others were told apart from it.
const SUSPECTED_ALONE_AFTER: u32 = 3;
/// Refusals in a row of the same message.
const SUSPECTED_AFTER_REFUSALS: u32 = 3;

/// Finds the message over which a broker closes.
#[derive(Debug, Default)]
pub(super) struct PoisonDetector {
    /// The oldest message of the last loss.
    message: Option<MessageId>,
    losses: u32,
    /// So many acknowledgements from now on messages go out one at a time.
    alone: usize,
    /// A message that was refused for the moment, and how often.
    refused: Option<(MessageId, u32)>,
}

/// What is to be done after one more loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    GoOn,
    /// A session repeats them all together: give it up, so that they go one at a time.
    Separate,
    /// The oldest, which is alone, is suspected.
    Suspected,
}

impl PoisonDetector {
    /// How many messages may be in flight.
    pub(super) fn window(&self, usual: usize) -> usize {
        if self.losses >= ALONE_AFTER || self.alone > 0 { 1 } else { usual }
    }

    /// A message was acknowledged.
    pub(super) fn progress(&mut self) {
        let (alone, refused) = (self.alone.saturating_sub(1), self.refused);
        *self = Self { alone, refused, ..Self::default() };
    }

    /// The suspected one was dealt with: what follows goes alone until one gets through, and is suspected sooner.
    pub(super) fn next(&mut self) {
        *self = Self { alone: 1, ..Self::default() };
    }

    /// The broker closed the connection with these in flight.
    pub(super) fn closed(&mut self, flight: &Inflight) -> Verdict {
        let Some(oldest) = flight.oldest() else { return Verdict::GoOn };
        if self.message.replace(oldest.id) != Some(oldest.id) {
            self.losses = 0;
        }
        self.losses += 1;
        match flight.len() {
            1 if self.losses >= if self.alone > 0 { SUSPECTED_ALONE_AFTER } else { SUSPECTED_AFTER } => {
                Verdict::Suspected
            }
            several @ 2.. if self.losses >= SUSPECTED_AFTER => {
                // Two for each message of QoS 2.
                (self.losses, self.alone) = (0, 2 * several);
                Verdict::Separate
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
}
