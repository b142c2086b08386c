use super::super::disk::Files;
use super::super::faulty::Faulty;
use super::*;
use proptest::prelude::*;

const SEGMENT: u64 = 300;

fn message(n: u32) -> Message {
    Message { payload: format!("[{n:020}]").into_bytes(), adverts: 2, ..Message::default() }
}

fn number(message: &Message) -> u32 {
    let text = std::str::from_utf8(&message.payload).expect("text");
    text.trim_matches(['[', ']']).parse().expect("a number")
}

fn open(disk: &Faulty) -> (Store, Found) {
    Store::open(Box::new(disk.clone()), SEGMENT).expect("it starts")
}

/// All that is given out, settled or not.
fn drain(store: &mut Store, settle: bool) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let (_, Some((place, message))) = store.next() {
        assert!(store.holds(place));
        numbers.push(number(&message));
        if settle {
            store.settle(place);
        }
    }
    numbers
}

#[test]
fn oldest_first_over_segments_and_nothing_stays() {
    let disk = Faulty::default();
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found::default());
    for n in 0..50 {
        store.append(9, &[message(n)]).expect("written");
    }
    assert!(disk.with(|p| p.files.len()) > 5);
    assert_eq!(drain(&mut store, true), (0..50).collect::<Vec<_>>());
    assert_eq!((store.bytes(), store.has_more(), disk.with(|p| p.files.len())), (0, false, 0));
    // It goes on afterwards, and what is written while it is read is given out too.
    store.append(9, &[message(50)]).expect("written");
    assert_eq!(store.next().1.map(|(_, m)| number(&m)), Some(50));
    store.append(9, &[message(51)]).expect("written");
    assert_eq!(drain(&mut store, true), [51]);
}

#[test]
fn a_note_of_a_segment_that_is_gone_is_not_taken_for_a_new_one() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(9, &(0..4).map(message).collect::<Vec<_>>()).expect("written");
    let given: Vec<_> = (0..4).filter_map(|_| store.next().1).collect();
    store.settle(given[0].0);
    store.note().expect("noted");
    given.iter().for_each(|(place, _)| store.settle(*place));
    assert_eq!(disk.with(|p| p.files.len()), 0);
    // Killed before the next note.
    let (mut store, _) = open(&disk);
    store.append(9, &(4..8).map(message).collect::<Vec<_>>()).expect("written");
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found { adverts: 8, damaged: 0 });
    assert_eq!(drain(&mut store, true), [4, 5, 6, 7]);
}

#[test]
fn a_restart_sends_what_was_not_settled() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(9, &(0..20).map(message).collect::<Vec<_>>()).expect("written");
    let given: Vec<_> = (0..10).filter_map(|_| store.next().1).collect();
    given.iter().filter(|(_, m)| !number(m).is_multiple_of(3)).for_each(|(place, _)| store.settle(*place));
    store.note().expect("noted");
    let left = [0, 3, 6, 9].into_iter().chain(10..20).collect::<Vec<_>>();
    let (mut store, found) = open(&disk);
    assert_eq!(found, Found { adverts: 28, damaged: 0 });
    // A note that is written before all was looked at again forgets nothing.
    let (place, _) = store.next().1.expect("the first");
    store.settle(place);
    store.note().expect("noted");
    let (mut store, _) = open(&disk);
    assert_eq!(drain(&mut store, true), left[1..]);
}

#[test]
fn damage_costs_a_record_is_counted_and_the_file_kept() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    for n in 0..20 {
        store.append(9, &[message(n)]).expect("written");
    }
    disk.with(|p| p.files.get_mut(&0).expect("the first")[60] ^= 1);
    let (mut store, found) = open(&disk);
    assert_eq!((found, disk.with(|p| p.aside)), (Found { adverts: 38, damaged: 1 }, 1));
    assert_eq!(drain(&mut store, true), std::iter::once(0).chain(2..20).collect::<Vec<_>>());
}

#[test]
fn what_the_disk_loses_meanwhile_is_counted() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(9, &[message(0), message(1)]).expect("written");
    disk.with(|p| p.files.clear());
    assert_eq!(store.next(), (4, None));
    store.append(9, &[message(2)]).expect("written");
    assert_eq!(drain(&mut store, true), [2]);
}

#[test]
fn a_write_that_failed_leaves_nothing_to_find() {
    for late in [true, false] {
        let disk = Faulty::default();
        let (mut store, _) = open(&disk);
        store.append(9, &[message(0)]).expect("written");
        let used = store.bytes() as usize;
        disk.with(|p| if late { p.late = true } else { p.room = Some(used + 20) });
        store.append(9, &[message(1)]).expect_err("no room");
        disk.with(|p| p.room = None);
        store.append(9, &[message(2)]).expect("written");
        assert_eq!(drain(&mut open(&disk).0, false), [0, 2]);
        assert_eq!(drain(&mut store, true), [0, 2]);
    }
}

#[test]
fn a_read_only_disk_is_read() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(9, &[message(0)]).expect("written");
    disk.with(|p| p.read_only = true);
    let (mut store, _) = open(&disk);
    store.append(9, &[message(1)]).expect_err("read-only");
    assert_eq!(drain(&mut store, true), [0]);
    store.note().expect_err("read-only");
}

#[test]
fn the_oldest_segment_goes_with_what_waits_in_it() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    for n in 0..20 {
        store.append(100 + n, &[message(n)]).expect("written");
    }
    let (place, _) = store.next().1.expect("the first");
    let oldest = store.oldest_heard().expect("known");
    let (segment, adverts) = store.drop_oldest().expect("one");
    assert_eq!((segment, u64::from(oldest - 100) * 2), (place.segment, adverts));
    assert!(!store.holds(place));
    assert_eq!(drain(&mut store, true).first(), Some(&(oldest - 99)));
}

#[test]
fn real_files_do_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("spool");
    let open = || Store::open(Box::new(Files(path.clone())), SEGMENT).expect("it starts");
    let (mut store, _) = open();
    for n in 0..30 {
        store.append(9, &[message(n)]).expect("written");
    }
    (0..25).for_each(|_| {
        let (place, _) = store.next().1.expect("one");
        store.settle(place);
    });
    store.note().expect("noted");
    let newest = std::fs::read_dir(&path).expect("there").map(|e| e.expect("an entry").path());
    let newest = newest.filter(|p| p.extension().is_some_and(|e| e == "seg")).max().expect("a segment");
    let whole = std::fs::read(&newest).expect("read");
    std::fs::write(&newest, &whole[..whole.len() - 1]).expect("torn");
    let (mut store, found) = open();
    assert_eq!(found, Found { adverts: 8, damaged: 0 });
    assert_eq!(drain(&mut store, true), [25, 26, 27, 28]);
    let left = std::fs::read_dir(&path).expect("there").map(|e| e.expect("an entry").file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["sent"]);
}

proptest! {
    /// The power may go off after any byte. What was said to be written and not settled comes again, in order, once.
    #[test]
    fn a_loss_of_power_costs_nothing_that_was_written(
        steps in prop::collection::vec((0u8..5, 1u32..6), 1..80), power in 0usize..6000, settled_noted: bool,
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
                    match store.append(9, &block) {
                        Ok(()) => kept.extend(next..next + count),
                        Err(_) => unsure.extend(next..next + count),
                    }
                    next += count;
                }
                3 => given.extend(store.next().1),
                _ => if !given.is_empty() {
                    let (place, message) = given.remove(count as usize % given.len());
                    store.settle(place);
                    settled.push(number(&message));
                },
            }
        }
        let noted = settled_noted && store.note().is_ok();
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
