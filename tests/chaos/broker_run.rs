//! Runs of faults on the broker's side, the disk and the service itself.

use crate::books::{Allowed, Books};
use crate::broker_side::{Fault, Ledger, Site, TOPIC};
use crate::plan::{Kind, Step, plan, wanted};
use crate::support::process::heap;
use crate::support::{eventually, within};
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Steps between two audits.
const STRETCH: usize = 8;
/// The service waits for up to a minute between two attempts when a broker is away for long.
const CATCH_UP: Duration = Duration::from_secs(180);
/// Memory that allocator and buffers may take beyond what the first audit found, for queue and socket buffers.
const SLACK: u64 = 2 << 20;

struct Run {
    site: Site,
    books: Books,
    allowed: Allowed,
    /// The present service's ledger at the last audit.
    before: Ledger,
    /// A disk that is full is the one bound that is reached: now, and since the last audit.
    disk_full: bool,
    disk_was_full: bool,
    /// Ends of faults, and the number that was next then.
    ends: Vec<(Fault, Instant, u32)>,
    begins: Vec<Instant>,
    /// Bytes at the audits of the present service.
    memory: Vec<u64>,
    growth: i64,
}

impl Run {
    fn begin(&mut self, fault: Fault, dice: u64) {
        self.begins.push(Instant::now());
        if fault == Fault::DiskFull {
            (self.disk_full, self.disk_was_full) = (true, true);
        }
        let ends = [Fault::ServiceKilled, Fault::ServiceRestarted].contains(&fault);
        let last = ends.then(|| self.site.ledger());
        println!("{fault:?} from {} on, {last:?}", self.site.player.next());
        self.site.begin(fault, dice);
        let Some(last) = last else { return };
        self.allowed.add_drops(&last, &self.before);
        self.before = Ledger::new();
        self.growth = self.growth.max(self.grown());
        self.memory.clear();
        // What it had in memory alone may be lost, also at a stop that finds no disk.
        if fault == Fault::ServiceKilled || self.disk_full {
            let unread = self.site.player.of_last_run() - last["Received"];
            self.allowed.killed += last["Queued"] + last["InFlight"] + unread;
        }
    }

    fn end(&mut self, fault: Fault) {
        self.site.end(fault);
        println!("{fault:?} ended at {}", self.site.player.next());
        self.disk_full &= fault != Fault::DiskFull;
        self.ends.push((fault, Instant::now(), self.site.player.next()));
    }

    fn step(&mut self, step: &Step<Fault>) {
        sleep(step.after);
        self.begin(step.fault, step.dice);
        if let Some((after, second)) = step.second {
            sleep(after);
            self.begin(second, step.dice.rotate_left(32));
            sleep(step.lasts);
            self.end(second);
        } else {
            sleep(step.lasts);
        }
        self.end(step.fault);
    }

    /// Waits until everything went its way, then compares.
    fn audit(&mut self) {
        self.site.player.pause(true);
        let given = self.site.player.of_this_run();
        let ledger = within(CATCH_UP, "nothing waits any more", || {
            let (recovering, ledger) = (self.site.is_recovering(), self.site.ledger());
            let waits = ledger["Queued"] + ledger["InFlight"] + ledger["Spooled"];
            if ledger["Received"] == given && waits == 0 && !recovering {
                Ok(ledger)
            } else {
                Err(format!("{given}: {ledger:?}"))
            }
        });
        self.allowed.add_drops(&ledger, &self.before);
        self.site.recorder.catch_up(TOPIC);
        if !self.disk_was_full {
            assert_eq!(self.allowed.drops(), 0, "within the bounds nothing is dropped: {:?}", self.allowed);
        }
        let allowed = std::mem::take(&mut self.allowed);
        let missing = self.books.audit(&self.site.player.heard(), &self.site.recorder.arrivals(), &allowed);
        let missing = missing.unwrap_or_else(|error| panic!("{error}\n{}", self.site.log()));
        self.memory.push(heap(self.site.service.as_ref().expect("it runs").id()));
        println!("audit: {} heard, {missing} lost, {allowed:?}, memory {:?}", self.books.heard, self.memory);
        (self.before, self.disk_was_full) = (ledger, false);
        self.site.player.pause(false);
    }

    /// Bytes that the present service grew by since its first audit.
    fn grown(&self) -> i64 {
        match self.memory[..] {
            [first, .., last] => last as i64 - first as i64,
            _ => 0,
        }
    }
}

fn run(seed: u64, faults: usize) {
    println!("seed {seed}, {faults} faults");
    let steps = plan::<Fault>(seed, faults, true);
    let site = Site::start(if seed.is_multiple_of(2) { "3.1.1" } else { "5" });
    let mut run = Run {
        site,
        books: Books::default(),
        allowed: Allowed::default(),
        before: Ledger::new(),
        disk_full: false,
        disk_was_full: false,
        ends: Vec::new(),
        begins: Vec::new(),
        memory: Vec::new(),
        growth: 0,
    };
    eventually("adverts arrive", || !run.site.recorder.arrivals().is_empty());
    for (number, step) in steps.iter().enumerate() {
        println!("step {number}: {step:?}");
        run.step(step);
        if (number + 1).is_multiple_of(STRETCH) || number + 1 == steps.len() {
            run.audit();
        }
    }
    report(&mut run, seed, faults);
}

fn report(run: &mut Run, seed: u64, faults: usize) {
    run.growth = run.growth.max(run.grown());
    let arrivals = run.site.recorder.arrivals();
    let mut recoveries = BTreeMap::<&str, Vec<Duration>>::new();
    for (fault, at, next) in &run.ends {
        let later = arrivals.iter().skip(*next as usize).filter_map(|a| a.first);
        let Some(first) = later.min() else { continue };
        // When the next fault came first, the time is not this one's.
        if !run.begins.iter().any(|begin| begin > at && *begin < first) {
            recoveries.entry(fault.name()).or_default().push(first.saturating_duration_since(*at));
        }
    }
    for (fault, mut times) in recoveries {
        times.sort_unstable();
        let list: Vec<_> = times.iter().map(|t| format!("{:.2}", t.as_secs_f64())).collect();
        println!("chaos-fault: {fault}|{}", list.join(" "));
    }
    let books = &run.books;
    let dropped: Vec<_> = books.dropped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let dropped = if dropped.is_empty() { "0".to_owned() } else { dropped.join(", ") };
    println!(
        "chaos-run: {seed}|broker, disk, power|{faults}|{}|{}|{}|{dropped}|{} of {}|{}",
        books.heard,
        books.arrived,
        books.repeated,
        books.lost_killed,
        books.allowed_killed,
        run.growth / 1024
    );
    assert!(run.growth < SLACK as i64, "memory grew by {} bytes", run.growth);
    println!("passed: every advert arrived or is accounted for");
}

#[test]
fn chaos_of_a_few_faults_at_the_broker() {
    run(wanted("CASSIA_CHAOS_SEED").unwrap_or(1), 14);
}

#[test]
#[ignore = "takes long: tests/chaos/run"]
fn chaos_of_many_faults_at_the_broker() {
    let faults = wanted("CASSIA_CHAOS_FAULTS").expect("CASSIA_CHAOS_FAULTS");
    run(wanted("CASSIA_CHAOS_SEED").expect("CASSIA_CHAOS_SEED"), faults as usize);
}
