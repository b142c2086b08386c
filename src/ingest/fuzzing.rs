//! The way of a packet to whole adverts, for the fuzzers.

use super::reassembly::{Reassembly, Received};
use crate::hci::reports;
use crate::model::Advert;
use std::time::{Duration, Instant};

/// Packets, each behind its length in one byte, 20 ms after each other.
pub(crate) fn adverts(mut bytes: &[u8], each: &mut dyn FnMut(&Advert<'_>)) {
    let (mut reassembly, mut now) = (Reassembly::default(), Instant::now());
    while let Some((&length, rest)) = bytes.split_first() {
        let (packet, tail) = rest.split_at(rest.len().min(length.into()));
        reports::adverts(packet, &mut |report| {
            if let Ok(advert) = report {
                reassembly.take(advert, Received::at(now), each);
            }
        });
        now += Duration::from_millis(20);
        bytes = tail;
    }
    reassembly.expire(now + Duration::from_secs(2), each);
}
