use super::*;
use tokio::time::advance;

struct Bench {
    _directory: tempfile::TempDir,
    path: PathBuf,
    state: Arc<StateLock>,
    stats: Arc<Stats>,
    queue: Queue,
    spooler: Spooler,
}

const ALL: Spooling = Spooling { max_bytes: 1 << 20, max_age: 3600, rate: 100 };

impl Bench {
    fn new(settings: Spooling) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("spool");
        let stats = Arc::new(Stats::default());
        stats.set_clock_synchronised(true);
        let queue = Queue::new(100_000, stats.clone());
        let state = Arc::new(StateLock::new(directory.path()));
        let spooler = Spooler::new(Some(state.clone()), settings, stats.clone(), stats.clock_synchronised());
        Self { _directory: directory, path, state, stats, queue, spooler }
    }

    /// The next run of the service.
    fn again(&mut self) {
        self.spooler.close(&self.queue);
        self.killed();
    }

    fn killed(&mut self) {
        self.stats = Arc::new(Stats::default());
        self.stats.set_clock_synchronised(true);
        self.queue = Queue::new(100_000, self.stats.clone());
        self.spooler = Spooler::new(Some(self.state.clone()), ALL, self.stats.clone(), self.stats.clock_synchronised());
        self.read_all();
    }

    /// Until all that was left is known.
    fn read_all(&mut self) {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        while self.spooler.is_recovering() {
            assert!(std::time::Instant::now() < end, "it takes too long");
            std::thread::sleep(Duration::from_millis(1));
            self.spooler.upkeep();
            assert!(self.stats.snapshot().balances());
        }
    }

    fn push(&self, numbers: std::ops::Range<u32>) {
        for n in numbers {
            self.stats.ledger(|l| l.receive_queued(10));
            self.queue.push(Message { payload: format!("{n:01000}").into_bytes(), adverts: 10, ..Message::default() });
        }
    }

    /// Sends what is due and leaves it in flight: with the number in it.
    fn take(&mut self) -> Option<(u32, Message)> {
        let taken = self.spooler.take(&self.queue);
        assert!(self.stats.snapshot().balances());
        let message = taken?;
        let number = std::str::from_utf8(&message.payload).expect("text").parse().expect("a number");
        Some((number, message))
    }

    fn settle(&mut self, message: &Message) {
        self.stats.ledger(|l| l.publish(message.adverts));
        self.spooler.ack(message.id);
    }

    /// All that comes, as fast as it may.
    async fn replay(&mut self) -> Vec<u32> {
        let mut numbers = Vec::new();
        while self.spooler.due(false).is_some() {
            self.spooler.wait_due(false).await;
            let Some((number, message)) = self.take() else { continue };
            numbers.push(number);
            self.settle(&message);
        }
        numbers
    }
}

#[tokio::test(start_paused = true)]
async fn spooler_moves_a_queue_that_fills_to_the_disk_and_paces_it_back() {
    let mut b = Bench::new(ALL);
    b.push(0..40);
    tokio::select! {
        () = b.spooler.wait_spill(&b.queue, true) => panic!("there is room"),
        () = sleep_until(Instant::now() + MAX_TIME_IN_MEMORY * 2) => {}
    }
    b.spooler.connected();
    b.push(40..60);
    b.spooler.wait_spill(&b.queue, true).await;
    b.spooler.spill(&b.queue);
    let (left, bytes) = b.queue.depth();
    let spooled = 60 - left as u32;
    assert!(bytes <= 25_000 && b.stats.snapshot().spooled == u64::from(spooled) * 10, "{left} {bytes}");
    let ratio = b.stats.spool().write_ratio();
    assert!(ratio > 1.0 && ratio < 1.1, "{ratio}");
    let start = Instant::now();
    assert_eq!(b.replay().await, (0..spooled).collect::<Vec<_>>());
    let secs = start.elapsed().as_secs_f64();
    assert!((secs - f64::from(spooled) * 0.1).abs() < 2.0, "10 messages a second: {secs}");
    assert_eq!((b.stats.snapshot().spooled, b.stats.spool().bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn spooler_moves_all_to_the_disk_after_a_minute_without_a_broker() {
    let mut b = Bench::new(ALL);
    b.push(0..3);
    let start = Instant::now();
    b.spooler.wait_spill(&b.queue, false).await;
    assert_eq!(start.elapsed().as_secs(), 60);
    b.spooler.spill(&b.queue);
    assert!(b.queue.is_empty());
    // kill -9.
    b.killed();
    let ledger = b.stats.snapshot();
    assert_eq!((ledger.recovered, ledger.spooled, ledger.balances()), (30, 30, true));
    assert_eq!(b.replay().await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn spooler_gives_out_one_at_a_time_and_again_what_was_not_acknowledged() {
    let mut b = Bench::new(ALL);
    b.push(0..5);
    b.again();
    let (number, message) = b.take().expect("the first");
    let id = message.id;
    assert_eq!((number, b.take().is_none(), b.spooler.due(false)), (0, true, None));
    assert_eq!(b.spooler.put_back(vec![message]), []);
    assert_eq!(b.stats.snapshot().spooled, 50);
    advance(Duration::from_secs(1)).await;
    let (number, message) = b.take().expect("the first again");
    assert_eq!((number, message.id), (0, id));
    b.settle(&message);
    b.spooler.wait_due(false).await;
    // One that is in flight at the end comes again.
    b.take().expect("the second");
    b.again();
    assert_eq!(b.stats.snapshot().recovered, 40);
    assert_eq!(b.replay().await, [1, 2, 3, 4]);
    b.again();
    assert_eq!(b.stats.snapshot().recovered, 0);
}

#[tokio::test(start_paused = true)]
async fn spooler_gives_back_what_was_not_from_the_disk() {
    let mut b = Bench::new(ALL);
    let message = || Message { id: 9, payload: vec![1], adverts: 1, ..Message::default() };
    assert_eq!(b.spooler.put_back(vec![message()]), [message()]);
}

#[tokio::test(start_paused = true)]
async fn disk_that_fails_leaves_all_in_memory_says_so_and_is_tried_again() {
    let mut b = Bench::new(ALL);
    std::fs::remove_dir_all(&b.path).expect("there");
    std::fs::write(&b.path, "in the way").expect("written");
    b.push(0..60);
    b.spooler.spill(&b.queue);
    assert_eq!((b.stats.spool().state, b.queue.depth().0), (SpoolState::MemoryOnly, 60));
    assert!(!b.stats.spool().detail.is_empty() && b.stats.snapshot().balances());
    assert_eq!(b.stats.spool_cover(), Duration::ZERO);
    for connected in [false, true] {
        let start = Instant::now();
        b.spooler.connected();
        b.spooler.wait_spill(&b.queue, connected).await;
        assert_eq!(start.elapsed(), RETRY_DELAY);
        b.spooler.spill(&b.queue);
        assert_eq!(b.stats.spool().state, SpoolState::MemoryOnly);
    }
    std::fs::remove_file(&b.path).expect("there");
    std::fs::create_dir(&b.path).expect("made");
    b.spooler.wait_spill(&b.queue, true).await;
    b.spooler.spill(&b.queue);
    assert_eq!((b.stats.spool().state, b.stats.snapshot().spooled), (SpoolState::Ready, 600));
    assert_eq!(b.replay().await, (0..60).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn spooler_drops_and_counts_the_oldest_beyond_its_bounds() {
    let mut b = Bench::new(Spooling { max_bytes: 200_000, ..ALL });
    for n in 0..6 {
        b.push(n * 50..(n + 1) * 50);
        b.spooler.spill_down_to(&b.queue, 0);
    }
    let ledger = b.stats.snapshot();
    let dropped = ledger.dropped(DropReason::SpoolFull);
    assert!(dropped > 900 && ledger.balances() && b.stats.spool().bytes <= 200_000, "{ledger:?}");
    // A message on its way from a segment that is given up is sent all the same.
    let (number, message) = b.take().expect("the oldest");
    assert_eq!(u64::from(number) * 10, dropped);
    for n in 6..10 {
        b.push(n * 50..(n + 1) * 50);
        b.spooler.spill_down_to(&b.queue, 0);
    }
    assert_eq!(b.spooler.put_back(vec![message]).len(), 1);
    b.stats.ledger(|l| l.put_back(10));
    assert!(b.stats.snapshot().balances());
}

#[tokio::test(start_paused = true)]
async fn spooler_drops_and_counts_what_waited_too_long() {
    let mut b = Bench::new(ALL);
    b.stats.ledger(|l| l.receive_queued(10));
    let now = Now::read(&b.spooler.clock);
    let then = Now { uptime: now.uptime.plus(-3_599_000), ..now };
    let old = Message { payload: vec![b'1'], adverts: 10, ..Message::default() };
    b.spooler.store.as_mut().expect("a store").append(&then, &[old]).expect("written");
    b.stats.ledger(|l| l.spool(10));
    b.spooler.expire();
    assert_eq!(b.stats.snapshot().spooled, 10, "not yet");
    b.spooler.follow(Spooling { max_age: 3598, ..ALL });
    // Within a boot no clock is needed.
    b.stats.set_clock_synchronised(false);
    assert!(b.take().is_none());
    assert_eq!(b.stats.snapshot().dropped(DropReason::SpoolAge), 10);
}

#[tokio::test(start_paused = true)]
async fn spooler_that_is_off_takes_nothing_and_sends_what_is_there() {
    let mut b = Bench::new(ALL);
    b.push(0..2);
    b.again();
    b.spooler.follow(Spooling { max_bytes: 0, ..ALL });
    assert_eq!(b.stats.spool().state, SpoolState::Off);
    b.push(2..3);
    b.spooler.close(&b.queue);
    assert_eq!(b.queue.depth().0, 1);
    assert_eq!(b.replay().await, [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn spooler_holds_a_message_that_was_cut_until_all_its_parts_are_done() {
    let mut b = Bench::new(ALL);
    b.push(0..2);
    advance(MAX_TIME_IN_MEMORY).await;
    b.spooler.spill(&b.queue);
    advance(Duration::from_secs(1)).await;
    let cut = |b: &mut Bench| {
        let (number, message) = b.take().expect("due");
        let part = |n: u64| {
            let payload = format!("{n:01000}").into_bytes();
            Message { id: 100 + n, payload, adverts: 5, ..Message::default() }
        };
        assert_eq!((number, message.adverts), (0, 10));
        assert!(b.spooler.put_back_parts(message.id, vec![part(10), part(11)]).is_empty(), "they are the disk's");
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.spooled, ledger.in_flight, ledger.balances()), (20, 0, true));
    };
    cut(&mut b);
    let (first, part) = b.take().expect("due");
    b.settle(&part);
    assert_eq!((first, part.adverts), (10, 5));
    // The power fails: the whole message is sent again.
    b.spooler.checkpoint();
    b.killed();
    assert_eq!(b.stats.snapshot().recovered, 20);
    advance(Duration::from_secs(1)).await;
    cut(&mut b);
    let (_, part) = b.take().expect("due");
    b.settle(&part);
    // A stop keeps the part that is left, and that alone.
    b.again();
    assert_eq!(b.stats.snapshot().recovered, 15);
    let mut left = Vec::new();
    for _ in 0..2 {
        advance(Duration::from_secs(1)).await;
        let (number, message) = b.take().expect("due");
        b.settle(&message);
        left.push((number, message.adverts));
    }
    assert_eq!(left, [(1, 10), (11, 5)]);
    assert!(b.take().is_none() && b.stats.snapshot().spooled == 0);
}
