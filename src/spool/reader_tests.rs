use super::super::faulty::Faulty;
use super::super::record::tests::{HASHED, message, owned, write_1};
use super::super::record::{Clocks, MAGIC, write, write_clocks};
use super::*;
use crate::model::{BootTime, Message, RxTimes};
use proptest::prelude::*;

fn disk(bytes: &[u8]) -> Faulty {
    let disk = Faulty::default();
    disk.with(|p| p.files.insert(7, bytes.to_vec()));
    disk
}

/// The messages of a segment, where its last record ends and whether there are gaps.
fn read(bytes: &[u8]) -> (Vec<Message>, u64, bool) {
    let (disk, mut reader, mut messages) = (disk(bytes), Reader::new(7), Vec::new());
    loop {
        match reader.step(&disk, bytes.len() as u64).expect("it can be read") {
            Step::Record(Body::Message(view)) => messages.push(owned(&view, &reader.buffer[reader.record..])),
            Step::Record(Body::Clocks(_)) | Step::Read => {}
            Step::End => return (messages, reader.whole().0, reader.whole().1),
        }
    }
}

/// A segment, and where each of its messages ends.
fn segment(messages: &[Message]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (MAGIC.to_vec(), Vec::new());
    for (n, message) in messages.iter().enumerate() {
        if n % 3 == 0 {
            write_clocks(&mut bytes, &Clocks { boot: None, uptime: BootTime(n as i64), wall: None });
        }
        write(&mut bytes, message);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn reader_takes_pieces_of_bounded_size() {
    let large = Message { payload: vec![7; 3 * PIECE as usize], adverts: 1, ..Message::default() };
    let small = |n: u8| Message { payload: vec![n; 1000], adverts: 1, ..Message::default() };
    let (bytes, _) = segment(&[small(1), large, small(2)]);
    let (disk, mut reader, mut lengths, mut buffered) = (disk(&bytes), Reader::new(7), Vec::new(), 0);
    loop {
        match reader.step(&disk, bytes.len() as u64).expect("it can be read") {
            Step::Record(Body::Message(view)) => lengths.push(reader.payload(&view).len()),
            Step::Record(Body::Clocks(_)) => {}
            Step::Read => buffered = buffered.max(reader.buffer.len()),
            Step::End => break,
        }
    }
    assert_eq!(lengths, [1000, 3 * PIECE as usize, 1000]);
    assert!(buffered <= 4 * PIECE as usize + 2000, "{buffered}");
    let reads = disk.with(|p| p.reads.clone());
    assert!(reads.iter().all(|read| *read <= PIECE as usize));
    assert_eq!(reads.iter().sum::<usize>(), bytes.len(), "each byte once");
}

#[test]
fn reader_makes_no_more_work_than_a_few_times_the_bytes() {
    let number = |n: u32| n.to_le_bytes().repeat(256 << 10);
    // Wherever it is looked at there may be a record of half the segment.
    let worst = (2u32 << 20).to_le_bytes().repeat(1 << 20);
    let mut heads = Vec::new();
    write(&mut heads, &Message { payload: vec![0; 2 << 20], adverts: 1, ..Message::default() });
    let heads = heads[..12].repeat(90_000);
    for (what, body) in [
        ("half of it", number(512 << 10)),
        ("half of 4 MiB", worst),
        ("512", number(512)),
        ("whole heads", heads),
        ("ones", number(u32::MAX)),
    ] {
        for magic in [&b""[..], b"CBSPOOL1", b"CBSPOOL2"] {
            let bytes = [magic, &body].concat();
            HASHED.set(0);
            assert_eq!(read(&bytes).0, [], "{what}");
            let hashed = HASHED.get();
            assert!(hashed <= bytes.len() * 26, "{what} behind {magic:?}: {hashed} of {}", bytes.len());
        }
    }
}

#[test]
fn reader_leaves_another_version_alone() {
    let (bytes, _) = segment(&[Message { payload: vec![1], adverts: 1, ..Message::default() }]);
    let foreign = [b"CBSPOOL9", &bytes[8..]].concat();
    assert_eq!(read(&foreign), (vec![], 0, false));
}

#[test]
fn reader_of_a_huge_file_stops() {
    let (mut bytes, mut record) = (MAGIC.to_vec(), Vec::new());
    write(&mut record, &Message { payload: vec![7; 15 << 20], adverts: 1, ..Message::default() });
    (0..3).for_each(|_| bytes.extend(&record));
    let (disk, mut reader, mut records) = (disk(&bytes), Reader::new(7), 0);
    loop {
        match reader.step(&disk, u64::MAX).expect("it can be read") {
            Step::Record(_) => records += 1,
            Step::Read => {}
            Step::End => break,
        }
    }
    let read = disk.with(|p| p.reads.iter().sum::<usize>()) as u64;
    assert!(records == 2 && read <= LONGEST_SEGMENT, "{records} {read}");
}

proptest! {
    #[test]
    fn reader_finds_what_was_written(messages in prop::collection::vec(message(), 0..20)) {
        let (bytes, _) = segment(&messages);
        prop_assert_eq!(read(&bytes), (messages, bytes.len() as u64, false));
    }

    #[test]
    fn reader_finds_what_version_1_wrote(messages in prop::collection::vec(message(), 0..20)) {
        let mut bytes = b"CBSPOOL1".to_vec();
        messages.iter().for_each(|message| write_1(&mut bytes, 7, message));
        let old = |message| Message { received: RxTimes::default(), ..message };
        prop_assert_eq!(read(&bytes), (messages.into_iter().map(old).collect(), bytes.len() as u64, false));
    }

    /// Wherever a bit flips, in the first bytes too, or the end is missing.
    #[test]
    fn reader_loses_to_damage_what_it_hits(
        messages in prop::collection::vec(message(), 1..20), at: prop::sample::Index, bit in 0u8..8, cut: bool,
    ) {
        let (mut bytes, ends) = segment(&messages);
        let at = at.index(bytes.len());
        let start = |n: usize| ends[n] - super::record::size(&messages[n]);
        let hit = (0..messages.len()).find(|n| (start(*n)..ends[*n]).contains(&at));
        let behind = ends.iter().position(|end| at < *end).expect("in the segment");
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let mut whole = messages;
        if cut { whole.truncate(behind) } else if let Some(hit) = hit { drop(whole.remove(hit)) }
        // Of a digit that flips another version becomes of it.
        let digit = !cut && at == 7 && Version::of(&bytes[..8]) != Version::Damaged;
        prop_assert!(digit || read(&bytes).0 == whole, "{} {}", at, bit);
    }

    #[test]
    fn reader_bears_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..3000), magic in 0usize..3) {
        let bytes = [[&b""[..], b"CBSPOOL1", b"CBSPOOL2"][magic], &bytes[..]].concat();
        prop_assert!(read(&bytes).1 <= bytes.len() as u64);
    }
}
