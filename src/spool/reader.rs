//! Reads a segment from its start, a bounded piece at a time: what it holds is of no matter to memory and time.

use super::disk::Disk;
use super::record::{self, Body, Found, LONGEST, Version, View};
use std::io;

/// Bytes that one step reads at most.
pub(super) const PIECE: u64 = 256 << 10;
/// What is read of a segment: more than is written to one.
pub(super) const LONGEST_SEGMENT: u64 = 2 * LONGEST as u64;
/// So often each byte of a segment of version 1 may be read in vain.
const IN_VAIN: u64 = 8;

/// What a step came to.
#[derive(Debug)]
pub(super) enum Step {
    /// The next whole record.
    Record(Body),
    /// A piece was read.
    Read,
    /// There is no whole record any more.
    End,
}

/// Reads a segment.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) segment: u64,
    /// What was read and not passed over yet, and where in the segment it begins.
    buffer: Vec<u8>,
    offset: u64,
    /// How much of the buffer was passed over, and where in it the last record began.
    at: usize,
    record: usize,
    version: Option<Version>,
    identity: u32,
    budget: Option<u64>,
    /// Where in the segment the last whole record ends.
    end: u64,
    /// Whether something that is no record lies before that.
    gaps: bool,
}

impl Reader {
    pub(super) fn new(segment: u64) -> Self {
        let (buffer, version, budget) = (Vec::new(), None, None);
        Self { segment, buffer, offset: 0, at: 0, record: 0, version, identity: 0, budget, end: 0, gaps: false }
    }

    /// Goes on in a segment of so many bytes.
    pub(super) fn step(&mut self, disk: &dyn Disk, bytes: u64) -> io::Result<Step> {
        let bytes = bytes.min(LONGEST_SEGMENT);
        let Some(version) = self.version else {
            let Some(magic) = self.buffer.first_chunk::<8>() else {
                return if (self.buffer.len() as u64) < bytes { self.read(disk, bytes) } else { Ok(Step::End) };
            };
            let version = Version::of(magic);
            (self.version, self.identity) = (Some(version), record::identity(&self.buffer));
            if matches!(version, Version::One | Version::Two) {
                (self.at, self.end) = (magic.len(), magic.len() as u64);
            }
            return self.step(disk, bytes);
        };
        let budget = self.budget.get_or_insert(IN_VAIN * bytes);
        loop {
            let rest = &self.buffer[self.at.min(self.buffer.len())..];
            let position = self.offset + self.at as u64;
            let left = bytes.saturating_sub(position);
            if left == 0 || matches!(version, Version::Foreign(_)) {
                return Ok(Step::End);
            }
            let skip = match record::find(rest, version, budget) {
                Found::Record(body, length) => {
                    self.gaps |= position != self.end;
                    self.end = position + length as u64;
                    (self.record, self.at) = (self.at, self.at + length);
                    return Ok(Step::Record(body));
                }
                Found::More { bytes: needed, .. } if needed as u64 <= left => return self.read(disk, bytes),
                // It was torn off.
                Found::More { sure: true, .. } => left as usize,
                Found::Damaged(length) => length,
                Found::More { sure: false, .. } | Found::Nothing => 1,
            };
            self.at += skip;
        }
    }

    fn read(&mut self, disk: &dyn Disk, bytes: u64) -> io::Result<Step> {
        let over = self.at.min(self.buffer.len());
        self.buffer.drain(..over);
        (self.offset, self.at) = (self.offset + over as u64, self.at - over);
        let from = self.offset + self.buffer.len() as u64;
        let piece = disk.read(self.segment, from, bytes.min(from + PIECE))?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend(piece);
        Ok(Step::Read)
    }

    /// The payload of the message that was just found.
    pub(super) fn payload(&self, view: &View) -> &[u8] {
        &self.buffer[self.record..][view.payload.clone()]
    }

    /// What the first bytes say, once they were read.
    pub(super) fn version(&self) -> Option<Version> {
        self.version
    }

    /// See [`record::identity`]; known with the version.
    pub(super) fn identity(&self) -> u32 {
        self.identity
    }

    /// Where the last whole record ends, and whether something that is none lies before that.
    pub(super) fn whole(&self) -> (u64, bool) {
        (self.end, self.gaps)
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
