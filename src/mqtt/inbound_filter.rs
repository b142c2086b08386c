//! The filter between the broker and the client library, whose code for unexpected packets frees memory twice
//! (eclipse-paho/paho.mqtt.c#1617): only what is legal at that moment passes, in its shortest form. Everything else ends the
//! connection; messages to us are acknowledged and skipped, whatever their size.

use super::exchange::{Exchange, unreadable, violation};
use super::framing::{BadLength, Framer, Front, Part};
use super::packet;
use crate::model::Failure;

impl From<BadLength> for Failure {
    fn from(_: BadLength) -> Self {
        violation("a packet whose length takes more than four bytes")
    }
}

/// What the broker sends, up to the packet that is looked at.
#[derive(Debug, Default)]
pub(crate) struct InboundFilter {
    framer: Framer,
    first: u8,
    /// Of the body: small, and checked before anything is kept.
    body: Vec<u8>,
    length: usize,
    front: Front,
}

const PUBLISH: u8 = 3;

impl InboundFilter {
    /// Bytes of the broker that are kept.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn kept(&self) -> usize {
        self.body.len()
    }

    /// Takes what the broker sent, and writes what the client library is to get. What was written before an error still counts.
    pub(crate) fn feed(&mut self, bytes: &[u8], exchange: &mut Exchange, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Self { framer, first: kind, body, length: whole, front } = self;
        framer.feed(bytes, |part| match part {
            Part::Header { first, length } => {
                packet::check_header(first, length, exchange.level()).map_err(|wrong| unreadable(first, wrong))?;
                (*kind, *whole, *front) = (first, length, Front::default());
                body.clear();
                Ok(())
            }
            Part::Body(part) if *kind >> 4 == PUBLISH => {
                front.feed(part);
                Ok(())
            }
            Part::Body(part) => {
                body.extend_from_slice(part);
                Ok(())
            }
            Part::End if *kind >> 4 == PUBLISH => {
                let with_id = *kind & 0x06 != 0;
                let shortest = 2 + usize::from(front.first()) + if with_id { 2 } else { 0 };
                if *whole < shortest {
                    return Err(unreadable(*kind, packet::Wrong::Body));
                }
                exchange.ignore_publish(*kind, front.behind())
            }
            Part::End => {
                let packet = packet::read(*kind, body, exchange.level()).map_err(|wrong| unreadable(*kind, wrong))?;
                exchange.receive(*kind, packet, out)
            }
        })
    }
}

/// Follows what is sent to the broker.
#[derive(Debug, Default)]
pub(crate) struct OutboundObserver {
    framer: Framer,
    first: u8,
    front: Front,
}

impl OutboundObserver {
    /// Takes what the broker's socket took, and reports the first byte of each packet that is complete with it.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        exchange: &mut Exchange,
        mut complete: impl FnMut(u8),
    ) -> Result<(), BadLength> {
        let Self { framer, first: kind, front } = self;
        framer.feed(bytes, |part| {
            match part {
                Part::Header { first, .. } => (*kind, *front) = (first, Front::default()),
                Part::Body(part) => front.feed(part),
                Part::End => {
                    exchange.sent(*kind, front.first(), front.behind());
                    complete(*kind);
                }
            }
            Ok(())
        })
    }

    /// Whether a packet of ours may be put in at this place.
    pub(crate) fn at_boundary(&self) -> bool {
        self.framer.at_boundary()
    }
}

#[cfg(test)]
#[path = "inbound_filter_tests.rs"]
mod tests;
