//! Where MQTT packets begin and end in a stream of bytes (MQTT 3.1.1 section 2.2; the same in 3.1 and 5).

/// A piece of a stream, in order: the fixed header, the body in any number of parts, the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Type and flags, and the length of the body.
    Header {
        /// The first byte.
        first: u8,
        /// Bytes of the body.
        length: usize,
    },
    /// Some of the body, never empty.
    Body(&'a [u8]),
    /// The packet is complete.
    End,
}

/// The length of a packet takes more than the four bytes that MQTT allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadLength;

/// Finds packets, however the stream is cut.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    at: At,
}

#[derive(Debug, Default)]
enum At {
    #[default]
    Start,
    Length {
        first: u8,
        value: usize,
        shift: u32,
    },
    Body {
        left: usize,
    },
}

impl Framer {
    /// Takes the next bytes, and reports what they hold until one report is an error.
    pub(crate) fn feed<E: From<BadLength>>(
        &mut self,
        mut bytes: &[u8],
        mut report: impl FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.at {
                At::Start => {
                    self.at = At::Length { first: byte, value: 0, shift: 0 };
                    bytes = rest;
                }
                At::Length { first, value, shift } => {
                    let length = value | usize::from(byte & 0x7F) << shift;
                    bytes = rest;
                    if byte & 0x80 != 0 {
                        if shift >= 21 {
                            return Err(BadLength.into());
                        }
                        self.at = At::Length { first, value: length, shift: shift + 7 };
                        continue;
                    }
                    self.at = if length == 0 { At::Start } else { At::Body { left: length } };
                    report(Part::Header { first, length })?;
                    if length == 0 {
                        report(Part::End)?;
                    }
                }
                At::Body { left } => {
                    let (part, after) = bytes.split_at(left.min(bytes.len()));
                    bytes = after;
                    self.at = if part.len() == left { At::Start } else { At::Body { left: left - part.len() } };
                    report(Part::Body(part))?;
                    if part.len() == left {
                        report(Part::End)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether no packet is cut at this place of the stream.
    pub(crate) fn at_boundary(&self) -> bool {
        matches!(self.at, At::Start)
    }
}

/// The two numbers at the front of a body: the first two bytes, which in PUBLISH and CONNECT are the length of a text, and
/// the two bytes behind that text. Nothing of the text is kept.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Front {
    first: [u8; 2],
    behind: [u8; 2],
    position: usize,
}

impl Front {
    /// Takes the next part of the body.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            let end = 2 + usize::from(u16::from_be_bytes(self.first));
            bytes = rest;
            match self.position {
                at @ (0 | 1) => self.first[at] = byte,
                at if at < end => {
                    let skipped = (end - at - 1).min(bytes.len());
                    bytes = &bytes[skipped..];
                    self.position += skipped;
                }
                at if at < end + 2 => self.behind[at - end] = byte,
                _ => return,
            }
            self.position += 1;
        }
    }

    /// The first two bytes.
    pub(crate) fn first(&self) -> u16 {
        u16::from_be_bytes(self.first)
    }

    /// The two bytes behind the text.
    pub(crate) fn behind(&self) -> u16 {
        u16::from_be_bytes(self.behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(first: u8, body: &[u8]) -> Vec<u8> {
        let (mut bytes, mut length) = (vec![first], body.len());
        loop {
            let more = if length >= 128 { 0x80 } else { 0 };
            bytes.push((length % 128) as u8 | more);
            length /= 128;
            if length == 0 {
                break;
            }
        }
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn framing_refuses_a_fifth_byte_of_length() {
        let mut framer = Framer::default();
        assert_eq!(framer.feed(&[0x30, 0x80, 0x80, 0x80, 0x80], |_| Ok::<_, BadLength>(())), Err(BadLength));
    }

    #[test]
    fn framing_knows_a_boundary() {
        let mut framer = Framer::default();
        for (byte, boundary) in [(0x40, false), (2, false), (0, false), (1, true), (0xC0, false), (0, true)] {
            framer.feed(&[byte], |_| Ok::<_, BadLength>(())).expect("right");
            assert_eq!(framer.at_boundary(), boundary);
        }
    }

    proptest! {
        #[test]
        fn framing_finds_the_same_packets_in_every_cut(
            packets in prop::collection::vec((any::<u8>(), prop_oneof![0usize..4, 120usize..140, 16_380usize..16_390]), 0..8),
            cuts in prop::collection::vec(1usize..5_000, 1..20),
        ) {
            let bodies: Vec<Vec<u8>> = packets.iter().map(|(first, size)| vec![*first; *size]).collect();
            let stream: Vec<u8> = packets.iter().zip(&bodies).flat_map(|((first, _), body)| packet(*first, body)).collect();
            let (mut framer, mut seen, mut rest, mut turn) = (Framer::default(), Vec::new(), &stream[..], 0);
            let mut body = None;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts[turn % cuts.len()].min(rest.len()));
                framer.feed(now, |part| {
                    match part {
                        Part::Header { first, length } => body = Some((first, length, Vec::new())),
                        Part::Body(part) => body.as_mut().expect("begun").2.extend_from_slice(part),
                        Part::End => {
                            let (first, length, bytes) = body.take().expect("begun");
                            assert_eq!(length, bytes.len());
                            seen.push((first, bytes));
                        }
                    }
                    Ok::<_, BadLength>(())
                }).expect("right");
                (rest, turn) = (later, turn + 1);
            }
            let expected: Vec<_> = packets.iter().zip(bodies).map(|((first, _), body)| (*first, body)).collect();
            prop_assert_eq!(seen, expected);
            prop_assert!(framer.at_boundary());
        }

        #[test]
        fn framing_finds_what_follows_a_text(text in prop::collection::vec(any::<u8>(), 0..300), id: u16, cut in 1usize..50) {
            let mut body = (text.len() as u16).to_be_bytes().to_vec();
            body.extend(&text);
            body.extend(id.to_be_bytes());
            body.extend(b"payload");
            let mut front = Front::default();
            body.chunks(cut).for_each(|part| front.feed(part));
            prop_assert_eq!((front.first(), front.behind()), (text.len() as u16, id));
        }
    }
}
