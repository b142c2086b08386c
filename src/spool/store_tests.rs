use super::super::disk::Files;
use super::super::faulty::Faulty;
use super::super::record::SIZE_OF_CLOCKS;
use super::super::record::tests::write_1;
use super::*;
use crate::model::RxTimes;
use proptest::prelude::*;

const SEGMENT: u64 = 300;

fn message(n: u32) -> Message {
    Message { payload: format!("[{n:020}]").into_bytes(), adverts: 2, ..Message::default() }
}

fn number(message: &Message) -> u32 {
    let text = std::str::from_utf8(&message.payload).expect("text");
    text.trim_matches(['[', ']']).parse().expect("a number")
}

const THIS: Option<BootId> = Some(BootId([9; 16]));

fn at(uptime: i64) -> Now {
    Now { uptime: BootTime(uptime), wall: None }
}

/// What was found at the start.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    adverts: u64,
    damaged: u64,
}

fn open_on(disk: Arc<dyn Disk>) -> (Store, Found) {
    let mut store = Store::open(disk, THIS, SEGMENT).expect("it starts");
    let mut found = Found::default();
    while let Some(outcome) = store.recover_oldest() {
        found.damaged += u64::from(outcome.damaged);
        found.adverts += store.recovered(outcome);
    }
    assert!(!store.is_recovering());
    (store, found)
}

fn open(disk: &Faulty) -> (Store, Found) {
    open_on(Arc::new(disk.clone()))
}

/// All that is given out, settled or not.
fn drain(store: &mut Store, settle: bool) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let (_, Some((place, message))) = store.next(&at(9)) {
        assert!(store.holds(place));
        numbers.push(number(&message));
        if settle {
            store.ack(place);
        }
    }
    numbers
}

#[test]
fn store_gives_out_the_oldest_first_over_segments_and_nothing_stays() {
    let disk = Faulty::default();
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found::default());
    for n in 0..50 {
        store.append(&at(9), &[message(n)]).expect("written");
    }
    assert!(disk.with(|p| p.files.len()) > 5);
    assert_eq!(drain(&mut store, true), (0..50).collect::<Vec<_>>());
    assert_eq!((store.bytes(), store.has_more(), disk.with(|p| p.files.len())), (0, false, 0));
    // It goes on afterwards, and what is written while it is read is given out too.
    store.append(&at(9), &[message(50)]).expect("written");
    assert_eq!(store.next(&at(9)).1.map(|(_, m)| number(&m)), Some(50));
    store.append(&at(9), &[message(51)]).expect("written");
    assert_eq!(drain(&mut store, true), [51]);
}

#[test]
fn note_of_a_segment_that_is_gone_is_not_taken_for_a_new_one() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(&at(9), &(0..4).map(message).collect::<Vec<_>>()).expect("written");
    let given: Vec<_> = (0..4).filter_map(|_| store.next(&at(9)).1).collect();
    store.ack(given[0].0);
    store.checkpoint().expect("noted");
    given.iter().for_each(|(place, _)| store.ack(*place));
    assert_eq!(disk.with(|p| p.files.len()), 0);
    // Killed before the next note.
    let (mut store, _) = open(&disk);
    store.append(&at(9), &(4..8).map(message).collect::<Vec<_>>()).expect("written");
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found { adverts: 8, damaged: 0 });
    assert_eq!(drain(&mut store, true), [4, 5, 6, 7]);
}

#[test]
fn note_of_another_segment_of_that_number_says_nothing() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(&at(9), &(0..4).map(message).collect::<Vec<_>>()).expect("written");
    let (place, _) = store.next(&at(9)).1.expect("the first");
    store.ack(place);
    store.checkpoint().expect("noted");
    // Another version, which does not know the note, used the number again.
    let segment = disk.with(|p| std::mem::take(&mut p.files));
    let small = disk.with(|p| std::mem::take(&mut p.small));
    open(&disk).0.append(&at(8), &(4..8).map(message).collect::<Vec<_>>()).expect("written");
    assert!(disk.with(|p| p.files.keys().eq(segment.keys())));
    disk.with(|p| p.small = small);
    assert_eq!(drain(&mut open(&disk).0, false), [4, 5, 6, 7]);
    disk.with(|p| p.files = segment);
    assert_eq!(drain(&mut open(&disk).0, false), [1, 2, 3]);
}

#[test]
fn restart_sends_what_was_not_acknowledged() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(&at(9), &(0..20).map(message).collect::<Vec<_>>()).expect("written");
    let given: Vec<_> = (0..10).filter_map(|_| store.next(&at(9)).1).collect();
    given.iter().filter(|(_, m)| !number(m).is_multiple_of(3)).for_each(|(place, _)| store.ack(*place));
    store.checkpoint().expect("noted");
    let left = [0, 3, 6, 9].into_iter().chain(10..20).collect::<Vec<_>>();
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found { adverts: 28, damaged: 0 });
    // A note that is written before all was looked at again forgets nothing.
    let (place, _) = store.next(&at(9)).1.expect("the first");
    store.ack(place);
    store.checkpoint().expect("noted");
    let (mut store, _) = open(&disk);
    assert_eq!(drain(&mut store, true), left[1..]);
}

#[test]
fn damage_costs_a_record_is_counted_and_the_file_kept() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    for n in 0..20 {
        store.append(&at(9), &[message(n)]).expect("written");
    }
    disk.with(|p| p.files.get_mut(&0).expect("the first")[SIZE_OF_CLOCKS + 50] ^= 1);
    let (mut store, found) = open(&disk);
    assert_eq!((found, disk.with(|p| p.quarantined)), (Found { adverts: 38, damaged: 1 }, 1));
    assert_eq!(drain(&mut store, true), (1..20).collect::<Vec<_>>());
}

#[test]
fn disk_that_loses_records_meanwhile_has_them_counted() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(&at(9), &[message(0), message(1)]).expect("written");
    disk.with(|p| p.files.clear());
    assert_eq!(store.next(&at(9)), (4, None));
    store.append(&at(9), &[message(2)]).expect("written");
    assert_eq!(drain(&mut store, true), [2]);
}

#[test]
fn write_that_failed_leaves_nothing_to_find() {
    for late in [true, false] {
        let disk = Faulty::default();
        let (mut store, _) = open(&disk);
        store.append(&at(9), &[message(0)]).expect("written");
        let used = store.bytes() as usize;
        disk.with(|p| if late { p.late = true } else { p.room = Some(used + 60) });
        store.append(&at(9), &[message(1)]).expect_err("no room");
        disk.with(|p| p.room = None);
        store.append(&at(9), &[message(2)]).expect("written");
        assert_eq!(drain(&mut open(&disk).0, false), [0, 2]);
        assert_eq!(drain(&mut store, true), [0, 2]);
    }
}

#[test]
fn disk_that_is_read_only_is_read() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(&at(9), &[message(0)]).expect("written");
    disk.with(|p| p.read_only = true);
    let (mut store, _) = open(&disk);
    store.append(&at(9), &[message(1)]).expect_err("read-only");
    assert_eq!(drain(&mut store, true), [0]);
    store.checkpoint().expect_err("read-only");
}

#[test]
fn segment_that_is_oldest_goes_with_what_waits_in_it() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    for n in 0..20 {
        store.append(&at(i64::from(100 + n)), &[message(n)]).expect("written");
    }
    let (place, _) = store.next(&at(9)).1.expect("the first");
    let newest = 1_000 - store.oldest_age(&at(1_000)).expect("known") - 100;
    assert_eq!(store.drop_oldest(), Oldest::Dropped(place.segment, newest as u64 * 2));
    assert!(!store.holds(place));
    assert_eq!(drain(&mut store, true).first(), Some(&(newest as u32 + 1)));
}

#[test]
fn files_on_a_real_disk_do_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("spool");
    let open = || open_on(Arc::new(Files(path.clone())));
    let (mut store, _) = open();
    for n in 0..30 {
        store.append(&at(9), &[message(n)]).expect("written");
    }
    (0..25).for_each(|_| {
        let (place, _) = store.next(&at(9)).1.expect("one");
        store.ack(place);
    });
    store.checkpoint().expect("noted");
    let newest = std::fs::read_dir(&path).expect("there").map(|e| e.expect("an entry").path());
    let newest = newest.filter(|p| p.extension().is_some_and(|e| e == "seg")).max().expect("a segment");
    let whole = std::fs::read(&newest).expect("read");
    std::fs::write(&newest, &whole[..whole.len() - 1]).expect("torn");
    let (mut store, found) = open();
    assert_eq!(found, Found { adverts: 8, damaged: 0 });
    assert_eq!(drain(&mut store, true), [25, 26, 27, 28]);
    let left = std::fs::read_dir(&path).expect("there").map(|e| e.expect("an entry").file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["sent2"]);
}

fn received(message: Message, at: i64) -> Message {
    Message { received: RxTimes::new(BootTime(at), 2, Vec::new()), ..message }
}

#[test]
fn times_of_another_boot_are_on_the_clock_of_this_one() {
    let disk = Faulty::default();
    let open_in = |boot: u8| {
        let mut store = Store::open(Arc::new(disk.clone()), Some(BootId([boot; 16])), SEGMENT).expect("it starts");
        while let Some(outcome) = store.recover_oldest() {
            store.recovered(outcome);
        }
        store
    };
    open_in(1).append(&at(70_000), &[received(message(0), 61_000)]).expect("written");
    // The same boot, another run.
    let (_, message) = open_in(1).next(&at(90_000)).1.expect("a message");
    assert_eq!(message.received.oldest(), Some(BootTime(61_000)));
    // A boot that sends nothing of it, and says for how long it ran.
    open_in(2).note_boots(&at(50_000)).expect("noted");
    let mut third = open_in(3);
    assert_eq!(third.oldest_age(&at(1_000)), Some(51_000));
    assert_eq!(third.oldest_age(&Now { wall: Some(i64::MAX), ..at(1_000) }), Some(51_000), "whatever the clock says");
    let (_, message) = third.next(&at(1_000)).1.expect("a message");
    assert_eq!(message.received.iter().map(|rx| BootTime(1_000).since(rx)).collect::<Vec<_>>(), [60_000; 2]);
    assert_eq!(number(&message), 0);
}

#[test]
fn segments_of_version_1_are_sent() {
    let disk = Faulty::default();
    let mut bytes = b"CBSPOOL1".to_vec();
    (0..3).for_each(|n| write_1(&mut bytes, 1000 * n, &message(n)));
    disk.with(|p| p.files.insert(4, bytes));
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found { adverts: 6, damaged: 0 });
    let later = BootTime::now().plus(30_000);
    // Uptime and wall clock together are the time since 1970.
    let wall = Some(10_000_000 - later.0);
    for wall in [None, wall] {
        let age = store.oldest_age(&Now { uptime: later, wall }).expect("known");
        assert!((30_000..60_000).contains(&age), "no clock gives it up: {age}");
    }
    let mut age = |wall| {
        let (_, message) = store.next(&Now { uptime: later, wall }).1.expect("a message");
        (number(&message), later.since(message.received.oldest().expect("known")))
    };
    assert!(matches!(age(None), (0, 30_000..60_000)));
    assert_eq!(age(wall), (1, 10_000_000 - 1_000_999));
    assert!(matches!(age(wall), (2, 7_999_001)));
    drop(store);
    let (mut store, _) = open(&disk);
    assert_eq!(drain(&mut store, true), [0, 1, 2]);
    assert!(disk.with(|p| p.files.is_empty()));
}

#[test]
fn segments_of_another_version_stay() {
    let disk = Faulty::default();
    disk.with(|p| p.files.insert(4, b"CBSPOOL9 whatever it is".to_vec()));
    let (mut store, found) = open(&disk);
    assert_eq!((found, store.bytes()), (Found::default(), 0));
    store.append(&at(9), &[message(0)]).expect("written");
    assert_eq!(drain(&mut store, true), [0]);
    assert_eq!(disk.with(|p| (p.files.len(), p.quarantined)), (1, 0));
}

#[test]
fn segments_that_are_unread_take_space_and_come_first() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    for n in 0..20 {
        store.append(&at(9), &[message(n)]).expect("written");
    }
    let (place, _) = store.next(&at(9)).1.expect("the first");
    store.ack(place);
    store.checkpoint().expect("noted");
    let used = store.bytes();

    let mut store = Store::open(Arc::new(disk.clone()), THIS, SEGMENT).expect("it starts");
    assert_eq!((store.bytes(), store.has_more(), store.oldest_age(&at(9))), (used, false, None));
    store.append(&at(9), &[message(20)]).expect("written");
    assert_eq!((store.has_more(), store.drop_oldest()), (false, Oldest::Unread), "older ones come first");
    // A note that is written meanwhile forgets nothing.
    store.probe_write().expect("noted");
    let copy = Faulty::default();
    let (files, small) = disk.with(|p| (p.files.clone(), p.small.clone()));
    copy.with(|p| (p.files, p.small) = (files, small));
    let mut again = Store::open(Arc::new(copy.clone()), THIS, SEGMENT).expect("it starts");
    let mut given = Vec::new();
    while let Some(outcome) = again.recover_oldest() {
        again.recovered(outcome);
        given.extend(drain(&mut again, true));
    }
    assert_eq!(given, (1..=20).collect::<Vec<_>>());

    let outcome = store.recover_oldest().expect("the first");
    assert!(store.recovered(outcome) > 0 && store.has_more());
    assert!(matches!(store.drop_oldest(), Oldest::Dropped(0, adverts) if adverts > 0));
    assert_eq!((store.drop_oldest(), store.has_more()), (Oldest::Unread, false));
}

#[test]
fn segments_that_cannot_be_read_are_found_by_the_next_run() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    for n in 0..20 {
        store.append(&at(9), &[message(n)]).expect("written");
    }
    disk.with(|p| p.unreadable = Some(0));
    let (mut store, found) = open(&disk);
    assert_eq!(found.damaged, 1);
    let rest = drain(&mut store, true);
    assert_eq!(rest.last(), Some(&19));
    disk.with(|p| p.unreadable = None);
    let first = drain(&mut open(&disk).0, true);
    assert_eq!(first.into_iter().chain(rest).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
}

proptest! {
    /// The power may go off after any byte. What was said to be written and not settled comes again, in order, once.
    #[test]
    fn power_loss_costs_nothing_that_was_written(
        steps in prop::collection::vec((0u8..5, 1u32..6), 1..80), power in 0usize..12_000, settled_noted: bool,
    ) {
        let disk = Faulty::default();
        let (mut store, _) = open(&disk);
        disk.with(|p| p.power = Some(power));
        let (mut next, mut kept, mut given) = (0, Vec::new(), Vec::new());
        let (mut unsure, mut settled) = (Vec::new(), Vec::new());
        for (step, count) in steps {
            match step {
                0..=2 => {
                    let block: Vec<_> = (next..next + count).map(message).collect();
                    match store.append(&at(9), &block) {
                        Ok(()) => kept.extend(next..next + count),
                        Err(_) => unsure.extend(next..next + count),
                    }
                    next += count;
                }
                3 => given.extend(store.next(&at(9)).1),
                _ => if !given.is_empty() {
                    let (place, message) = given.remove(count as usize % given.len());
                    store.ack(place);
                    settled.push(number(&message));
                },
            }
        }
        let noted = settled_noted && store.checkpoint().is_ok();
        drop(store);
        disk.with(|p| p.power = None);
        let (mut store, found) = open(&disk);
        prop_assert_eq!(found.damaged, 0);
        let again = drain(&mut store, true);
        prop_assert!(again.is_sorted_by(|a, b| a < b), "in order and once: {:?}", again);
        let missing: Vec<_> = kept.iter().filter(|n| !again.contains(n) && !settled.contains(n)).collect();
        prop_assert!(missing.is_empty(), "lost: {:?}", missing);
        let strange: Vec<_> = again.iter().filter(|n| !kept.contains(n) && !unsure.contains(n)).collect();
        prop_assert!(strange.is_empty(), "never written: {:?}", strange);
        if noted {
            prop_assert!(again.iter().all(|n| !settled.contains(n)), "sent twice");
        }
        prop_assert!(disk.with(|p| p.files.is_empty()));
    }
}

#[path = "notes_tests.rs"]
mod notes;
