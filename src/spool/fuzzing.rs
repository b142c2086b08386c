//! A segment and the run that reads it again, for the fuzzers.

use super::disk::Disk;
use super::reader::{Reader, Step};
use super::record::{self, Body, Clocks, Received, View};
use crate::model::{Address, BootId, BootTime, Message, Run, RxTimes};
use std::io;

/// One segment, of which each read gives a few bytes only.
struct One<'a> {
    bytes: &'a [u8],
    each: usize,
}

impl Disk for One<'_> {
    fn list(&self) -> io::Result<Vec<(u64, u64)>> {
        Ok(vec![(1, self.bytes.len() as u64)])
    }

    fn read(&self, _: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let rest = self.bytes.get(from as usize..self.bytes.len().min(to as usize)).unwrap_or_default();
        Ok(rest[..rest.len().min(self.each)].to_vec())
    }

    fn append(&self, _: u64, _: u64, _: &[u8]) -> io::Result<()> {
        unreachable!("it is only read")
    }

    fn truncate(&self, _: u64, _: u64) -> io::Result<()> {
        unreachable!("it is only read")
    }

    fn remove(&self, _: u64) -> io::Result<()> {
        unreachable!("it is only read")
    }

    fn quarantine(&self, _: u64) -> io::Result<()> {
        unreachable!("it is only read")
    }

    fn write_file(&self, _: &str, _: &[u8]) -> io::Result<()> {
        unreachable!("it is only read")
    }

    fn read_file(&self, _: &str) -> io::Result<Vec<u8>> {
        unreachable!("it is only read")
    }
}

fn message(view: &View, payload: &[u8]) -> Option<Message> {
    let Received::SinceBoot(received) = &view.received else { return None };
    let (adverts, device) = (view.adverts.into(), view.device);
    Some(Message { payload: payload.to_vec(), adverts, device, received: received.clone(), ..Message::default() })
}

/// Everything that is found in a segment, in reads of so many bytes.
fn read(bytes: &[u8], each: usize) -> Vec<Message> {
    let disk = One { bytes, each };
    let (mut reader, mut found, mut steps) = (Reader::new(1), Vec::new(), 0);
    loop {
        // Each step passes over a record, or a part that was read.
        steps += 1;
        assert!(steps <= 2 * bytes.len() + 4, "it does not come to an end");
        match reader.step(&disk, bytes.len() as u64).expect("a segment that can be read") {
            Step::Record(Body::Message(view)) => found.extend(message(&view, reader.payload(&view))),
            Step::Record(Body::Clocks(_)) | Step::Read => {}
            Step::End => break,
        }
    }
    assert!(reader.whole().0 <= bytes.len() as u64);
    found
}

/// The first byte says how much a read gives, the second how the segment begins. Then each piece begins with a byte: bytes of no
/// record, a record with any body, clocks, or a message that must be found again if nothing before it is damaged.
pub(crate) fn segment(bytes: &[u8]) {
    let [each, begin, rest @ ..] = bytes else { return };
    let mut rest = rest;
    let mut take = |length: usize| {
        let (part, after) = rest.split_at(rest.len().min(length));
        rest = after;
        part
    };
    let mut segment = match begin % 4 {
        0 => b"CBSPOOL1".to_vec(),
        1 => take(8).to_vec(),
        _ => record::MAGIC.to_vec(),
    };
    let (mut whole, mut written) = (segment == record::MAGIC, Vec::new());
    while let [what] = *take(1) {
        let length = usize::from(what & 0x3F);
        match what >> 6 {
            0 => {
                let part = take(length);
                segment.extend(part);
                whole &= part.is_empty();
            }
            1 => {
                let body = take(length);
                // A body that reads as a message is one.
                whole &= body.first().is_none_or(|kind| *kind != 1);
                record::framed(&mut segment, |out| out.extend(body));
            }
            2 if length == 0 => {
                let clocks = Clocks { boot: Some(BootId([7; 16])), uptime: BootTime(5), wall: None };
                record::write_clocks(&mut segment, &clocks);
            }
            _ => {
                let payload = take(length).to_vec();
                let device = (what & 1 == 1).then_some(Address([1, 2, 3, 4, 5, what]));
                let later = if what & 2 == 2 { vec![Run { items: 1, after: u32::from(what) }] } else { Vec::new() };
                let received = RxTimes::new(BootTime(i64::from(what)), 1, later);
                let message = Message { payload, adverts: u64::from(what), device, received, ..Message::default() };
                record::write(&mut segment, &message);
                written.push(message);
            }
        }
    }
    let found = read(&segment, usize::from(*each) + 1);
    assert_eq!(found, read(&segment, usize::MAX), "it depends on how much a read gives");
    if whole {
        assert_eq!(found, written);
    }
    // Whatever was found can be kept again.
    let mut again = record::MAGIC.to_vec();
    found.iter().for_each(|message| record::write(&mut again, message));
    assert_eq!(read(&again, usize::MAX), found);
}

#[cfg(test)]
mod tests {
    use super::segment;
    use proptest::prelude::*;

    #[test]
    fn fuzzing_corpus_holds_segments_of_every_kind() {
        crate::fuzz_corpus::feed("spool", 5, segment);
    }

    proptest! {
        #[test]
        fn fuzzing_finds_nothing_in_arbitrary_segments(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            segment(&bytes);
        }
    }
}
