//! The note of what was sent: twice, never not at all.

use super::*;

#[test]
fn note_of_version_1_is_left_and_not_believed() {
    let disk = Faulty::default();
    let mut bytes = b"CBSPOOL1".to_vec();
    (0..3).for_each(|n| write_1(&mut bytes, 1000, &message(n)));
    // Damage to it could not be told: every record would be lost.
    let note = br#"[{"segment":4,"read":3,"open":[]},{"segment":9,"read":3,"open":[]}]"#.to_vec();
    disk.with(|p| {
        p.files.insert(4, bytes);
        p.small.insert("sent".into(), note.clone());
    });
    let (mut store, found) = open(&disk);
    assert_eq!((found.adverts, drain(&mut store, true)), (6, vec![0, 1, 2]));
    store.append(&at(9), &[message(7)]).expect("written");
    assert_eq!(disk.with(|p| p.files.keys().copied().collect::<Vec<_>>()), [10], "a number that it knows is not used");
    store.checkpoint().expect("noted");
    assert_eq!(disk.with(|p| p.small["sent"].clone()), note);
}

#[test]
fn note_that_is_damaged_hides_no_message() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk);
    store.append(&at(9), &(0..20).map(message).collect::<Vec<_>>()).expect("written");
    let given: Vec<_> = (0..10).filter_map(|_| store.next(&at(9)).1).collect();
    given.iter().filter(|(_, m)| !number(m).is_multiple_of(3)).for_each(|(place, _)| store.ack(*place));
    store.checkpoint().expect("noted");
    let unsent: Vec<_> = [0, 3, 6, 9].into_iter().chain(10..20).collect();
    let note = disk.with(|p| p.small["sent2"].clone());
    assert_eq!(drain(&mut open(&disk).0, false), unsent);
    for at in 0..note.len() {
        for change in (0..8).map(|bit| 1u8 << bit).chain([note[at] ^ b'9', note[at] ^ b'0']) {
            disk.with(|p| p.small.get_mut("sent2").expect("a note")[at] = note[at] ^ change);
            let found = drain(&mut open(&disk).0, false);
            assert!(unsent.iter().all(|n| found.contains(n)), "byte {at}");
        }
        disk.with(|p| p.small.insert("sent2".into(), note[..at].to_vec()));
        assert_eq!(drain(&mut open(&disk).0, false), (0..20).collect::<Vec<_>>(), "cut at {at}");
        disk.with(|p| p.small.insert("sent2".into(), note.clone()));
    }
}
