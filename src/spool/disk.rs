//! The files of the spool. Tests put another disk here, which fails, tears and lies.

use crate::config::files;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::PathBuf;

/// Segments by number, and the note of what was sent.
pub(super) trait Disk: Send {
    /// Makes the directory, if it is not there, and lists its segments.
    fn list(&mut self) -> io::Result<Vec<u64>>;
    /// A whole segment.
    fn read(&mut self, segment: u64) -> io::Result<Vec<u8>>;
    /// These bytes of a segment.
    fn read_range(&mut self, segment: u64, from: u64, to: u64) -> io::Result<Vec<u8>>;
    /// Writes at this offset, the end, and returns once it will last. Offset 0 makes the segment.
    fn append(&mut self, segment: u64, offset: u64, bytes: &[u8]) -> io::Result<()>;
    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()>;
    fn remove(&mut self, segment: u64) -> io::Result<()>;
    /// Keeps a segment as it is for people, in the place of the last that was put aside.
    fn put_aside(&mut self, segment: u64) -> io::Result<()>;
    /// Replaces the note in one step.
    fn write_note(&mut self, note: &[u8]) -> io::Result<()>;
    fn read_note(&mut self) -> io::Result<Vec<u8>>;
}

/// A directory.
pub(super) struct Files(pub(super) PathBuf);

const NOTE: &str = "sent";
const ASIDE: &str = "damaged.bad";

impl Files {
    fn path(&self, segment: u64) -> PathBuf {
        self.0.join(format!("{segment:016x}.seg"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl Disk for Files {
    fn list(&mut self) -> io::Result<Vec<u64>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg"));
            segments.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
        }
        Ok(segments)
    }

    fn read(&mut self, segment: u64) -> io::Result<Vec<u8>> {
        std::fs::read(self.path(segment))
    }

    fn read_range(&mut self, segment: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(segment))?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity((to - from) as usize);
        file.take(to - from).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, segment: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        if offset == 0 {
            options.create_new(true);
        }
        let mut file = options.open(self.path(segment))?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        file.sync_data()?;
        if offset == 0 { self.sync() } else { Ok(()) }
    }

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(segment))?;
        file.set_len(length)?;
        file.sync_data()
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        std::fs::remove_file(self.path(segment))
    }

    fn put_aside(&mut self, segment: u64) -> io::Result<()> {
        let aside = self.0.join(ASIDE);
        match std::fs::remove_file(&aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // A second name costs no space and no writing.
        std::fs::hard_link(self.path(segment), aside)
    }

    fn write_note(&mut self, note: &[u8]) -> io::Result<()> {
        files::replace(&self.0.join(NOTE), note).map_err(|error| error.source)
    }

    fn read_note(&mut self) -> io::Result<Vec<u8>> {
        let file = File::open(self.0.join(NOTE))?;
        let mut note = vec![0; file.metadata()?.len() as usize];
        file.read_exact_at(&mut note, 0)?;
        Ok(note)
    }
}
