//! A disk that fails, tears and lies, is slow, and loses its power.

use super::disk::Disk;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
pub(super) struct Platter {
    pub(super) files: BTreeMap<u64, Vec<u8>>,
    pub(super) small: BTreeMap<String, Vec<u8>>,
    /// Bytes that still can be written before the power goes off in the middle of a write.
    pub(super) power: Option<usize>,
    /// Everything that changes something fails.
    pub(super) read_only: bool,
    /// Bytes that fit.
    pub(super) room: Option<usize>,
    /// A write that failed says so only after it came through.
    pub(super) late: bool,
    pub(super) quarantined: usize,
    /// Reads that are answered; the others wait for more.
    pub(super) reads_left: Option<usize>,
    /// Reads of segments from this one on are not answered.
    pub(super) held: Option<u64>,
    /// Bytes of each read so far.
    pub(super) reads: Vec<usize>,
    /// A segment that cannot be read.
    pub(super) unreadable: Option<u64>,
}

impl Platter {
    fn holds(&self, segment: u64) -> bool {
        self.reads_left == Some(0) || self.held.is_some_and(|held| segment >= held)
    }
}

/// A disk that fails. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Faulty(Arc<(Mutex<Platter>, Condvar)>);

fn failed() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

impl Faulty {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Platter) -> T) -> T {
        let done = work(&mut self.0.0.lock().expect("no panic"));
        self.0.1.notify_all();
        done
    }

    fn change<T>(&self, work: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        self.with(|p| if p.read_only || p.power == Some(0) { Err(failed()) } else { work(p) })
    }
}

impl Disk for Faulty {
    fn list(&self) -> io::Result<Vec<(u64, u64)>> {
        Ok(self.with(|p| p.files.iter().map(|(number, bytes)| (*number, bytes.len() as u64)).rev().collect()))
    }

    fn read(&self, segment: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let platter = self.0.0.lock().expect("no panic");
        // A test that failed does not hang.
        let (mut platter, late) =
            self.0.1.wait_timeout_while(platter, PATIENCE, |p| p.holds(segment)).expect("no panic");
        if late.timed_out() {
            return Err(failed());
        }
        if let Some(left) = &mut platter.reads_left {
            *left -= 1;
        }
        if platter.unreadable == Some(segment) {
            return Err(failed());
        }
        let file = platter.files.get(&segment).ok_or_else(failed)?;
        let end = file.len().min(to as usize);
        let bytes = file.get(from as usize..end).map(<[u8]>::to_vec).unwrap_or_default();
        platter.reads.push(bytes.len());
        Ok(bytes)
    }

    fn append(&self, segment: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(|p| {
            let used: usize = p.files.values().map(Vec::len).sum();
            let fits = p.room.map_or(bytes.len(), |room| bytes.len().min(room.saturating_sub(used)));
            let through = p.power.map_or(fits, |left| fits.min(left));
            if let Some(left) = &mut p.power {
                *left -= through;
            }
            let late = std::mem::take(&mut p.late);
            let file = p.files.entry(segment).or_default();
            assert_eq!(file.len() as u64, offset, "at the end");
            file.extend_from_slice(&bytes[..through]);
            if through < bytes.len() || late { Err(failed()) } else { Ok(()) }
        })
    }

    fn truncate(&self, segment: u64, length: u64) -> io::Result<()> {
        self.change(|p| p.files.get_mut(&segment).map(|file| file.truncate(length as usize)).ok_or_else(failed))
    }

    fn remove(&self, segment: u64) -> io::Result<()> {
        self.change(|p| p.files.remove(&segment).map(drop).ok_or_else(failed))
    }

    fn quarantine(&self, _: u64) -> io::Result<()> {
        self.change(|p| {
            p.quarantined += 1;
            Ok(())
        })
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|p| {
            p.small.insert(name.to_owned(), bytes.to_vec());
            Ok(())
        })
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        self.with(|p| p.small.get(name).cloned().ok_or_else(failed))
    }
}
