//! Files that are whole or absent, whatever happens to the power.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// An input/output error and the file it is about.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct FileError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Adds the file to an input/output error.
pub(super) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FileError> {
    result.map_err(|source| FileError { path: path.to_owned(), source })
}

/// One call of the system. Tests make a chosen one fail.
pub(super) fn call<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(test)]
    faults::next()?;
    work()
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    call(|| std::fs::read(path))
}

/// A medium that fails says so at each attempt; other errors pass.
pub(crate) fn is_medium(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// Whether there is no room for one more file at the moment.
pub(super) fn is_short(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM].iter().any(|short| error.raw_os_error() == Some(short.raw_os_error()))
}

/// Writes a file that must not exist yet, mode 0600, down to the disk. Its directory is not synced.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || {
        let mut file = call(|| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path))?;
        call(|| file.write_all(bytes))?;
        call(|| file.sync_all())
    };
    at(path, write())
}

/// Replaces a file in one step: the old text or the new one is there at any moment. After an error it is the old one. The new one is
/// in place with `Some` too: then its directory could not be synced, and a loss of power may bring the old one back.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<Option<FileError>, FileError> {
    let temporary = temporary(path);
    remove(&temporary)?;
    write_new(&temporary, bytes).inspect_err(|_| drop(remove(&temporary)))?;
    at(path, call(|| std::fs::rename(&temporary, path))).inspect_err(|_| drop(remove(&temporary)))?;
    Ok(sync_parent(path).err())
}

/// Where the next text of a file is written.
pub(super) fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match call(|| std::fs::remove_file(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => at(path, other),
    }
}

/// Makes the names in a file's directory last.
pub(crate) fn sync_parent(path: &Path) -> Result<(), FileError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    at(parent, call(|| File::open(parent)).and_then(|directory| call(|| directory.sync_all())))
}

/// A directory for us alone, if it is not there yet.
pub(super) fn private_directory(path: &Path) -> Result<(), FileError> {
    at(path, call(|| DirBuilder::new().recursive(true).mode(0o700).create(path)))
}

/// Calls that fail, of this thread.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        /// Calls that still succeed, how many fail then, and with which error.
        static NEXT: Cell<(u32, u32, i32)> = const { Cell::new((u32::MAX, 0, 0)) };
    }

    pub(super) fn next() -> io::Result<()> {
        let (before, failing, error) = NEXT.get();
        if before > 0 {
            NEXT.set((before.saturating_sub(u32::from(before != u32::MAX)), failing, error));
            return Ok(());
        }
        if failing == 0 {
            return Ok(());
        }
        NEXT.set((0, failing - 1, error));
        Err(io::Error::from_raw_os_error(error))
    }

    /// Does some work while so many calls fail after the first ones. Tells whether the work came so far.
    pub(crate) fn with<T>(before: u32, failing: u32, error: i32, work: impl FnOnce() -> T) -> (T, bool) {
        NEXT.set((before, failing, error));
        let done = work();
        let (left, still, _) = NEXT.replace((u32::MAX, 0, 0));
        (done, left == 0 && still < failing)
    }
}
