//! A session across a restart of the service: one file, written once at the stop, gone once it was read.
//!
//! It is read once only, since a session that was used and then read again would take new packets for old ones. So after a
//! loss of power, or kill -9, there is no file, and the session is made anew.

use super::session::{OnItsWay, Owner, Store};
use crate::advert::Address;
use crate::clock::{BootId, BootTime};
use crate::config::files::{self, FileError};
use crate::log;
use crate::queue::Message;
use crate::rx_times::RxTimes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Name in the state directory.
pub(super) const NAME: &str = "session";

/// First line of the file; the packets follow.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    owner: Owner,
    messages: Vec<Entry>,
    /// When it was saved: which boot, and how long after its start.
    #[serde(default)]
    boot: Option<String>,
    #[serde(default)]
    uptime: i64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: u16,
    publish: usize,
    /// The payload is the end of PUBLISH.
    payload: usize,
    release: usize,
    adverts: u64,
    device: Option<[u8; 6]>,
    #[serde(default)]
    received: RxTimes,
}

const VERSION: u32 = 1;

/// Writes what is on its way, of these messages in flight.
pub(super) fn save(path: &Path, session: &Store, flight: &[(u64, Message)]) -> Result<(), FileError> {
    let (mut messages, mut packets) = (Vec::new(), Vec::new());
    for (id, on_its_way) in session.on_their_way() {
        let Some((_, message)) = flight.iter().find(|(tag, _)| *tag == on_its_way.tag) else { continue };
        let release = on_its_way.release.unwrap_or_default();
        // What was sent may have ages that the message has not.
        let payload = payload(&on_its_way.publish, session.owner.mqtt5).unwrap_or(&message.payload).len();
        messages.push(Entry {
            id,
            publish: on_its_way.publish.len(),
            payload,
            release: release.len(),
            adverts: message.adverts,
            device: message.device.map(|device| device.0),
            received: message.received.clone(),
        });
        packets.extend(on_its_way.publish);
        packets.extend(release);
    }
    let (boot, uptime) = (BootId::current().map(|boot| boot.to_string()), BootTime::now().0);
    let header = Header { version: VERSION, owner: session.owner.clone(), messages, boot, uptime };
    let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend(packets);
    files::replace(path, &bytes)
}

/// What a file holds of its version, whatever the rest of it has become.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Whether the session is another version's, which finds its file again when it comes back.
pub(super) fn is_foreign(path: &Path) -> bool {
    let mut first = Vec::new();
    let line = std::fs::File::open(path).and_then(|file| BufReader::new(file).read_until(b'\n', &mut first));
    let found = line.ok().and_then(|_| serde_json::from_slice::<Versioned>(&first).ok());
    let foreign = found.filter(|found| found.version != VERSION);
    if let Some(Versioned { version }) = &foreign {
        let why = format!("it has version {version} and this service writes version {VERSION}");
        log::session(path, "is left for the version that wrote it", &why);
    }
    foreign.is_some()
}

/// Reads a session and removes its file; `add` puts each message in flight and gives it a tag.
pub(super) fn take(path: &Path, add: impl FnMut(Message) -> u64) -> Option<Store> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                log::session(path, "cannot be read, what was in flight is unknown", &error.to_string());
            }
            return None;
        }
    };
    if let Err(error) = files::remove(path).and_then(|()| files::sync_parent(path)) {
        log::session(path, "cannot be removed, and is not used, since it could be used twice", &error.to_string());
        return None;
    }
    let session = read(&bytes, add);
    if session.is_none() {
        log::session(path, "is not used, what was in flight is unknown", "it is damaged");
    }
    session
}

fn read(bytes: &[u8], mut add: impl FnMut(Message) -> u64) -> Option<Store> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
    let packets = &bytes[end + 1..];
    let whole = |entry: &Entry| entry.payload <= entry.publish;
    let length =
        header.messages.iter().try_fold(0usize, |sum, e| sum.checked_add(e.publish)?.checked_add(e.release))?;
    if header.version != VERSION || length != packets.len() || !header.messages.iter().all(whole) {
        return None;
    }
    let (mut rest, mut messages) = (packets, BTreeMap::new());
    let mut take = |length: usize| {
        let (packet, after) = rest.split_at(length);
        rest = after;
        packet.to_vec()
    };
    let (now, this) = (BootTime::now(), BootId::current().map(|boot| boot.to_string()));
    let shift = match (header.boot, this) {
        (Some(then), Some(this)) if then == this => Some(0),
        // It was off for a time that is not known.
        (Some(_), Some(_)) => Some(0i64.saturating_sub(header.uptime)),
        _ => None,
    };
    for entry in header.messages {
        let (publish, release) = (take(entry.publish), take(entry.release));
        let payload = publish[publish.len() - entry.payload..].to_vec();
        let (adverts, device) = (entry.adverts, entry.device.map(Address));
        let received = received(entry.received, adverts, shift, now);
        let tag = add(Message { payload, adverts, device, received });
        let release = (!release.is_empty()).then_some(release);
        messages.insert(entry.id, OnItsWay { tag, publish, release });
    }
    Some(Store::resumed(header.owner, messages))
}

/// When the items of a message were received at the latest, on the clock of this boot.
fn received(received: RxTimes, adverts: u64, shift: Option<i64>, now: BootTime) -> RxTimes {
    match shift.filter(|_| received.oldest().is_some()) {
        Some(shift) => received.shifted(shift),
        None => RxTimes::new(now, u16::try_from(adverts).unwrap_or(0), Vec::new()),
    }
}

/// The payload of a PUBLISH packet at QoS 1 or 2.
fn payload(publish: &[u8], mqtt5: bool) -> Option<&[u8]> {
    let number = |bytes: &[u8]| {
        let length = bytes.iter().take(4).position(|byte| byte & 0x80 == 0)? + 1;
        let value = bytes[..length].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
        Some((length, value))
    };
    let (length, _) = number(publish.get(1..)?)?;
    let (topic, rest) = publish.get(1 + length..)?.split_first_chunk::<2>()?;
    let rest = rest.get(usize::from(u16::from_be_bytes(*topic)) + 2..)?;
    if !mqtt5 {
        return Some(rest);
    }
    let (length, properties) = number(rest)?;
    rest.get(length + properties..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rx_times::Run;
    use proptest::prelude::*;

    fn session() -> (Store, Vec<(u64, Message)>) {
        let draft = crate::publish::orders::tests::draft();
        let mqtt = crate::config::Config::check(&draft).expect("right").mqtt.expect("a broker");
        let packet = |tag, release| OnItsWay { tag, publish: b"\x34\x09\x00\x01aXX[1]".to_vec(), release };
        let messages = [(7, packet(1, None)), (9, packet(2, Some(b"\x62\x02\x00\x09".to_vec())))];
        let flight = [(1, 3, None), (2, 1, Some(Address([1, 2, 3, 4, 5, 6])))];
        let received = RxTimes::new(BootTime(5), 2, vec![Run { items: 1, after: 7 }]);
        let message =
            |adverts, device| Message { payload: b"[1]".to_vec(), adverts, device, received: received.clone() };
        let flight = flight.map(|(tag, adverts, device)| (tag, message(adverts, device)));
        (Store::resumed(Owner::of(&mqtt), messages.into()), flight.into())
    }

    #[test]
    fn what_is_saved_is_taken_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(NAME);
        let (session, flight) = session();
        save(&path, &session, &flight).expect("saved");
        let mut found = Vec::new();
        let add = |message| {
            found.push(message);
            found.len() as u64
        };
        let taken = take(&path, add).expect("a session");
        assert_eq!((&taken.owner, taken.on_their_way()), (&session.owner, session.on_their_way()));
        assert!(taken.established());
        assert_eq!(found, flight.into_iter().map(|(_, message)| message).collect::<Vec<_>>());
        assert!(!path.exists() && take(&path, |_| 0).is_none());
    }

    #[test]
    fn session_keeps_what_was_sent_and_since_when() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(NAME);
        let (session, mut flight) = session();
        // It was sent with an age that the message in flight has not.
        flight[0].1.payload = b"1".to_vec();
        save(&path, &session, &flight).expect("saved");
        let bytes = std::fs::read(&path).expect("read");
        let read = |bytes: &[u8]| {
            let mut found = Vec::new();
            super::read(bytes, |message| {
                found.push(message);
                1
            })
            .expect("a session");
            found
        };
        assert_eq!(read(&bytes)[0].payload, b"[1]");
        let first = |bytes: &[u8]| read(bytes)[0].received.oldest().expect("known");
        let change = |from: &str, to: &str| {
            let (head, packets) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').expect("a line"));
            let head = std::str::from_utf8(head).expect("JSON");
            assert!(head.contains(from), "{head}");
            [head.replace(from, to).as_bytes(), packets].concat()
        };
        assert_eq!(first(&bytes), BootTime(5));
        // Another boot: off for at least no time, and on since this one began.
        let this = BootId::current().expect("known").to_string();
        let other = first(&change(&this, &"0".repeat(32)));
        assert!(other.0 < 0 && BootTime::now().since(other) > BootTime::now().0, "{other:?}");
        // A version that knew no times, and a boot that is not known: since now.
        for old in [change("\"received\"", "\"then\""), change("\"boot\"", "\"then\"")] {
            assert!(first(&old) > BootTime(5));
        }
    }

    #[test]
    fn payload_is_found_behind_topic_and_properties() {
        let packet = [&b"\x34\x00\x00\x05topicXX"[..], b"[1]"].concat();
        assert_eq!(payload(&packet, false), Some(&b"[1]"[..]));
        let long = [&b"\x34\x80\x01\x00\x05topicXX\x80\x01"[..], &[7; 128], b"[1]"].concat();
        assert_eq!(payload(&long, true), Some(&b"[1]"[..]));
        for end in 0..13 {
            assert_ne!(payload(&long[..end], true), Some(&b"[1]"[..]));
        }
        assert_eq!(payload(b"\x34\xFF\xFF\xFF\xFF\xFF", true), None);
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_no_session_or_a_whole_one(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut: bool) {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join(NAME);
            let (session, flight) = session();
            save(&path, &session, &flight).expect("saved");
            let mut bytes = std::fs::read(&path).expect("read");
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let whole = read(&bytes, |_| 1).is_none_or(|session| session.on_their_way().len() == 2);
            prop_assert!(whole);
            prop_assert!(!cut || read(&bytes, |_| 1).is_none());
        }
    }
}
