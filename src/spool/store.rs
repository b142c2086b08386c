//! Segments on a disk: appended to at the end, read from the front, removed once all of a segment was sent.
//!
//! A record is named by its segment and its place in it. The note says which records of which segments were sent already; it
//! may be older than the truth, and then something is sent twice, never not at all.
//!
//! Segments of an earlier run are unread until the [recovery](super::recovery) hands them over, oldest first. They take space;
//! what is newer waits for them.

use super::boots::{Boots, Now};
use super::disk::Disk;
use super::notes::{self, Note};
use super::reader::{Reader, Step};
use super::record::{self, Body, Clocks, MAGIC};
use super::recovery::{self, Job, Outcome};
use crate::model::{BootId, BootTime, Message};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: u64,
    record: u32,
}

/// When the newest record of a segment was written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    /// On the clock of the boot that did it.
    At(BootTime),
    /// Not later than this, in seconds since 1970, if it is known.
    Before(Option<u32>),
}

impl Default for Written {
    fn default() -> Self {
        Self::Before(None)
    }
}

#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Up to the end of its last whole record.
    pub(super) bytes: u64,
    pub(super) records: u32,
    /// Records that were looked at.
    pub(super) read: u32,
    /// Of these, those that were given out and not settled.
    pub(super) open: BTreeSet<u32>,
    /// Records that were settled in an earlier run and not looked at yet.
    pub(super) sent: BTreeSet<u32>,
    /// Adverts that wait here and were not given out.
    pub(super) adverts: u64,
    pub(super) written: Written,
    pub(super) identity: u32,
    /// The clocks of an earlier run that wrote it.
    pub(super) writer: Option<Clocks>,
}

impl Segment {
    fn is_done(&self) -> bool {
        self.read == self.records && self.open.is_empty()
    }

    fn note(&self) -> Note {
        let top = self.sent.last().map_or(self.read, |last| self.read.max(last + 1));
        let is_open = |n: &u32| if *n < self.read { self.open.contains(n) } else { !self.sent.contains(n) };
        Note {
            segment: self.number,
            identity: Some(self.identity),
            read: top,
            open: (0..top).filter(is_open).collect(),
        }
    }
}

/// A segment of an earlier run that was not read yet.
#[derive(Debug)]
struct Unread {
    number: u64,
    bytes: u64,
    note: Option<Note>,
}

/// What became of the oldest segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Oldest {
    /// It is gone: its number, and the adverts that waited in it and were not given out.
    Dropped(u64, u64),
    /// What it holds is not known yet.
    Unread,
    /// There is none.
    None,
}

/// How long which boot ran.
const BOOTS: &str = "boots";

/// The segments, and what was sent of them.
pub(super) struct Store {
    disk: Arc<dyn Disk>,
    segments: VecDeque<Segment>,
    unread: VecDeque<Unread>,
    boots: Boots,
    /// The last segment is appended to.
    writing: bool,
    next: u64,
    segment_bytes: u64,
    /// In the segment that messages are given out of.
    reader: Option<Reader>,
    noted: bool,
    /// Bytes written to the disk so far, and bytes of payload among them.
    pub(super) written: u64,
    pub(super) payload: u64,
}

impl Store {
    /// Lists what an earlier run left. Whatever the files hold, it starts.
    pub(super) fn open(disk: Arc<dyn Disk>, this: Option<BootId>, segment_bytes: u64) -> io::Result<Self> {
        let mut found = disk.list()?;
        found.sort_unstable();
        let (notes, older) = notes::read(&*disk);
        let note = |number| notes.iter().find(|note| note.segment == number).cloned();
        let unread: VecDeque<_> =
            found.iter().map(|&(number, bytes)| Unread { number, bytes, note: note(number) }).collect();
        let newest = unread.back().map(|unread| unread.number);
        // A number that the note knows is not used again, though its segment is gone: the note would be taken for the new one's.
        let known = newest.into_iter().chain(notes.iter().map(|note| note.segment)).chain(older);
        let next = known.max().map_or(0, |last| last.saturating_add(1));
        let boots = Boots::new(this, BootTime::now(), &disk.read_file(BOOTS).unwrap_or_default());
        Ok(Self {
            disk,
            segments: VecDeque::new(),
            unread,
            boots,
            writing: false,
            next,
            segment_bytes,
            reader: None,
            noted: true,
            written: 0,
            payload: 0,
        })
    }

    /// What is to be read, oldest first.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let newest = self.unread.back().map(|unread| unread.number);
        let job = |unread: &Unread| Job {
            number: unread.number,
            bytes: unread.bytes,
            note: unread.note.clone(),
            newest: Some(unread.number) == newest,
        };
        self.unread.iter().map(job).collect()
    }

    /// Reads the oldest segment here and now.
    pub(super) fn recover_oldest(&self) -> Option<Outcome> {
        recovery::recover(&*self.disk, self.jobs().first()?, &mut || true)
    }

    /// Takes over a segment that was read: how many adverts wait in it.
    pub(super) fn recovered(&mut self, outcome: Outcome) -> u64 {
        self.unread.retain(|unread| unread.number != outcome.number);
        let Some(segment) = outcome.segment else { return 0 };
        if let Some(writer) = &segment.writer {
            self.boots.learn(writer);
        }
        let (place, adverts) = (self.segments.partition_point(|other| other.number < segment.number), segment.adverts);
        self.segments.insert(place, segment);
        adverts
    }

    /// Whether there is more to be handed over.
    pub(super) fn is_recovering(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The adverts of a segment that is unread, and stays so until it was handed over, wait no less: nothing newer is given out.
    fn is_behind(&self, number: u64) -> bool {
        self.unread.front().is_some_and(|unread| unread.number < number)
    }

    /// Bytes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        let read = self.segments.iter().map(|segment| segment.bytes);
        read.chain(self.unread.iter().map(|unread| unread.bytes)).fold(0, u64::saturating_add)
    }

    /// The segment to give out of.
    fn giving(&self) -> Option<usize> {
        let index = self.segments.iter().position(|segment| segment.read < segment.records)?;
        (!self.is_behind(self.segments[index].number)).then_some(index)
    }

    /// Whether there is anything to give out.
    pub(super) fn has_more(&self) -> bool {
        self.giving().is_some()
    }

    pub(super) fn set_segment_bytes(&mut self, bytes: u64) {
        self.segment_bytes = bytes;
    }

    /// Writes messages with one write, all or none of them.
    pub(super) fn append(&mut self, now: &Now, messages: &[Message]) -> io::Result<()> {
        let fresh = !self.writing || self.segments.back().is_none_or(|last| last.bytes >= self.segment_bytes);
        let mut block = if fresh { MAGIC.to_vec() } else { Vec::new() };
        record::write_clocks(&mut block, &self.boots.clocks(now));
        messages.iter().for_each(|message| record::write(&mut block, message));
        if fresh {
            let identity = record::identity(&block);
            self.segments.push_back(Segment { number: self.next, identity, ..Segment::default() });
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
        segment.written = Written::At(now.uptime);
        Ok(())
    }

    /// Gives out the oldest message that was not given out yet, with the adverts of records before it that are lost.
    pub(super) fn next(&mut self, now: &Now) -> (u64, Option<(Place, Message)>) {
        let mut lost = 0;
        while let Some(index) = self.giving() {
            let segment = &mut self.segments[index];
            let reader = match &mut self.reader {
                Some(reader) if reader.segment == segment.number => reader,
                reader => reader.insert(Reader::new(segment.number)),
            };
            match reader.step(&*self.disk, segment.bytes) {
                Ok(Step::Read | Step::Record(Body::Clocks(_))) => {}
                Ok(Step::Record(Body::Message(view))) => {
                    let record = segment.read;
                    segment.read += 1;
                    if segment.sent.remove(&record) {
                        self.tidy();
                        continue;
                    }
                    segment.open.insert(record);
                    segment.adverts = segment.adverts.saturating_sub(view.adverts.into());
                    let message = Message {
                        payload: reader.payload(&view).to_vec(),
                        adverts: view.adverts.into(),
                        device: view.device,
                        received: self.boots.times(segment.writer.as_ref(), &view.received, view.adverts, now),
                        ..Message::default()
                    };
                    return (lost, Some((Place { segment: segment.number, record }, message)));
                }
                Ok(Step::End) | Err(_) => {
                    // The disk lost it meanwhile.
                    lost += std::mem::take(&mut segment.adverts);
                    segment.read = segment.records;
                    self.reader = None;
                    self.tidy();
                }
            }
        }
        (lost, None)
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.number == number)
    }

    /// Whether the disk still has it.
    pub(super) fn holds(&mut self, place: Place) -> bool {
        self.segment(place.segment).is_some_and(|segment| segment.open.contains(&place.record))
    }

    /// A message that was given out need not be kept any more.
    pub(super) fn ack(&mut self, place: Place) {
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
        if self.reader.as_ref().is_some_and(|reader| reader.segment == number) {
            self.reader = None;
        }
        if let Err(error) = self.disk.remove(number) {
            tracing::debug!("segment {number:016x} of the spool cannot be removed: {error}");
        }
    }

    /// Gives up the oldest segment.
    pub(super) fn drop_oldest(&mut self) -> Oldest {
        match self.segments.front() {
            Some(oldest) if !self.is_behind(oldest.number) => {
                let (number, adverts) = (oldest.number, oldest.adverts);
                self.remove(number);
                Oldest::Dropped(number, adverts)
            }
            _ if self.is_recovering() => Oldest::Unread,
            _ => Oldest::None,
        }
    }

    /// For how long, at least, the newest message of the oldest segment has been there, in milliseconds; `None` if there is none
    /// or it is unread. No clock that may jump decides what is given up.
    pub(super) fn oldest_age(&self, now: &Now) -> Option<i64> {
        let now = &Now { wall: None, ..*now };
        let oldest = self.segments.front().filter(|oldest| !self.is_behind(oldest.number))?;
        let at = match oldest.written {
            Written::At(at) => self.boots.time(oldest.writer.as_ref(), at, now),
            Written::Before(seconds) => self.boots.before(seconds, now),
        };
        Some(now.uptime.since(at))
    }

    /// Writes the note in any case: an error if the disk still takes nothing.
    pub(super) fn probe_write(&mut self) -> io::Result<()> {
        self.noted = false;
        self.checkpoint()
    }

    /// Notes what was sent, so that a restart does not send it again.
    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        if self.noted {
            return Ok(());
        }
        let begun = self.segments.iter().map(Segment::note).filter(|note| note.read > 0);
        let unread = self.unread.iter().filter_map(|unread| unread.note.clone());
        self.written += notes::write(&*self.disk, begun.chain(unread).collect())? as u64;
        self.noted = true;
        Ok(())
    }

    /// Notes how long this boot has run, as long as something waits: it says how old that is after the next.
    pub(super) fn note_boots(&mut self, now: &Now) -> io::Result<()> {
        // Before all was read it is not known which boots matter.
        if self.segments.is_empty() || self.is_recovering() {
            return Ok(());
        }
        let wrote =
            |id| self.segments.iter().any(|segment| segment.writer.is_some_and(|writer| writer.boot == Some(id)));
        let Some(file) = self.boots.file(now, wrote) else { return Ok(()) };
        self.written += file.len() as u64;
        self.disk.write_file(BOOTS, &file)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
