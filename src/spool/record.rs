//! A record of the spool: a message with its length and checksum, so that a whole one is known wherever it is found.
//!
//! ```text
//! length of the body u32 | CRC-32 of length and body u32 | body: heard u32 | adverts u32 | device? u8 | device 6 or 0 | payload
//! ```
//! Numbers are little-endian. `heard` is in seconds since 1970, 0 while the clock was not synchronised.

use crate::advert::Address;
use crate::queue::Message;

/// First bytes of a segment.
pub(super) const MAGIC: [u8; 8] = *b"CBSPOOL1";
const HEAD: usize = 8;
const FIXED: usize = 9;
/// MQTT carries less than that.
const LONGEST: usize = 256 << 20;

/// A whole record, still in its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View<'a> {
    pub(super) heard: u32,
    pub(super) adverts: u32,
    pub(super) device: Option<Address>,
    pub(super) payload: &'a [u8],
    /// Bytes of the record.
    pub(super) length: usize,
}

impl View<'_> {
    pub(super) fn message(&self) -> Message {
        Message { payload: self.payload.to_vec(), adverts: self.adverts.into(), device: self.device, ..Message::default() }
    }
}

fn sum(length: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(body);
    hasher.finalize()
}

/// Adds a record.
pub(super) fn write(out: &mut Vec<u8>, heard: u32, message: &Message) {
    let start = out.len();
    let body = FIXED + message.device.map_or(0, |_| 6) + message.payload.len();
    out.extend((body as u32).to_le_bytes());
    out.extend([0; 4]);
    out.extend(heard.to_le_bytes());
    out.extend((message.adverts as u32).to_le_bytes());
    out.push(message.device.is_some().into());
    if let Some(device) = message.device {
        out.extend(device.0);
    }
    out.extend_from_slice(&message.payload);
    let sum = sum(&out[start..start + 4], &out[start + HEAD..]);
    out[start + 4..start + HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// The record that begins here, if it is whole.
pub(super) fn read(bytes: &[u8]) -> Option<View<'_>> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let length = number(0)? as usize;
    if !(FIXED..LONGEST).contains(&length) {
        return None;
    }
    let body = bytes.get(HEAD..HEAD + length)?;
    if number(4)? != sum(&bytes[..4], body) {
        return None;
    }
    let (device, payload) = match body[8] {
        0 => (None, &body[FIXED..]),
        1 => {
            let (device, payload) = body[FIXED..].split_first_chunk::<6>()?;
            (Some(Address(*device)), payload)
        }
        _ => return None,
    };
    Some(View { heard: number(HEAD)?, adverts: number(HEAD + 4)?, device, payload, length: HEAD + length })
}

/// The whole records of some bytes, over whatever lies between them.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    /// Where to look next: the end of the last record.
    pub(super) at: usize,
    /// Bytes before a record that belong to none.
    pub(super) skipped: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, skipped: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = View<'a>;

    fn next(&mut self) -> Option<View<'a>> {
        let (start, view) = (self.at..self.bytes.len()).find_map(|at| Some((at, read(&self.bytes[at..])?)))?;
        self.skipped += start - self.at;
        self.at = start + view.length;
        Some(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message() -> impl Strategy<Value = Message> {
        (prop::collection::vec(any::<u8>(), 0..200), 1u64..1000, any::<Option<[u8; 6]>>())
            .prop_map(|(payload, adverts, device)| Message { payload, adverts, device: device.map(Address), ..Message::default() })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(messages in prop::collection::vec((any::<u32>(), message()), 0..20)) {
            let mut bytes = Vec::new();
            messages.iter().for_each(|(heard, message)| write(&mut bytes, *heard, message));
            let mut records = Records::new(&bytes, 0);
            let read: Vec<_> = records.by_ref().map(|view| (view.heard, view.message())).collect();
            prop_assert_eq!((read, records.skipped, records.at), (messages, 0, bytes.len()));
        }

        #[test]
        fn damage_costs_what_it_hits(
            messages in prop::collection::vec(message(), 1..20), at: prop::sample::Index, bit in 0u8..8, cut: bool,
        ) {
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for message in &messages {
                write(&mut bytes, 7, message);
                ends.push(bytes.len());
            }
            let at = at.index(bytes.len());
            let hit = ends.iter().position(|end| at < *end).expect("in a record");
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            let read: Vec<_> = Records::new(&bytes, 0).map(|view| view.message()).collect();
            let mut whole = messages;
            if cut { whole.truncate(hit) } else { drop(whole.remove(hit)) }
            prop_assert_eq!(read, whole);
        }

        #[test]
        fn any_bytes_are_borne(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(Records::new(&bytes, 0).map(|view| view.length).sum::<usize>() <= bytes.len());
        }
    }
}
