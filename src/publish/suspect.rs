//! A message that the broker answers by closing the connection (MQTT 3 has no other way to say "too large") must not block
//! all others for ever. After two losses without progress messages go out one at a time; the one that is alone in flight
//! whenever the broker closes is refused.

use super::flight::Flight;

const ALONE_AFTER: u32 = 2;
const REFUSED_AFTER: u32 = 6;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Suspect {
    /// Where the oldest message's bytes lie: they stay there while it moves between flight and queue.
    message: Option<(usize, usize)>,
    losses: u32,
}

impl Suspect {
    /// How many messages may be in flight.
    pub(super) fn window(&self, usual: usize) -> usize {
        if self.losses >= ALONE_AFTER { 1 } else { usual }
    }

    /// A message was acknowledged.
    pub(super) fn progress(&mut self) {
        *self = Self::default();
    }

    /// The broker closed the connection with these in flight. Whether the oldest is to be given up.
    pub(super) fn closed(&mut self, flight: &Flight) -> bool {
        let Some(oldest) = flight.oldest() else { return false };
        let message = (oldest.payload.as_ptr() as usize, oldest.payload.len());
        if self.message.replace(message) != Some(message) {
            self.losses = 0;
        }
        self.losses += 1;
        self.losses >= REFUSED_AFTER && flight.len() == 1
    }
}
