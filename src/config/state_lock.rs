//! The lock of the state directory: of two services only one reads the session and the spool, and writes.

use super::files;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The parts of a service share it; the lock is held until the last of them has dropped it.
#[derive(Debug)]
pub struct StateLock {
    directory: PathBuf,
    held: Mutex<Option<File>>,
}

impl StateLock {
    /// Of this directory; not taken yet.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), held: Mutex::default() }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Takes it, unless it is held already. Says why not, if another service has it or the directory is not there.
    pub fn take(&self) -> io::Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        // Read-only media and a missing directory are no reason not to start.
        drop(files::private_directory(&self.directory));
        let directory = files::call(|| File::open(&self.directory))?;
        match rustix::fs::flock(&directory, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let used = format!("another cassia-bypassd uses {}", self.directory.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, used));
            }
            taken => taken?,
        }
        *held = Some(directory);
        Ok(())
    }
}
