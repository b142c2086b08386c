//! Segments on a disk: appended to at the end, read from the front, removed once all of a segment was sent.
//!
//! A record is named by its segment and its place in it. The note says which records of which segments were sent already; it
//! may be older than the truth, and then something is sent twice, never not at all.

use super::disk::Disk;
use super::record::{self, MAGIC, Records};
use crate::log;
use crate::queue::Message;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::io;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: u64,
    record: u32,
}

#[derive(Debug, Default)]
struct Segment {
    number: u64,
    /// Up to the end of its last whole record.
    bytes: u64,
    records: u32,
    /// Records that were looked at.
    read: u32,
    /// Of these, those that were given out and not settled.
    open: BTreeSet<u32>,
    /// Records that were settled in an earlier run and not looked at yet.
    sent: BTreeSet<u32>,
    /// Adverts that wait here and were not given out.
    adverts: u64,
    /// When the newest was heard, 0 if that is not known.
    heard: u32,
}

impl Segment {
    fn is_done(&self) -> bool {
        self.read == self.records && self.open.is_empty()
    }

    fn note(&self) -> Note {
        let top = self.sent.last().map_or(self.read, |last| self.read.max(last + 1));
        let is_open = |n: &u32| if *n < self.read { self.open.contains(n) } else { !self.sent.contains(n) };
        Note { segment: self.number, read: top, open: (0..top).filter(is_open).collect() }
    }
}

/// Of one segment: the first `read` records were sent but for those that are `open`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    segment: u64,
    read: u32,
    open: BTreeSet<u32>,
}

/// What was found at the start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) adverts: u64,
    pub(super) damaged: u64,
}

/// See the module.
pub(super) struct Store {
    disk: Box<dyn Disk>,
    segments: VecDeque<Segment>,
    /// The last segment is appended to.
    writing: bool,
    next: u64,
    segment_bytes: u64,
    /// Bytes of a segment, from this offset on, and where to go on in them.
    loaded: Option<(u64, u64, Vec<u8>, usize)>,
    noted: bool,
    /// Bytes written to the disk so far, and bytes of payload among them.
    pub(super) written: u64,
    pub(super) payload: u64,
}

impl Store {
    /// Finds what an earlier run left. Whatever the files hold, it starts.
    pub(super) fn open(mut disk: Box<dyn Disk>, segment_bytes: u64) -> io::Result<(Self, Found)> {
        let mut numbers = disk.list()?;
        numbers.sort_unstable();
        let notes: Vec<Note> =
            disk.read_note().ok().and_then(|note| serde_json::from_slice(&note).ok()).unwrap_or_default();
        let (mut segments, mut found) = (VecDeque::new(), Found::default());
        for &number in &numbers {
            let last = numbers.last() == Some(&number);
            match disk.read(number) {
                Ok(bytes) => segments.extend(recover(&mut *disk, number, &bytes, &notes, last, &mut found)),
                Err(error) => {
                    found.damaged += 1;
                    log::spool_unreadable(&format!("{number:016x}"), &error.to_string());
                }
            }
        }
        // A number that the note knows is not used again, though its segment is gone: the note would be taken for the new one's.
        let known = numbers.iter().copied().chain(notes.iter().map(|note| note.segment));
        let next = known.max().map_or(0, |last| last.saturating_add(1));
        let store = Self {
            disk,
            segments,
            writing: false,
            next,
            segment_bytes,
            loaded: None,
            noted: true,
            written: 0,
            payload: 0,
        };
        Ok((store, found))
    }

    /// Bytes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Whether there is anything to give out.
    pub(super) fn has_more(&self) -> bool {
        self.segments.iter().any(|segment| segment.read < segment.records)
    }

    pub(super) fn set_segment_bytes(&mut self, bytes: u64) {
        self.segment_bytes = bytes;
    }

    /// Writes messages with one write, all or none of them.
    pub(super) fn append(&mut self, heard: u32, messages: &[Message]) -> io::Result<()> {
        let fresh = !self.writing || self.segments.back().is_none_or(|last| last.bytes >= self.segment_bytes);
        let mut block = if fresh { MAGIC.to_vec() } else { Vec::new() };
        messages.iter().for_each(|message| record::write(&mut block, heard, message));
        if fresh {
            self.segments.push_back(Segment { number: self.next, ..Segment::default() });
            self.next = self.next.saturating_add(1);
        }
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        let result = self.disk.append(segment.number, segment.bytes, &block);
        self.written += block.len() as u64;
        if let Err(error) = result {
            // What came through of it must not be found later: the messages stay in memory.
            let cut = match fresh {
                true => self.disk.remove(segment.number),
                false => self.disk.truncate(segment.number, segment.bytes),
            };
            self.writing = !fresh && cut.is_ok();
            if fresh {
                self.segments.pop_back();
            }
            return Err(error);
        }
        self.writing = true;
        self.payload += messages.iter().map(|message| message.payload.len() as u64).sum::<u64>();
        segment.bytes += block.len() as u64;
        segment.records += messages.len() as u32;
        segment.adverts += messages.iter().map(|message| message.adverts).sum::<u64>();
        segment.heard = segment.heard.max(heard);
        Ok(())
    }

    /// Gives out the oldest message that was not given out yet, with the adverts of records before it that are lost.
    pub(super) fn next(&mut self) -> (u64, Option<(Place, Message)>) {
        let mut lost = 0;
        loop {
            let Some(index) = self.segments.iter().position(|segment| segment.read < segment.records) else {
                return (lost, None);
            };
            let segment = &mut self.segments[index];
            let at = match &self.loaded {
                Some((number, from, bytes, at)) if *number == segment.number => {
                    if *at < bytes.len() {
                        None
                    } else {
                        Some(from + *at as u64)
                    }
                }
                _ => Some(0),
            };
            if let Some(from) = at {
                let bytes = match from < segment.bytes {
                    true => self.disk.read_range(segment.number, from, segment.bytes).unwrap_or_default(),
                    false => Vec::new(),
                };
                let start = if from == 0 && bytes.starts_with(&MAGIC) { MAGIC.len() } else { 0 };
                self.loaded = Some((segment.number, from, bytes, start));
            }
            let Some((_, _, bytes, at)) = &mut self.loaded else { return (lost, None) };
            let mut records = Records::new(bytes, *at);
            let Some(view) = records.next() else {
                // The disk lost it meanwhile.
                lost += std::mem::take(&mut segment.adverts);
                segment.read = segment.records;
                self.loaded = None;
                self.tidy();
                continue;
            };
            *at = records.at;
            let record = segment.read;
            segment.read += 1;
            if segment.sent.remove(&record) {
                self.tidy();
                continue;
            }
            segment.open.insert(record);
            segment.adverts = segment.adverts.saturating_sub(view.adverts.into());
            return (lost, Some((Place { segment: segment.number, record }, view.message())));
        }
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.number == number)
    }

    /// Whether the disk still has it.
    pub(super) fn holds(&mut self, place: Place) -> bool {
        self.segment(place.segment).is_some_and(|segment| segment.open.contains(&place.record))
    }

    /// A message that was given out need not be kept any more.
    pub(super) fn settle(&mut self, place: Place) {
        if let Some(segment) = self.segment(place.segment)
            && segment.open.remove(&place.record)
        {
            self.noted = false;
            self.tidy();
        }
    }

    /// Removes segments of which all was settled.
    fn tidy(&mut self) {
        let done: Vec<_> = self.segments.iter().filter(|segment| segment.is_done()).map(|s| s.number).collect();
        done.into_iter().for_each(|number| self.remove(number));
    }

    fn remove(&mut self, number: u64) {
        if self.segments.back().is_some_and(|last| last.number == number) {
            self.writing = false;
        }
        self.segments.retain(|segment| segment.number != number);
        if self.loaded.as_ref().is_some_and(|(loaded, ..)| *loaded == number) {
            self.loaded = None;
        }
        if let Err(error) = self.disk.remove(number) {
            tracing::debug!("segment {number:016x} of the spool cannot be removed: {error}");
        }
    }

    /// Gives up the oldest segment: its number and the adverts that waited in it and were not given out.
    pub(super) fn drop_oldest(&mut self) -> Option<(u64, u64)> {
        let oldest = self.segments.front()?;
        let (number, adverts) = (oldest.number, oldest.adverts);
        self.remove(number);
        Some((number, adverts))
    }

    /// When the newest message of the oldest segment was heard, if that is known.
    pub(super) fn oldest_heard(&self) -> Option<u32> {
        self.segments.front().map(|segment| segment.heard).filter(|heard| *heard != 0)
    }

    /// Writes the note in any case: an error if the disk still takes nothing.
    pub(super) fn prove(&mut self) -> io::Result<()> {
        self.noted = false;
        self.note()
    }

    /// Notes what was sent, so that a restart does not send it again.
    pub(super) fn note(&mut self) -> io::Result<()> {
        if self.noted {
            return Ok(());
        }
        let begun = self.segments.iter().map(Segment::note).filter(|note| note.read > 0);
        let note = serde_json::to_vec(&begun.collect::<Vec<_>>())?;
        self.written += note.len() as u64;
        self.disk.write_note(&note)?;
        self.noted = true;
        Ok(())
    }
}

/// The whole records of a segment. A torn tail of the last one is cut; other damage is counted, and the file kept for people.
fn recover(
    disk: &mut dyn Disk,
    number: u64,
    bytes: &[u8],
    notes: &[Note],
    last: bool,
    found: &mut Found,
) -> Option<Segment> {
    let start = if bytes.starts_with(&MAGIC) { MAGIC.len() } else { 0 };
    let note = notes.iter().find(|note| note.segment == number);
    let is_sent = |record: u32| note.is_some_and(|note| record < note.read && !note.open.contains(&record));
    let mut records = Records::new(bytes, start);
    let mut segment = Segment { number, ..Segment::default() };
    for view in records.by_ref() {
        if is_sent(segment.records) {
            segment.sent.insert(segment.records);
        } else {
            segment.adverts += u64::from(view.adverts);
        }
        segment.records += 1;
        segment.heard = segment.heard.max(view.heard);
    }
    segment.bytes = records.at as u64;
    let torn = records.at < bytes.len();
    if records.skipped > 0 || (torn && !last) || (start == 0 && !last) {
        found.damaged += 1;
        if let Err(error) = disk.put_aside(number) {
            tracing::debug!("segment {number:016x} of the spool cannot be put aside: {error}");
        }
    } else if torn && let Err(error) = disk.truncate(number, segment.bytes) {
        tracing::debug!("segment {number:016x} of the spool cannot be cut: {error}");
    }
    found.adverts += segment.adverts;
    if segment.records as usize == segment.sent.len() {
        if let Err(error) = disk.remove(number) {
            tracing::debug!("segment {number:016x} of the spool cannot be removed: {error}");
        }
        return None;
    }
    Some(segment)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
