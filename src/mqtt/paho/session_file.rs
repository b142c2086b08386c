//! A session across a restart of the service: one file, written once at the stop, gone once it was read.
//!
//! It is read once only, since a session that was used and then read again would take new packets for old ones. So after a
//! loss of power, or kill -9, there is no file, and the session is made anew.
//!
//! ```text
//! a line of JSON: version, owner, messages with the lengths and the CRC-32 of their packets
//! CRC-32 of that line
//! packets
//! adverts of all messages, CRC-32 of that number
//! ```
//! A damaged file is no session any more. Its whole messages are sent anew, the adverts of the others are counted.

use crate::config::files::{self, FileError};
use crate::log;
use crate::model::{Address, BootId, BootTime, Message, MessageId, RxTimes};
use crate::mqtt::paho::session::{Owner, PendingPublish, Session};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// Name in the state directory.
pub(crate) const NAME: &str = "session";
/// The last one that could not be used.
const ASIDE: &str = "session.bad";

/// First line of the file.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    version: u32,
    owner: Owner,
    pub(crate) messages: Vec<Entry>,
    /// When it was saved: which boot, and how long after its start.
    #[serde(default)]
    boot: Option<String>,
    #[serde(default)]
    uptime: i64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    id: u16,
    publish: usize,
    /// The payload is the end of PUBLISH.
    payload: usize,
    release: usize,
    /// Of both packets; version 1 had none.
    #[serde(default)]
    sum: u32,
    pub(crate) adverts: u64,
    device: Option<[u8; 6]>,
    #[serde(default)]
    received: RxTimes,
}

const VERSION: u32 = 2;
/// It has no checksums: line of JSON, packets.
const VERSION_1: u32 = 1;

/// So often, and with such pauses, a file is read that cannot be read.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Writes what is on its way, of these messages in flight. `Some` if the file is in place and a loss of power may undo that.
pub(crate) fn save(path: &Path, session: &Session, flight: &[&Message]) -> Result<Option<FileError>, FileError> {
    let (mut messages, mut packets) = (Vec::new(), Vec::new());
    for (id, pending) in session.pending() {
        let Some(message) = flight.iter().find(|message| message.id == pending.message_id) else { continue };
        let release = pending.release.unwrap_or_default();
        // What was sent may have ages that the message has not.
        let payload = parts(&pending.publish, session.owner.mqtt5).map_or(&*message.payload, |(_, payload)| payload);
        let both = [&pending.publish[..], &release].concat();
        messages.push(Entry {
            id,
            publish: pending.publish.len(),
            payload: payload.len(),
            release: release.len(),
            sum: crc32fast::hash(&both),
            adverts: message.adverts,
            device: message.device.map(|device| device.0),
            received: message.received.clone(),
        });
        packets.extend(both);
    }
    let adverts = messages.iter().map(|entry| entry.adverts).sum::<u64>().to_string();
    let (boot, uptime) = (BootId::current().map(|boot| boot.to_string()), BootTime::now().0);
    let header = Header { version: VERSION, owner: session.owner.clone(), messages, boot, uptime };
    let mut bytes = sealed(&serde_json::to_vec(&header).unwrap_or_default(), b'\n');
    bytes.extend(packets);
    bytes.push(b'\n');
    bytes.extend(sealed(adverts.as_bytes(), b' '));
    files::replace(path, &bytes)
}

/// A text and its checksum.
pub(crate) fn sealed(text: &[u8], between: u8) -> Vec<u8> {
    [text, &[between], format!("{:08x}\n", crc32fast::hash(text)).as_bytes()].concat()
}

/// A text with its checksum at the start of these bytes, and where they end.
fn open(bytes: &[u8], between: u8) -> Option<(&[u8], usize)> {
    let text = &bytes[..bytes.iter().position(|byte| *byte == between)?];
    let sealed = sealed(text, between);
    bytes.starts_with(&sealed).then_some((text, sealed.len()))
}

/// What a file holds of its version, whatever the rest of it has become.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The packets of a message; `None` if they are damaged.
pub(crate) type Packets<'a> = Option<(&'a [u8], &'a [u8])>;

/// What a file turned out to be.
pub(crate) enum Found<'a> {
    /// Its messages, each with its packets.
    Session(Header, Vec<Packets<'a>>),
    /// Another version's, which finds its file again when it comes back.
    Foreign(u32),
    /// Damaged: adverts that are lost, if that is known.
    Nothing(Option<u64>),
}

/// What is left of the session of an earlier run.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) session: Option<Session>,
    /// The file is another version's, and is to be left where it is.
    pub(crate) foreign: bool,
    /// Adverts of messages that are damaged.
    pub(crate) lost: u64,
}

/// Reads a session and takes its file away; `add` puts each message in flight and gives it an id.
pub(crate) fn take(path: &Path, add: impl FnMut(Message) -> MessageId) -> Taken {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Taken::default(),
        Err(error) => {
            // The next run would find it, older than what the broker knows by then.
            drop(put_aside(path));
            log::session(path, "cannot be read, how much was in flight is unknown", &error.to_string());
            return Taken::default();
        }
    };
    let found = find(&bytes);
    let removed = match &found {
        Found::Foreign(version) => {
            let why = format!("it has version {version} and this service writes version {VERSION}");
            log::session(path, "is left for the version that wrote it", &why);
            return Taken { foreign: true, ..Taken::default() };
        }
        Found::Session(_, packets) if packets.iter().all(Option::is_some) => files::remove(path),
        Found::Session(..) | Found::Nothing(_) => put_aside(path),
    };
    if let Err(error) = removed.and_then(|()| files::sync_parent(path)) {
        log::session(path, "cannot be removed, and is not used, since it could be used twice", &error.to_string());
        return Taken::default();
    }
    match found {
        Found::Session(header, packets) => resume(path, header, &packets, add),
        Found::Nothing(lost) => {
            let what = match lost {
                Some(_) => "is not used, its adverts are counted as lost",
                None => "is not used, how much was in flight is unknown",
            };
            log::session(path, what, "it is damaged");
            Taken { lost: lost.unwrap_or(0), ..Taken::default() }
        }
        Found::Foreign(_) => Taken::default(),
    }
}

/// What keeps a file from being read may pass.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut tries = 1;
    loop {
        match files::read(path) {
            Err(error) if error.kind() != ErrorKind::NotFound && tries < TRIES => std::thread::sleep(PAUSE),
            result => return result,
        }
        tries += 1;
    }
}

fn put_aside(path: &Path) -> Result<(), FileError> {
    let moved = std::fs::rename(path, path.with_file_name(ASIDE));
    moved.map_err(|source| FileError { path: path.to_owned(), source })
}

pub(crate) fn find(bytes: &[u8]) -> Found<'_> {
    let Some((line, end)) = open(bytes, b'\n') else {
        return find_1(bytes).unwrap_or_else(|| Found::Nothing(adverts(bytes)));
    };
    let rest = &bytes[end..];
    match serde_json::from_slice(line).map(|Versioned { version }| version) {
        Ok(VERSION) => {}
        Ok(version) => return Found::Foreign(version),
        Err(_) => return Found::Nothing(adverts(bytes)),
    }
    let Ok(header) = serde_json::from_slice::<Header>(line) else { return Found::Nothing(adverts(bytes)) };
    let packets = split(&header, rest, |entry, both| crc32fast::hash(both) == entry.sum);
    Found::Session(header, packets)
}

/// Adverts of all messages, from the end of the file.
fn adverts(bytes: &[u8]) -> Option<u64> {
    let line = bytes.strip_suffix(b"\n")?;
    let start = line.iter().rposition(|byte| *byte == b'\n')? + 1;
    let (number, _) = open(&bytes[start..], b' ').filter(|(_, end)| start + end == bytes.len())?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Version 1: what is no such packet, or not of the right length, is damaged. A payload was JSON.
fn find_1(bytes: &[u8]) -> Option<Found<'_>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let header: Header =
        serde_json::from_slice(&bytes[..end]).ok().filter(|header: &Header| header.version == VERSION_1)?;
    let packets = split(&header, &bytes[end + 1..], |entry, both| {
        let (publish, release) = both.split_at(entry.publish);
        let known = parts(publish, header.owner.mqtt5).is_some_and(|(id, payload)| {
            id == entry.id && payload.len() == entry.payload && serde_json::from_slice::<IgnoredAny>(payload).is_ok()
        });
        known && (release.is_empty() || release.get(2..4) == Some(&entry.id.to_be_bytes()))
    });
    let length = header.messages.iter().try_fold(end + 1, |sum, e| sum.checked_add(e.publish)?.checked_add(e.release));
    Some(match length == Some(bytes.len()) && packets.iter().all(Option::is_some) {
        true => Found::Session(header, packets),
        // A number in it may be what is damaged; a later version tells at the end.
        false => Found::Nothing(adverts(bytes)),
    })
}

/// The packets of each message, if they are right.
fn split<'a>(header: &Header, mut rest: &'a [u8], right: impl Fn(&Entry, &[u8]) -> bool) -> Vec<Packets<'a>> {
    let mut packet = |entry: &Entry| {
        let both = entry.publish.checked_add(entry.release).and_then(|length| rest.split_at_checked(length));
        let (both, after) = both.unwrap_or((&[], &[]));
        rest = after;
        let whole = !both.is_empty() && entry.payload <= entry.publish && right(entry, both);
        whole.then(|| both.split_at(entry.publish))
    };
    header.messages.iter().map(&mut packet).collect()
}

pub(crate) fn resume(
    path: &Path,
    header: Header,
    packets: &[Packets<'_>],
    mut add: impl FnMut(Message) -> MessageId,
) -> Taken {
    let (now, this) = (BootTime::now(), BootId::current().map(|boot| boot.to_string()));
    let shift = match (header.boot, this) {
        (Some(then), Some(this)) if then == this => Some(0),
        // It was off for a time that is not known.
        (Some(_), Some(_)) => Some(0i64.saturating_sub(header.uptime)),
        _ => None,
    };
    let (mut messages, mut lost) = (BTreeMap::new(), 0u64);
    for (entry, packets) in header.messages.into_iter().zip(packets) {
        let (adverts, device) = (entry.adverts, entry.device.map(Address));
        let Some((publish, release)) = packets else {
            lost = lost.saturating_add(adverts);
            continue;
        };
        let payload = publish[publish.len() - entry.payload..].to_vec();
        let received = received(entry.received, adverts, shift, now);
        let message_id = add(Message { payload, adverts, device, received, ..Message::default() });
        let release = (!release.is_empty()).then(|| release.to_vec());
        messages.insert(entry.id, PendingPublish { message_id, publish: publish.to_vec(), release });
    }
    if packets.iter().all(Option::is_some) {
        return Taken { session: Some(Session::resumed(header.owner, messages)), ..Taken::default() };
    }
    // A session that is not known wholly is none: what is left of it is sent anew.
    log::session(
        path,
        "is not used, its whole messages are sent anew and the adverts of the others are counted as lost",
        "it is damaged",
    );
    Taken { lost, ..Taken::default() }
}

/// When the items of a message were received at the latest, on the clock of this boot.
fn received(received: RxTimes, adverts: u64, shift: Option<i64>, now: BootTime) -> RxTimes {
    match shift.filter(|_| received.oldest().is_some()) {
        Some(shift) => received.shifted(shift),
        None => RxTimes::new(now, u16::try_from(adverts).unwrap_or(0), Vec::new()),
    }
}

/// Packet id and payload of a PUBLISH packet at QoS 1 or 2.
fn parts(publish: &[u8], mqtt5: bool) -> Option<(u16, &[u8])> {
    let number = |bytes: &[u8]| {
        let length = bytes.iter().take(4).position(|byte| byte & 0x80 == 0)? + 1;
        let value = bytes[..length].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
        Some((length, value))
    };
    let (length, _) = number(publish.get(1..)?)?;
    let (topic, rest) = publish.get(1 + length..)?.split_first_chunk::<2>()?;
    let (id, rest) = rest.get(usize::from(u16::from_be_bytes(*topic))..)?.split_first_chunk::<2>()?;
    let id = u16::from_be_bytes(*id);
    if !mqtt5 {
        return Some((id, rest));
    }
    let (length, properties) = number(rest)?;
    Some((id, rest.get(length + properties..)?))
}

#[cfg(test)]
#[path = "session_file_tests.rs"]
mod tests;
