//! `settings.toml` and its last good generation, `settings.toml.good`: the same text twice, each with a checksum in its first line.
//!
//! The checksum stands in a comment, so that a version that knows none reads the file as ever. A file without one is an older
//! version's, or somebody removed the line to make a change by hand count: it is taken as it is, and sealed.

use super::FileProblem;
use super::files;
use super::layer::{Kind, Layer};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// First line of what a person finds in the file.
pub(super) const HEADER: &str =
    "# Written by cassia-bypassd: what differs from the packaged settings. Change it over D-Bus.\n";
/// Before the checksum; the number is the version of this line.
const SEAL: &str = "# cassia-bypassd settings 1, CRC-32 ";
const SEAL_END: &str = " of the lines below. Remove this line to make a change by hand count.\n";

/// A text with its checksum before it.
pub(super) fn seal(text: &[u8]) -> Vec<u8> {
    let sum = crc32fast::hash(text);
    [format!("{SEAL}{sum:08x}{SEAL_END}").as_bytes(), text].concat()
}

/// Whether the checksum is right; `None` if there is none.
fn sealed(bytes: &[u8]) -> Option<bool> {
    let rest = bytes.strip_prefix(SEAL.as_bytes())?;
    let end = rest.iter().position(|byte| *byte == b'\n');
    let right = |end: usize| rest.starts_with(format!("{:08x} ", crc32fast::hash(&rest[end + 1..])).as_bytes());
    Some(end.is_some_and(right))
}

/// Where the last good generation is kept.
pub(super) fn good(path: &Path) -> PathBuf {
    path.with_added_extension("good")
}

/// What was found, and what there is to be done about it.
pub(super) struct StateFile {
    /// What is in force.
    pub(super) layer: Layer,
    /// Whether its checksum is right, so that all that it names was written with checksums.
    pub(super) sealed: bool,
    /// Its text.
    pub(super) bytes: Vec<u8>,
    /// The last good generation took over.
    pub(super) restored: Option<Restored>,
}

/// Why the last good generation took over.
pub(super) struct Restored {
    pub(super) problem: FileProblem,
    /// The file, if it could be read.
    pub(super) damaged: Option<Vec<u8>>,
    /// It is there and cannot be read: nothing is done to it.
    pub(super) unreadable: bool,
}

impl StateFile {
    pub(super) fn read(path: &Path) -> Self {
        let error = match files::read(path) {
            Ok(bytes) => return Self::of_bytes(path, bytes),
            Err(error) => error,
        };
        let gone = error.kind() == ErrorKind::NotFound;
        // Other errors pass.
        if !gone && !files::is_medium(&error) {
            return Self::unreadable(path, error);
        }
        let problem = FileProblem::of_file(path, "a readable file", error.kind().to_string());
        match last_good(path) {
            Ok(Some((layer, bytes))) => {
                let restored = Restored { problem, damaged: None, unreadable: !gone };
                Self { layer, sealed: true, bytes, restored: Some(restored) }
            }
            Ok(None) if gone => Self { layer: Layer::empty(path), sealed: false, bytes: Vec::new(), restored: None },
            Ok(None) => Self::unreadable(path, error),
            Err(error) => Self::unreadable(&good(path), error),
        }
    }

    fn of_bytes(path: &Path, bytes: Vec<u8>) -> Self {
        let sealed = sealed(&bytes);
        let mut layer = Layer::of_bytes(path, bytes.clone(), Kind::State);
        let problem = if sealed == Some(false) {
            FileProblem::of_file(path, "its checksum", "it is damaged, or was changed by hand")
        } else if layer.damaged.is_some() {
            layer.problems[0].clone()
        } else if sealed.is_none()
            && layer.keys().is_empty()
            && layer.ignored.is_empty()
            && !bytes.starts_with(HEADER.as_bytes())
        {
            FileProblem::of_file(path, "settings", "it is empty")
        } else {
            return Self { layer, sealed: sealed.is_some(), bytes, restored: None };
        };
        match last_good(path) {
            Ok(Some((layer, good))) => {
                let restored = Restored { problem, damaged: Some(bytes), unreadable: false };
                Self { layer, sealed: true, bytes: good, restored: Some(restored) }
            }
            Err(error) => Self::unreadable(&good(path), error),
            Ok(None) => {
                if sealed == Some(false) {
                    layer.problems.insert(0, problem);
                    layer.damaged.get_or_insert_with(|| bytes.clone());
                }
                Self { layer, sealed: false, bytes, restored: None }
            }
        }
    }

    fn unreadable(path: &Path, error: io::Error) -> Self {
        let layer = Layer::unreadable(path, error);
        Self { layer, sealed: false, bytes: Vec::new(), restored: None }
    }
}

/// The last good generation, if it is whole. An error may pass.
fn last_good(path: &Path) -> io::Result<Option<(Layer, Vec<u8>)>> {
    let good = good(path);
    let bytes = match files::read(&good) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound || files::is_medium(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let layer = Layer::of_bytes(path, bytes.clone(), Kind::State);
    Ok((sealed(&bytes) == Some(true) && layer.damaged.is_none()).then_some((layer, bytes)))
}
