//! What was sent from segments that are still there. A note may be older than the truth, and then something is sent twice, never not
//! at all.

use super::disk::Disk;
use super::sealed;
use crate::log;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::ErrorKind;

/// Name of the file; the digit is its version.
const SENT: &str = "sent2";
/// Of version 1, which has no checksum.
const SENT_1: &str = "sent";

/// Of one segment: the first `read` records were sent but for those that are `open`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) segment: u64,
    /// Which segment of that number: another version may have used it since.
    #[serde(default)]
    pub(super) identity: Option<u32>,
    pub(super) read: u32,
    pub(super) open: BTreeSet<u32>,
}

impl Note {
    pub(super) fn is_sent(&self, identity: u32, record: u32) -> bool {
        self.identity == Some(identity) && record < self.read && !self.open.contains(&record)
    }
}

/// All of them. Each version of the segments has a file of its own.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    segments: Vec<Note>,
}

/// What an earlier run noted, and the numbers of segments that the file of version 1 knows: it is not believed, since damage to it
/// could not be told.
pub(super) fn read(disk: &dyn Disk) -> (Vec<Note>, Vec<u64>) {
    let notes = open(disk).unwrap_or_default().segments;
    let older: Vec<Note> = serde_json::from_slice(&disk.read_file(SENT_1).unwrap_or_default()).unwrap_or_default();
    (notes, older.iter().map(|note| note.segment).collect())
}

/// Writes them; tells how many bytes that took.
pub(super) fn write(disk: &dyn Disk, segments: Vec<Note>) -> std::io::Result<usize> {
    let file = sealed::seal(&Notes { segments });
    disk.write_file(SENT, &file)?;
    Ok(file.len())
}

/// What an earlier run noted, if that is whole. What is wrong with it is said.
fn open(disk: &dyn Disk) -> Option<Notes> {
    let problem = match disk.read_file(SENT) {
        Ok(file) => match sealed::open(&file) {
            Some(notes) => return Some(notes),
            None => "it is damaged".to_owned(),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => error.to_string(),
    };
    log::spool_note(SENT, &problem);
    None
}
