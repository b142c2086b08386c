//! Files that are whole or absent, whatever happens to the power.

use std::fs::{DirBuilder, File, OpenOptions, rename};
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

/// Writes a file that must not exist yet, mode 0600, down to the disk. Its directory is not synced.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    at(path, write())
}

/// Replaces a file in one step: the old text or the new one is there at any moment.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = temporary(path);
    remove(&temporary)?;
    write_new(&temporary, bytes).inspect_err(|_| drop(remove(&temporary)))?;
    at(path, rename(&temporary, path)).inspect_err(|_| drop(remove(&temporary)))?;
    sync_parent(path)
}

/// Where the next text of a file is written.
pub(super) fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => at(path, other),
    }
}

/// Makes the names in a file's directory last.
pub(crate) fn sync_parent(path: &Path) -> Result<(), FileError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    at(parent, File::open(parent).and_then(|directory| directory.sync_all()))
}

/// A directory for us alone, if it is not there yet.
pub(super) fn private_directory(path: &Path) -> Result<(), FileError> {
    at(path, DirBuilder::new().recursive(true).mode(0o700).create(path))
}
