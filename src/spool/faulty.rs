//! A disk that fails, tears and lies, and loses its power.

use super::disk::Disk;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

#[derive(Debug, Default)]
pub(super) struct Platter {
    pub(super) files: BTreeMap<u64, Vec<u8>>,
    note: Option<Vec<u8>>,
    /// Bytes that still can be written before the power goes off in the middle of a write.
    pub(super) power: Option<usize>,
    /// Everything that changes something fails.
    pub(super) read_only: bool,
    /// Bytes that fit.
    pub(super) room: Option<usize>,
    /// A write that failed says so only after it came through.
    pub(super) late: bool,
    pub(super) aside: usize,
}

/// See the module. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Faulty(pub(super) Arc<Mutex<Platter>>);

fn failed() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

impl Faulty {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Platter) -> T) -> T {
        work(&mut self.0.lock().expect("no panic"))
    }

    fn change<T>(&self, work: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        self.with(|p| if p.read_only || p.power == Some(0) { Err(failed()) } else { work(p) })
    }
}

impl Disk for Faulty {
    fn list(&mut self) -> io::Result<Vec<u64>> {
        Ok(self.with(|p| p.files.keys().copied().rev().collect()))
    }

    fn read(&mut self, segment: u64) -> io::Result<Vec<u8>> {
        self.with(|p| p.files.get(&segment).cloned().ok_or_else(failed))
    }

    fn read_range(&mut self, segment: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let bytes = self.read(segment)?;
        bytes.get(from as usize..to as usize).map(<[u8]>::to_vec).ok_or_else(failed)
    }

    fn append(&mut self, segment: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
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

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        self.change(|p| p.files.get_mut(&segment).map(|file| file.truncate(length as usize)).ok_or_else(failed))
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.change(|p| p.files.remove(&segment).map(drop).ok_or_else(failed))
    }

    fn put_aside(&mut self, _: u64) -> io::Result<()> {
        self.change(|p| {
            p.aside += 1;
            Ok(())
        })
    }

    fn write_note(&mut self, note: &[u8]) -> io::Result<()> {
        self.change(|p| {
            p.note = Some(note.to_vec());
            Ok(())
        })
    }

    fn read_note(&mut self) -> io::Result<Vec<u8>> {
        self.with(|p| p.note.clone().ok_or_else(failed))
    }
}
