//! The way of a packet to whole adverts, for `benches/pipeline`.

use super::reassembly::{Reassembly, Received};
use crate::hci::reports;
use crate::model::Advert;
use std::time::Instant;

/// What the scan does with packets before anybody judges the adverts in them.
#[derive(Debug, Default)]
pub struct Parser(Reassembly);

impl Parser {
    /// Hands over the whole adverts of a packet heard now.
    pub fn hear(&mut self, packet: &[u8], now: Instant, each: &mut dyn FnMut(&Advert<'_>)) {
        let at = Received { earliest: now, latest: now };
        reports::adverts(packet, &mut |report| {
            if let Ok(advert) = report {
                self.0.take(advert, at, each);
            }
        });
    }
}
