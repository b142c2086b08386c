//! A message that the broker answers by closing the connection (MQTT 3 has no other way to say "too large") must not block
//! all others for ever. After two losses without progress messages go out one at a time; the one that is alone in flight
//! whenever the broker closes is refused.

use super::flight::Flight;

const ALONE_AFTER: u32 = 2;
const REFUSED_AFTER: u32 = 6;
/// The same once the others were told apart from it.
const REFUSED_ALONE_AFTER: u32 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Suspect {
    /// Where the oldest message's bytes lie: they stay there while it moves between flight and queue.
    message: Option<(usize, usize)>,
    losses: u32,
    /// So many acknowledgements from now on messages go out one at a time.
    alone: usize,
}

/// What is to be done after one more loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    GoOn,
    /// A session repeats them all together: give it up, so that they go one at a time.
    Separate,
    /// Give the oldest up.
    Refuse,
}

impl Suspect {
    /// How many messages may be in flight.
    pub(super) fn window(&self, usual: usize) -> usize {
        if self.losses >= ALONE_AFTER || self.alone > 0 { 1 } else { usual }
    }

    /// A message was acknowledged.
    pub(super) fn progress(&mut self) {
        *self = Self { alone: self.alone.saturating_sub(1), ..Self::default() };
    }

    /// The broker closed the connection with these in flight.
    pub(super) fn closed(&mut self, flight: &Flight) -> Verdict {
        let Some(oldest) = flight.oldest() else { return Verdict::GoOn };
        let message = (oldest.payload.as_ptr() as usize, oldest.payload.len());
        if self.message.replace(message) != Some(message) {
            self.losses = 0;
        }
        self.losses += 1;
        match flight.len() {
            1 if self.losses >= if self.alone > 0 { REFUSED_ALONE_AFTER } else { REFUSED_AFTER } => Verdict::Refuse,
            several @ 2.. if self.losses >= REFUSED_AFTER => {
                // Two for each message of QoS 2.
                (self.losses, self.alone) = (0, 2 * several);
                Verdict::Separate
            }
            _ => Verdict::GoOn,
        }
    }
}
