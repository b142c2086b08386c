use super::*;
use crate::model::Run;
use proptest::prelude::*;

/// A PUBLISH at QoS 2 of `[n]`.
fn publish(id: u16, n: u8) -> Vec<u8> {
    [&b"\x34\x08\x00\x01a"[..], &id.to_be_bytes(), b"[", &[b'0' + n], b"]"].concat()
}

/// Two messages of 3 and 200 adverts.
fn session() -> (Session, Vec<Message>) {
    let mut candidate = crate::config::Candidate::default();
    (candidate.raw.protocol, candidate.raw.host) = ("mqtt".into(), "broker".into());
    let mqtt = crate::config::Config::check(&candidate).expect("right").mqtt.expect("a broker");
    let packet =
        |message_id, id, release| PendingPublish { message_id, publish: publish(id, message_id as u8), release };
    let messages = [(7, packet(1, 7, None)), (9, packet(2, 9, Some(b"\x62\x02\x00\x09".to_vec())))];
    let flight = [(1, 3, None), (2, 200, Some(Address([1, 2, 3, 4, 5, 6])))];
    let received = RxTimes::new(BootTime(5), 2, vec![Run { items: 1, after: 7 }]);
    let message = |(id, adverts, device)| Message {
        id,
        payload: publish(0, id as u8)[7..].to_vec(),
        adverts,
        device,
        received: received.clone(),
    };
    (Session::resumed(Owner::of(&mqtt.broker), messages.into()), flight.map(message).into())
}

struct Place {
    _directory: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { path: directory.path().join(NAME), _directory: directory }
    }

    /// The file of [`session`].
    fn saved(&self) -> Vec<u8> {
        let (session, flight) = session();
        assert!(save(&self.path, &session, &flight.iter().collect::<Vec<_>>()).expect("saved").is_none());
        std::fs::read(&self.path).expect("read")
    }

    /// What is taken of a file.
    fn take(&self, bytes: &[u8]) -> (Taken, Vec<Message>) {
        std::fs::write(&self.path, bytes).expect("written");
        let mut found = Vec::new();
        let add = |mut message: Message| {
            // As the payload has it.
            message.id = message.payload.get(1).map_or(0, |digit| u64::from(digit.wrapping_sub(b'0')));
            found.push(message);
            found.len() as u64
        };
        let taken = take(&self.path, add);
        (taken, found)
    }
}

/// The same file as version 1 wrote it.
fn version_1(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("a line");
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[..end]).expect("JSON");
    header["version"] = 1.into();
    header["messages"].as_array_mut().expect("messages").iter_mut().for_each(|entry| {
        entry.as_object_mut().expect("an entry").remove("sum").expect("a checksum");
    });
    let packets: usize = 10 + 10 + 4;
    [header.to_string().as_bytes(), b"\n", &bytes[end + 10..][..packets]].concat()
}

#[test]
fn session_is_taken_once() {
    let place = Place::new();
    let (session, flight) = session();
    for bytes in [place.saved(), version_1(&place.saved())] {
        let (taken, found) = place.take(&bytes);
        let resumed = taken.session.expect("a session");
        assert_eq!((&resumed.owner, resumed.pending()), (&session.owner, session.pending()));
        assert!(resumed.established() && taken.lost == 0 && found == flight);
        assert!(!place.path.exists() && take(&place.path, |_| 0).session.is_none());
        assert!(!place.path.with_file_name(ASIDE).exists());
    }
}

/// Every byte, each bit of it and another digit: no message that is not one of them, and no advert that is not counted.
#[test]
fn session_that_is_damaged_gives_whole_messages_and_counts_the_others() {
    let place = Place::new();
    let (bytes, (_, flight)) = (place.saved(), session());
    let mut sessions = 0;
    let damaged = (0..bytes.len()).flat_map(|at| {
        let changes = (0..8).map(move |bit| 1u8 << bit).chain([bytes[at] ^ b'1', bytes[at] ^ b'9', bytes[at]]);
        let bytes = bytes.clone();
        changes.filter(|change| *change != 0).map(move |change| {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            (at, damaged)
        })
    });
    for (at, damaged) in damaged {
        let (taken, found) = place.take(&damaged);
        assert!(found.iter().all(|message| flight.contains(message)), "byte {at}");
        let adverts = found.iter().map(|message| message.adverts).sum::<u64>();
        assert_eq!((adverts + taken.lost, taken.foreign), (203, false), "byte {at}");
        sessions += usize::from(taken.session.is_some());
        assert!(taken.session.is_none_or(|known| known.pending().len() == 2 && known.owner == session().0.owner));
    }
    assert!(sessions > 0, "what is damaged is the number at the end");
}

#[test]
fn session_that_is_cut_gives_whole_messages_and_counts_the_others() {
    let place = Place::new();
    let (bytes, (_, flight)) = (place.saved(), session());
    let header = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 10;
    for end in 0..bytes.len() {
        let (taken, found) = place.take(&bytes[..end]);
        assert!(found.iter().all(|message| flight.contains(message)), "cut at {end}");
        let adverts = found.iter().map(|message| message.adverts).sum::<u64>();
        let known = if end < header { 0 } else { 203 };
        assert_eq!(adverts + taken.lost, known, "cut at {end}");
    }
}

#[test]
fn session_of_version_1_that_is_damaged_gives_no_packet_that_is_none() {
    let place = Place::new();
    let bytes = version_1(&place.saved());
    let header = bytes.iter().position(|byte| *byte == b'\n').expect("a line");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let (taken, found) = place.take(&damaged);
            // A digit of the payload cannot be told from a right one.
            let known = |m: &Message| serde_json::from_slice::<Vec<u8>>(&m.payload).is_ok_and(|items| items.len() == 1);
            assert!(found.iter().all(known), "byte {at}");
            let packets = taken.session.map(|session| session.pending()).unwrap_or_default();
            let whole = |m: &PendingPublish| m.publish[..5] == publish(0, 0)[..5] || at > header;
            assert!(packets.values().all(whole), "byte {at}");
        }
    }
}

#[test]
fn session_of_another_version_is_left_where_it_is() {
    let place = Place::new();
    for header in [&b"{\"version\":3}"[..], b"{\"version\":12,\"what\":[1]}"] {
        let bytes = [&sealed(header, b'\n'), &b"whatever"[..]].concat();
        let (taken, found) = place.take(&bytes);
        assert!(taken.foreign && taken.session.is_none() && taken.lost == 0 && found.is_empty());
        assert_eq!(std::fs::read(&place.path).expect("still there"), bytes);
    }
}

#[test]
fn session_that_cannot_be_read_is_tried_again_and_never_twice() {
    use crate::config::files::faults;
    let place = Place::new();
    let bytes = place.saved();
    let ((taken, found), reached) = faults::with(0, 1, 24, || place.take(&bytes));
    assert!(reached && taken.session.is_some() && found.len() == 2, "EMFILE passes");
    let ((taken, found), reached) = faults::with(0, TRIES, 5, || place.take(&bytes));
    assert!(reached && taken.session.is_none() && found.is_empty());
    assert_eq!(std::fs::read(place.path.with_file_name(ASIDE)).expect("kept for people"), bytes);
    assert!(!place.path.exists(), "the next run has another session");
}

/// What a save says, and what the next start finds.
#[test]
fn session_is_saved_or_not_whichever_call_of_the_system_fails() {
    use crate::config::files::faults;
    let (session, flight) = session();
    for failing in [1, u32::MAX] {
        for call in 0.. {
            let place = Place::new();
            let (saved, reached) =
                faults::with(call, failing, 5, || save(&place.path, &session, &flight.iter().collect::<Vec<_>>()));
            if !reached {
                assert!(call > 5, "{call} calls");
                break;
            }
            assert_eq!(saved.is_ok(), take(&place.path, |_| 1).session.is_some(), "call {call}");
        }
    }
}

#[test]
fn session_keeps_what_was_sent_and_since_when() {
    let place = Place::new();
    let (session, mut flight) = session();
    // It was sent with an age that the message in flight has not.
    flight[0].payload = b"1".to_vec();
    save(&place.path, &session, &flight.iter().collect::<Vec<_>>()).expect("saved");
    let bytes = std::fs::read(&place.path).expect("read");
    assert_eq!(place.take(&bytes).1[0].payload, b"[1]");
    let first = |bytes: &[u8]| place.take(bytes).1[0].received.oldest().expect("known");
    let change = |from: &str, to: &str| {
        let end = bytes.iter().position(|byte| *byte == b'\n').expect("a line");
        let head = std::str::from_utf8(&bytes[..end]).expect("JSON");
        assert!(head.contains(from), "{head}");
        [&sealed(head.replace(from, to).as_bytes(), b'\n'), &bytes[end + 10..]].concat()
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
    assert_eq!(parts(&packet, false), Some((0x5858, &b"[1]"[..])));
    let long = [&b"\x34\x80\x01\x00\x05topicXX\x80\x01"[..], &[7; 128], b"[1]"].concat();
    assert_eq!(parts(&long, true), Some((0x5858, &b"[1]"[..])));
    for end in 0..13 {
        assert_ne!(parts(&long[..end], true), Some((0x5858, &b"[1]"[..])));
    }
    assert_eq!(parts(b"\x34\xFF\xFF\xFF\xFF\xFF", true), None);
}

proptest! {
    #[test]
    fn session_bears_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000), whole: bool) {
        let bytes = if whole { sealed(&bytes, b'\n') } else { bytes };
        prop_assert!(!matches!(find(&bytes), Found::Session(..)));
    }
}
