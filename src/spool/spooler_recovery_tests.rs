//! What an earlier run left is read while this one works: the test decides how far the disk has come.

use super::super::faulty::Faulty;
use super::*;
use tokio::time::timeout;

const MESSAGE: usize = 4000;
/// Messages of a segment of the smallest spool: 64 KiB, and the one that fills it.
const SEGMENT: u32 = 17;
const SETTINGS: Spooling = Spooling { max_bytes: 1 << 20, max_age: 3600, rate: 1_000_000 };
const SOON: Duration = Duration::from_secs(20);

struct Bench {
    disk: Faulty,
    stats: Arc<Stats>,
    queue: Queue,
    spooler: Spooler,
    next: u32,
}

impl Bench {
    /// The next run of the service on this disk, which holds segments back from this one on.
    fn start(disk: Faulty, settings: Spooling, next: u32, held: Option<u64>) -> Self {
        disk.with(|p| p.held = held);
        let stats = Arc::new(Stats::default());
        let queue = Queue::new(4 << 20, stats.clone());
        let spooler = Spooler::on(
            Arc::new(disk.clone()),
            Some("spool".into()),
            None,
            settings,
            stats.clone(),
            stats.clock_synchronised(),
        );
        Self { disk, stats, queue, spooler, next }
    }

    /// A disk with so many segments of an earlier run.
    fn after(segments: u32, held: u64) -> Self {
        let mut b = Self::start(Faulty::default(), SETTINGS, 0, None);
        (0..segments * SEGMENT).for_each(|_| b.spill(1));
        assert_eq!((b.disk.with(|p| p.files.len() as u32), b.stats.snapshot().dropped_total()), (segments, 0));
        Self::start(b.disk.clone(), SETTINGS, b.next, Some(held))
    }

    fn push(&mut self, count: u32) {
        for n in self.next..self.next + count {
            self.stats.ledger(|l| l.receive_queued(10));
            let payload = format!("{n:0MESSAGE$}").into_bytes();
            self.queue.push(Message { payload, adverts: 10, ..Message::default() });
        }
        self.next += count;
    }

    fn spill(&mut self, count: u32) {
        self.push(count);
        self.spooler.spill_down_to(&self.queue, 0);
        assert!(self.stats.snapshot().balances());
    }

    /// Lets the disk answer up to this segment, and waits for what comes of it.
    async fn go_on(&mut self, held: Option<u64>) {
        self.disk.with(|p| p.held = held);
        let wanted = held.map(|held| held * u64::from(SEGMENT) * 10);
        while wanted.map_or(self.spooler.is_recovering(), |wanted| self.stats.snapshot().recovered < wanted) {
            timeout(SOON, self.spooler.wait_upkeep()).await.expect("the disk answers");
            self.spooler.upkeep();
            assert!(self.stats.snapshot().balances());
        }
    }

    /// Numbers of all that can be sent now.
    fn send(&mut self) -> Vec<u32> {
        let mut numbers = Vec::new();
        while let Some(message) = self.spooler.take(&self.queue) {
            numbers.push(std::str::from_utf8(&message.payload).expect("text").parse().expect("a number"));
            self.stats.ledger(|l| l.publish(message.adverts));
            self.spooler.ack(message.id);
            assert!(self.stats.snapshot().balances());
            // The pace has tests of its own.
            self.spooler.budget = 0.0;
        }
        numbers
    }
}

fn state(b: &Bench) -> SpoolState {
    b.stats.spool().state
}

#[tokio::test]
async fn recovery_lets_the_oldest_be_sent_and_the_newest_wait_behind() {
    let mut b = Bench::after(3, 0);
    assert_eq!((state(&b), b.stats.snapshot().recovered), (SpoolState::Recovering, 0));
    assert!(b.stats.spool().bytes > 3 * (64 << 10), "what is unread takes space");
    assert!(b.stats.spool_cover() > Duration::ZERO);
    b.spill(2);
    assert_eq!((b.stats.snapshot().spooled, b.send()), (20, vec![]), "older ones come first");
    b.go_on(Some(1)).await;
    assert_eq!((state(&b), b.stats.snapshot().recovered), (SpoolState::Recovering, u64::from(SEGMENT) * 10));
    assert_eq!(b.send(), (0..SEGMENT).collect::<Vec<_>>());
    b.go_on(None).await;
    assert_eq!((state(&b), b.stats.snapshot().recovered), (SpoolState::Ready, u64::from(SEGMENT) * 30));
    assert_eq!(b.send(), (SEGMENT..b.next).collect::<Vec<_>>());
    assert!(b.disk.with(|p| p.files.is_empty()));
}

#[tokio::test]
async fn recovery_keeps_within_the_space_and_drops_nothing_that_it_has_not_counted() {
    let mut b = Bench::after(15, 0);
    let room = b.stats.spool().max_bytes - b.stats.spool().bytes;
    b.push(1 + room as u32 / MESSAGE as u32);
    let waiting = b.queue.depth().0;
    b.spooler.spill_down_to(&b.queue, 0);
    assert_eq!((b.queue.depth().0, b.stats.snapshot().dropped_total()), (waiting, 0), "it waits in memory");
    // Nothing spins until more is known.
    b.push(600);
    tokio::select! {
        biased;
        () = b.spooler.wait_spill(&b.queue, true) => panic!("nothing can be spilled"),
        () = std::future::ready(()) => {}
    }
    b.go_on(Some(1)).await;
    timeout(SOON, b.spooler.wait_spill(&b.queue, true)).await.expect("it can be tried again");
    b.spooler.spill_down_to(&b.queue, 0);
    let ledger = b.stats.snapshot();
    assert_eq!(
        ledger.dropped(DropReason::SpoolFull),
        u64::from(SEGMENT) * 10,
        "the oldest segment, which is known by now"
    );
    assert!(b.stats.spool().bytes <= b.stats.spool().max_bytes && ledger.balances());
    b.go_on(None).await;
}

#[tokio::test]
async fn recovery_that_a_stop_ends_leaves_the_rest_to_the_next_run() {
    let mut b = Bench::after(15, 1);
    b.go_on(Some(1)).await;
    assert_eq!(b.send(), (0..SEGMENT).collect::<Vec<_>>());
    // More than there is room for: what makes room is read first, so that it is counted.
    b.push(60);
    // The thread is at a piece when the stop comes.
    b.spooler.recovery.as_ref().expect("it reads").ask_to_stop();
    b.disk.with(|p| p.held = None);
    b.spooler.close(&b.queue);
    let ledger = b.stats.snapshot();
    assert!(ledger.balances() && b.queue.is_empty(), "{ledger:?}");
    let dropped = ledger.dropped(DropReason::SpoolFull);
    assert!(dropped > 0 && dropped.is_multiple_of(u64::from(SEGMENT) * 10), "{dropped}");
    assert!(b.stats.spool().bytes <= b.stats.spool().max_bytes);
    assert_eq!(ledger.recovered, u64::from(SEGMENT) * 10 + dropped, "the rest was not read");

    let mut b = Bench::start(b.disk.clone(), SETTINGS, b.next, None);
    b.go_on(None).await;
    let first = SEGMENT + dropped as u32 / 10;
    assert_eq!(b.send(), (first..b.next).collect::<Vec<_>>());
}
