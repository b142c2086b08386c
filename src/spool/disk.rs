//! The files of the spool. Tests put another disk here, which fails, tears and lies.

use crate::config::files;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// Segments by number, and small files beside them. The recovery uses it from a thread of its own.
pub(super) trait Disk: Send + Sync {
    /// Makes the directory, if it is not there, and lists its segments with their bytes.
    fn list(&self) -> io::Result<Vec<(u64, u64)>>;
    /// These bytes of a segment; fewer if it is shorter.
    fn read(&self, segment: u64, from: u64, to: u64) -> io::Result<Vec<u8>>;
    /// Writes at this offset, the end, and returns once it will last. Offset 0 makes the segment.
    fn append(&self, segment: u64, offset: u64, bytes: &[u8]) -> io::Result<()>;
    fn truncate(&self, segment: u64, length: u64) -> io::Result<()>;
    fn remove(&self, segment: u64) -> io::Result<()>;
    /// Keeps a segment as it is for people, in the place of the last that was quarantined.
    fn quarantine(&self, segment: u64) -> io::Result<()>;
    /// Replaces a small file in one step.
    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn read_file(&self, name: &str) -> io::Result<Vec<u8>>;
}

/// A directory.
pub(super) struct Files(pub(super) PathBuf);

const QUARANTINED: &str = "damaged.bad";
/// More than any of the small files needs.
const SMALL: u64 = 4 << 20;

impl Files {
    fn path(&self, segment: u64) -> PathBuf {
        self.0.join(format!("{segment:016x}.seg"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl Disk for Files {
    fn list(&self) -> io::Result<Vec<(u64, u64)>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| u64::from_str_radix(name.strip_suffix(".seg")?, 16).ok());
            let Some(number) = number.filter(|number| self.path(*number).ends_with(&name)) else { continue };
            match entry.metadata() {
                // A pipe, or whatever else lies there, is not opened.
                Ok(about) if about.is_file() => segments.push((number, about.len())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(segments)
    }

    fn read(&self, segment: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(segment))?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity((to - from) as usize);
        file.take(to - from).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&self, segment: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
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

    fn truncate(&self, segment: u64, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(segment))?;
        file.set_len(length)?;
        file.sync_data()
    }

    fn remove(&self, segment: u64) -> io::Result<()> {
        std::fs::remove_file(self.path(segment))
    }

    fn quarantine(&self, segment: u64) -> io::Result<()> {
        let quarantined = self.0.join(QUARANTINED);
        match std::fs::remove_file(&quarantined) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // A second name costs no space and no writing.
        std::fs::hard_link(self.path(segment), quarantined)
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        files::replace(&self.0.join(name), bytes).map(drop).map_err(|error| error.source)
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.0.join(name))?.take(SMALL).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
