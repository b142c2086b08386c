use super::super::boots::Now;
use super::super::faulty::Faulty;
use super::super::store::Store;
use super::*;
use crate::model::{BootId, Message};

const THIS: Option<BootId> = Some(BootId([9; 16]));
/// Bytes in each of them.
const SEGMENTS: u64 = 4 << 20;
/// The setting's largest, 1 GiB, would be 256 of these.
const COUNT: u64 = 4;

fn now() -> Now {
    Now { uptime: BootTime(5), wall: None }
}

/// A disk with a spool of so many segments, and the adverts in it.
fn full() -> (Faulty, u64) {
    let disk = Faulty::default();
    let mut store = Store::open(Arc::new(disk.clone()), THIS, SEGMENTS).expect("it starts");
    let block: Vec<_> =
        (0..128).map(|_| Message { payload: vec![b'7'; 4000], adverts: 20, ..Message::default() }).collect();
    let mut adverts = 0;
    while store.bytes() < SEGMENTS * COUNT {
        store.append(&now(), &block).expect("written");
        adverts += 128 * 20;
    }
    (disk, adverts)
}

#[test]
fn recovery_asks_whether_to_go_on_after_each_bounded_piece() {
    let (disk, adverts) = full();
    let jobs = Store::open(Arc::new(disk.clone()), THIS, SEGMENTS).expect("it starts").jobs();
    let (mut found, mut most) = (0, 0);
    for job in &jobs {
        let mut pause = || {
            most = most.max(disk.with(|p| std::mem::take(&mut p.reads)).iter().sum::<usize>());
            true
        };
        let outcome = recover(&disk, job, &mut pause).expect("it goes on");
        found += outcome.segment.map_or(0, |segment| segment.adverts);
    }
    assert_eq!(found, adverts);
    assert!(most > 0 && most <= 256 << 10, "{most} bytes between two questions");
}

#[test]
fn recovery_that_is_stopped_reads_and_changes_nothing_more() {
    let (disk, _) = full();
    disk.with(|p| p.files.get_mut(&0).expect("the first").push(1));
    let store = Store::open(Arc::new(disk.clone()), THIS, SEGMENTS).expect("it starts");
    let before = disk.with(|p| p.files.clone());
    disk.with(|p| (p.reads_left, p.reads) = (Some(3), Vec::new()));
    let mut recovery = Recovery::start(Arc::new(disk.clone()), store.jobs()).expect("a thread");
    until(|| disk.with(|p| p.reads.len() == 3));
    recovery.ask_to_stop();
    disk.with(|p| p.reads_left = Some(1));
    recovery.stop();
    assert!(recovery.take().is_empty());
    // It was between two pieces, or at one.
    assert!((3..=4).contains(&disk.with(|p| p.reads.len())));
    assert!(disk.with(|p| p.files == before));
}

#[tokio::test]
async fn recovery_hands_over_each_segment_as_soon_as_it_is_read() {
    let (disk, adverts) = full();
    let mut store = Store::open(Arc::new(disk.clone()), THIS, SEGMENTS).expect("it starts");
    let first = store.jobs()[0].bytes.div_ceil(256 << 10) as usize;
    // The second segment has begun.
    disk.with(|p| (p.reads_left, p.reads) = (Some(first + 1), Vec::new()));
    let recovery = Recovery::start(Arc::new(disk.clone()), store.jobs()).expect("a thread");
    recovery.progressed().await;
    let outcomes = recovery.take();
    assert_eq!(outcomes.len(), 1);
    let mut found: u64 = outcomes.into_iter().map(|outcome| store.recovered(outcome)).sum();
    assert!(found > 0 && store.is_recovering() && store.has_more());
    disk.with(|p| p.reads_left = None);
    while store.is_recovering() {
        recovery.progressed().await;
        found += recovery.take().into_iter().map(|outcome| store.recovered(outcome)).sum::<u64>();
    }
    assert_eq!(found, adverts);
}

#[test]
fn recovery_of_what_is_no_segment_counts_it_and_keeps_the_file() {
    let odd = (2u32 << 20).to_le_bytes().repeat(1 << 20);
    for (file, newest, damaged) in [
        (&odd[..], true, true),
        (&odd[..], false, true),
        // A segment that was made when the power went.
        (&b""[..], true, false),
        (&b"CBSP"[..], true, false),
        (&[0; 5000][..], true, false),
        (&[0; 5000][..], false, true),
    ] {
        let disk = Faulty::default();
        disk.with(|p| p.files.insert(3, file.to_vec()));
        let job = Job { number: 3, bytes: file.len() as u64, note: None, newest };
        let outcome = recover(&disk, &job, &mut || true).expect("it goes on");
        assert_eq!((outcome.damaged, outcome.segment.is_some()), (damaged, false), "{} bytes", file.len());
        assert_eq!(disk.with(|p| (p.quarantined, p.files.len())), (usize::from(damaged), 0));
    }
}

/// Waits for another thread.
fn until(mut look: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !look() {
        assert!(Instant::now() < end, "it takes too long");
        thread::sleep(Duration::from_millis(1));
    }
}
