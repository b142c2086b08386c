//! Records of the spool: a message, or the clocks at the time of writing, with length and checksums, so that a whole one is
//! known wherever it is found.
//!
//! ```text
//! segment: "CBSPOOL2", then records
//! record:  length of the body u32 | CRC-32 of the body u32 | CRC-32 of "CBSPOOL2" and these 8 bytes u32 | body
//! body:    0 u8 | boot id 16, or zeros | milliseconds since boot i64 | wall clock at boot in ms i64, or the lowest number
//!          1 u8 | device? u8 | device 6 or 0 | adverts u32 | received: ms since boot i64 | items u16 | later u16
//!               | later times: items u16, ms after the first u32 | payload
//! ```
//! Numbers are little-endian. Clocks stand before the messages of each write, and are those of the boot that wrote the whole
//! segment. `received` is [`RxTimes`]. The head has a checksum of its own: a length that it vouches for can be skipped, so that
//! whatever a segment holds is read in a time that grows with its bytes.
//!
//! Segments that begin with `CBSPOOL1` are read, too:
//!
//! ```text
//! record:  length of the body u32 | CRC-32 of length and body u32 | body
//! body:    written u32, in seconds since 1970, 0 unknown | adverts u32 | device? u8 | device 6 or 0 | payload
//! ```

use crate::model::{Address, BootId, BootTime, Message, Run, RxTimes};
use std::ops::Range;

/// First bytes of a segment that is written.
pub(super) const MAGIC: [u8; 8] = *b"CBSPOOL2";
const MAGIC_1: [u8; 8] = *b"CBSPOOL1";
/// They end in the digit of a version.
const FAMILY: &[u8] = b"CBSPOOL";
const HEAD: usize = 12;
const HEAD_1: usize = 8;
const FIXED_1: usize = 9;
/// More than a batch of the largest items can take.
pub(super) const LONGEST: usize = 16 << 20;

/// What a segment says that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
    /// It may be either one.
    Damaged,
    /// Zeros: it was made, and what was written to it went with the power.
    Blank,
    /// Another version of this service wrote it, and will find it again.
    Foreign(u8),
}

impl Version {
    /// By the first 8 bytes.
    pub(super) fn of(magic: &[u8]) -> Self {
        match magic {
            _ if magic == MAGIC => Self::Two,
            _ if magic == MAGIC_1 => Self::One,
            _ if magic == [0; 8] => Self::Blank,
            [family @ .., digit] if family == FAMILY && digit.is_ascii_digit() => Self::Foreign(*digit),
            _ => Self::Damaged,
        }
    }
}

/// The clocks when something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clocks {
    pub(super) boot: Option<BootId>,
    pub(super) uptime: BootTime,
    /// The wall clock at the start of that boot, in milliseconds since 1970, if it was synchronised.
    pub(super) wall: Option<i64>,
}

/// When messages of a record were received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Received {
    /// On the clock of the boot that wrote the segment.
    SinceBoot(RxTimes),
    /// Not later than this, in seconds since 1970, if it is known.
    Before(Option<u32>),
}

/// A message, still in its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) adverts: u32,
    pub(super) device: Option<Address>,
    pub(super) received: Received,
    /// Where the payload lies, from the start of the record.
    pub(super) payload: Range<usize>,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Clocks(Clocks),
    Message(View),
}

/// What lies at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole record of so many bytes.
    Record(Body, usize),
    /// A damaged record, known to have so many bytes.
    Damaged(usize),
    /// Perhaps a record: so many bytes are needed to know. `sure`: it is one.
    More { bytes: usize, sure: bool },
    /// No record begins here.
    Nothing,
}

/// Bytes of the record of a message.
pub(super) fn size(message: &Message) -> usize {
    let device = message.device.map_or(0, |device| device.0.len());
    HEAD + 2 + device + 4 + 12 + message.received.parts().2.len() * 6 + message.payload.len()
}

/// Bytes of a record of clocks, and of the first bytes of a segment.
pub(super) const SIZE_OF_CLOCKS: usize = MAGIC.len() + HEAD + 1 + 16 + 16;

/// Tells a segment from another of the same number, by its first bytes: they hold when it was begun.
pub(super) fn identity(segment: &[u8]) -> u32 {
    hash(&[&segment[..segment.len().min(SIZE_OF_CLOCKS)]])
}

/// Adds the clocks.
pub(super) fn write_clocks(out: &mut Vec<u8>, clocks: &Clocks) {
    framed(out, |out| {
        out.push(0);
        out.extend(clocks.boot.map_or([0; 16], |boot| boot.0));
        out.extend(clocks.uptime.0.to_le_bytes());
        out.extend(clocks.wall.unwrap_or(i64::MIN).to_le_bytes());
    });
}

/// Adds a message.
pub(super) fn write(out: &mut Vec<u8>, message: &Message) {
    framed(out, |out| {
        out.extend([1, message.device.is_some().into()]);
        if let Some(device) = message.device {
            out.extend(device.0);
        }
        out.extend((message.adverts as u32).to_le_bytes());
        let (first, items, later) = message.received.parts();
        let later = if later.len() > u16::MAX.into() { &[] } else { later };
        out.extend(first.0.to_le_bytes());
        out.extend(items.to_le_bytes());
        out.extend((later.len() as u16).to_le_bytes());
        for run in later {
            out.extend(run.items.to_le_bytes());
            out.extend(run.after.to_le_bytes());
        }
        out.extend_from_slice(&message.payload);
    });
}

pub(super) fn framed(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; HEAD]);
    body(out);
    let length = (out.len() - start - HEAD) as u32;
    let sum = hash(&[&out[start + HEAD..]]);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&sum.to_le_bytes());
    let sum = head_sum(&out[start..start + 8]);
    out[start + 8..start + HEAD].copy_from_slice(&sum.to_le_bytes());
}

fn head_sum(head: &[u8]) -> u32 {
    hash(&[&MAGIC, head])
}

fn hash(parts: &[&[u8]]) -> u32 {
    #[cfg(test)]
    tests::HASHED.set(tests::HASHED.get() + parts.iter().map(|part| part.len()).sum::<usize>());
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// What begins here. `budget` is how many bytes may still be read in vain: records of version 1 may be anywhere.
pub(super) fn find(bytes: &[u8], version: Version, budget: &mut u64) -> Found {
    match version {
        Version::Two => find_2(bytes),
        Version::One => find_1(bytes, budget),
        Version::Damaged | Version::Blank => match find_2(bytes) {
            Found::Nothing => find_1(bytes, budget),
            found => found,
        },
        Version::Foreign(_) => Found::Nothing,
    }
}

fn find_2(bytes: &[u8]) -> Found {
    let mut fields = Fields(bytes);
    let (Some(length), Some(body_sum), Some(sum)) = (fields.u32(), fields.u32(), fields.u32()) else {
        return Found::More { bytes: HEAD, sure: false };
    };
    let length = length as usize;
    if length > LONGEST || sum != head_sum(&bytes[..8]) {
        return Found::Nothing;
    }
    let whole = HEAD + length;
    let Some(body) = bytes.get(HEAD..whole) else { return Found::More { bytes: whole, sure: true } };
    match (hash(&[body]) == body_sum).then(|| read(body)).flatten() {
        Some(body) => Found::Record(body, whole),
        None => Found::Damaged(whole),
    }
}

fn read(body: &[u8]) -> Option<Body> {
    let mut fields = Fields(body);
    match fields.array::<1>()? {
        [0] => {
            let boot = Some(fields.array()?).filter(|id| *id != [0; 16]).map(BootId);
            let (uptime, wall) = (BootTime(fields.i64()?), Some(fields.i64()?).filter(|wall| *wall != i64::MIN));
            Some(Body::Clocks(Clocks { boot, uptime, wall }))
        }
        [1] => {
            let device = fields.device()?;
            let (adverts, first, items, later) = (fields.u32()?, fields.i64()?, fields.u16()?, fields.u16()?);
            let mut run = || Some(Run { items: fields.u16()?, after: fields.u32()? });
            let later: Option<_> = (0..later).map(|_| run()).collect();
            let received = Received::SinceBoot(RxTimes::new(BootTime(first), items, later?));
            let payload = HEAD + body.len() - fields.0.len()..HEAD + body.len();
            Some(Body::Message(View { adverts, device, received, payload }))
        }
        _ => None,
    }
}

fn find_1(bytes: &[u8], budget: &mut u64) -> Found {
    let mut fields = Fields(bytes);
    let (Some(length), Some(wanted)) = (fields.u32(), fields.u32()) else {
        return Found::More { bytes: HEAD_1, sure: false };
    };
    let length = length as usize;
    if !(FIXED_1..LONGEST).contains(&length) || *budget < length as u64 {
        return Found::Nothing;
    }
    let whole = HEAD_1 + length;
    let Some(body) = bytes.get(HEAD_1..whole) else { return Found::More { bytes: whole, sure: false } };
    if wanted != hash(&[&bytes[..4], body]) {
        *budget -= length as u64;
        return Found::Nothing;
    }
    let mut fields = Fields(body);
    let view = || {
        let (written, adverts, device) = (fields.u32()?, fields.u32()?, fields.device()?);
        let received = Received::Before(Some(written).filter(|written| *written != 0));
        Some(View { adverts, device, received, payload: whole - fields.0.len()..whole })
    };
    match { view }() {
        Some(view) => Found::Record(Body::Message(view), whole),
        None => Found::Damaged(whole),
    }
}

/// Takes numbers off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn device(&mut self) -> Option<Option<Address>> {
        match self.array::<1>()? {
            [0] => Some(None),
            [1] => Some(Some(Address(self.array()?))),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
pub(super) mod tests;
