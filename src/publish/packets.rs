//! Where MQTT packets end in a stream of bytes (MQTT 3.1.1 section 2.2; the same in 3.1 and 5). Looks at fixed headers only.

/// First byte of a fixed header: type and flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) u8);

impl Kind {
    /// A PUBLISH with QoS 0.
    pub(crate) fn is_publish_qos0(self) -> bool {
        self.0 & 0xF6 == 0x30
    }

    /// CONNECT or PINGREQ: the broker has to answer without delay.
    pub(crate) fn wants_answer(self) -> bool {
        matches!(self.0 >> 4, 1 | 12)
    }
}

/// Finds the ends of packets, however the stream is cut.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    at: At,
}

#[derive(Debug, Default)]
enum At {
    #[default]
    Start,
    Length {
        kind: Kind,
        value: usize,
        shift: u32,
    },
    Body {
        kind: Kind,
        left: usize,
    },
}

impl Packets {
    /// Takes the next bytes and reports every packet that is complete with them.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut complete: impl FnMut(Kind)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.at {
                At::Start => {
                    self.at = At::Length { kind: Kind(byte), value: 0, shift: 0 };
                    bytes = rest;
                }
                At::Length { kind, value, shift } => {
                    let left = value | usize::from(byte & 0x7F) << shift;
                    // A fifth length byte is not MQTT; it is cut off here so that nothing overflows.
                    let more = byte & 0x80 != 0 && shift < 21;
                    self.at = match (more, left) {
                        (true, _) => At::Length { kind, value: left, shift: shift + 7 },
                        (false, 0) => {
                            complete(kind);
                            At::Start
                        }
                        (false, _) => At::Body { kind, left },
                    };
                    bytes = rest;
                }
                At::Body { kind, left } => {
                    let taken = left.min(bytes.len());
                    bytes = &bytes[taken..];
                    self.at = if taken == left {
                        complete(kind);
                        At::Start
                    } else {
                        At::Body { kind, left: left - taken }
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(kind: u8, body: usize) -> Vec<u8> {
        let (mut bytes, mut length) = (vec![kind], body);
        loop {
            let more = if length >= 128 { 0x80 } else { 0 };
            bytes.push((length % 128) as u8 | more);
            length /= 128;
            if length == 0 {
                break;
            }
        }
        bytes.extend(std::iter::repeat_n(0xFF, body));
        bytes
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(Kind(0x30).is_publish_qos0() && Kind(0x31).is_publish_qos0());
        assert!(!Kind(0x32).is_publish_qos0() && !Kind(0x34).is_publish_qos0() && !Kind(0xC0).is_publish_qos0());
        assert!(Kind(0x10).wants_answer() && Kind(0xC0).wants_answer() && !Kind(0x30).wants_answer());
    }

    #[test]
    fn a_packet_counts_when_its_last_byte_is_there() {
        let (bytes, mut packets, mut seen) = (packet(0x30, 20_000), Packets::default(), 0);
        packets.feed(&bytes[..bytes.len() - 1], |_| seen += 1);
        assert_eq!(seen, 0);
        packets.feed(&bytes[bytes.len() - 1..], |_| seen += 1);
        assert_eq!(seen, 1);
    }

    proptest! {
        #[test]
        fn every_cut_finds_the_same_packets(
            sizes in prop::collection::vec((any::<u8>(), prop_oneof![0usize..4, 120usize..140, 16_380usize..16_390]), 0..8),
            cuts in prop::collection::vec(1usize..5_000, 1..20),
        ) {
            let stream: Vec<u8> = sizes.iter().flat_map(|(kind, size)| packet(*kind, *size)).collect();
            let (mut packets, mut seen, mut rest, mut turn) = (Packets::default(), Vec::new(), &stream[..], 0);
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts[turn % cuts.len()].min(rest.len()));
                packets.feed(now, |kind| seen.push(kind.0));
                (rest, turn) = (later, turn + 1);
            }
            prop_assert_eq!(seen, sizes.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
        }
    }
}
