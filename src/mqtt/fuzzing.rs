//! The way of a broker's bytes to the client library, for the fuzzers.

use super::exchange::Exchange;
use super::inbound_filter::{InboundFilter, OutboundObserver};
use super::packet::MAX_PACKET_SIZE;
use std::collections::BTreeMap;

/// A connection as the client library would see it: each packet that passes must be one that it waits for, and whole.
#[derive(Default)]
struct Library {
    awaited: BTreeMap<u16, u8>,
    pings: usize,
    connected: bool,
}

impl Library {
    /// Takes what passed the filter.
    fn take(&mut self, mut passed: &[u8], level: u8) {
        while let [first, length, rest @ ..] = passed {
            let (body, after) = rest.split_at(usize::from(*length));
            passed = after;
            match *first {
                0x20 => {
                    assert!(!std::mem::replace(&mut self.connected, true), "CONNACK twice");
                    assert!(body[0] <= 1 && body[1] == 0);
                    let properties = if level == 5 { 1 + usize::from(body[2]) } else { 0 };
                    assert_eq!(body.len(), 2 + properties);
                }
                0xD0 => self.pings = self.pings.checked_sub(1).expect("PINGRESP without PINGREQ"),
                ack @ (0x40 | 0x50 | 0x70) => {
                    assert!(self.connected);
                    let id = u16::from_be_bytes([body[0], body[1]]);
                    assert_eq!(self.awaited.remove(&id), Some(ack), "an acknowledgement that is not awaited");
                    assert!(body.len() == 2 || body.len() == 3 && level == 5 && ack != 0x70 && body[2] >= 0x80);
                    if ack == 0x50 && body.len() == 2 {
                        self.awaited.insert(id, 0x62);
                    }
                }
                other => panic!("{other:#x} passed"),
            }
        }
        assert!(passed.is_empty(), "half a packet passed");
    }
}

/// The first byte chooses the version. Then each piece begins with one byte: what we do ourselves, or how many bytes of the
/// broker follow.
pub(crate) fn connection(bytes: &[u8]) {
    let Some((&choice, mut rest)) = bytes.split_first() else { return };
    let level = 3 + choice % 3;
    let (mut exchange, mut filter, mut sent) =
        (Exchange::default(), InboundFilter::default(), OutboundObserver::default());
    let mut library = Library::default();
    let mut send = |exchange: &mut Exchange, packet: &[u8]| {
        sent.feed(packet, exchange, |_| {}).expect("our own");
    };
    send(&mut exchange, &[0x10, 10, 0, 4, b'M', b'Q', b'T', b'T', level, 2, 0, 60]);
    while let Some((&what, after)) = rest.split_first() {
        rest = after;
        let id = u16::from(what >> 3 & 7) + 1;
        let [high, low] = id.to_be_bytes();
        match what {
            0xC0.. => {
                let (part, after) = rest.split_at(rest.len().min(usize::from(what & 0x3F)));
                rest = after;
                let mut passed = Vec::new();
                let legal = filter.feed(part, &mut exchange, &mut passed);
                library.take(&passed, level);
                assert!(filter.kept() <= MAX_PACKET_SIZE);
                while let Some([first, 2, ..]) = exchange.reply() {
                    assert!(matches!(first, 0x40 | 0x50 | 0x70));
                }
                if let Err(failure) = legal {
                    assert!(!failure.detail.contains(char::is_control));
                    return;
                }
            }
            _ if what & 7 == 7 => {
                library.pings += 1;
                send(&mut exchange, &[0xC0, 0]);
            }
            _ if what & 7 == 2 && library.awaited.get(&id) == Some(&0x62) => {
                library.awaited.insert(id, 0x70);
                send(&mut exchange, &[0x62, 2, high, low]);
            }
            _ if library.awaited.contains_key(&id) => {}
            _ if what & 1 == 0 => {
                library.awaited.insert(id, 0x40);
                send(&mut exchange, &[0x32, 5, 0, 1, b't', high, low]);
            }
            _ => {
                library.awaited.insert(id, 0x50);
                send(&mut exchange, &[0x34, 5, 0, 1, b't', high, low]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::connection;
    use proptest::prelude::*;

    #[test]
    fn fuzzing_corpus_holds_a_whole_exchange_of_each_kind() {
        crate::fuzz_corpus::feed("mqtt", 10, connection);
    }

    proptest! {
        #[test]
        fn fuzzing_finds_nothing_in_arbitrary_talk(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            connection(&bytes);
        }
    }
}
