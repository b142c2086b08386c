//! One cell of the table: what is played, and what came of it.

use crate::generator::{Generated, play};
use crate::receiver::Receiver;
use crate::rig::{Rig, TOPIC};
use crate::support::eventually;
use crate::traffic::{Latency, Traffic};
use crate::usage::{self, Memory};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How messages go to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    None,
    Psk,
    Certificate,
}

impl Encryption {
    /// The value of `EncryptionMode`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Psk => "psk",
            Self::Certificate => "certificate",
        }
    }
}

/// What is played into a service of its own, in batches of 20.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Adverts a second.
    pub(crate) rate: u64,
    pub(crate) seconds: u64,
    pub(crate) addresses: u16,
    pub(crate) qos: u8,
    pub(crate) encryption: Encryption,
    /// `DuplicatesMs`. Every advert has other bytes than the ones before: none is a repeat, but all are looked up.
    pub(crate) duplicates: u32,
}

/// Adverts in a message.
pub(crate) const BATCH: u64 = 20;

impl Default for Cell {
    fn default() -> Self {
        Self { rate: 1000, seconds: 10, addresses: 200, qos: 0, encryption: Encryption::None, duplicates: 0 }
    }
}

impl Cell {
    /// Whether it differs from the default in its rate at most.
    pub(crate) fn is_plain(&self) -> bool {
        self.qos == 0 && self.encryption == Encryption::None && self.addresses == 200 && self.duplicates == 0
    }
}

/// What came of a cell.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) cell: Cell,
    pub(crate) sent: u64,
    pub(crate) generated: Generated,
    /// Adverts a second at the subscriber.
    pub(crate) carried: f64,
    /// Of the service alone.
    pub(crate) processor: Duration,
    /// From the first advert to the last message.
    pub(crate) took: Duration,
    pub(crate) threads: Vec<(String, Duration)>,
    pub(crate) idle: Memory,
    pub(crate) memory: Memory,
    pub(crate) latency: Latency,
    /// Sent and not received, whoever lost it.
    pub(crate) lost: u64,
    /// Received once more.
    pub(crate) twice: u64,
    /// What the service's books say otherwise; empty if they agree.
    pub(crate) disagreement: String,
    /// The first messages.
    pub(crate) payloads: Vec<Vec<u8>>,
}

impl Figures {
    /// Microseconds on a processor for each advert that was sent.
    pub(crate) fn micros(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / self.sent as f64
    }

    /// Processors' worth of time.
    pub(crate) fn cores(&self) -> f64 {
        self.processor.as_secs_f64() / self.took.as_secs_f64()
    }
}

/// Adverts before the measured ones, and their pace: the first of each way through the program.
const WARM_UP: u64 = 500;

/// Nothing more comes if nothing came for so long.
const QUIET: Duration = Duration::from_secs(2);

fn settle(traffic: &Traffic, expected: u64) {
    eventually("everything arrives, or nothing more", || traffic.count() >= expected || traffic.quiet() > QUIET);
}

/// Plays it and measures. Nobody asks the service anything between the first and the last measured advert.
pub(crate) fn run(cell: Cell) -> Figures {
    let rig = Rig::start(&cell);
    measure(cell, &rig, |_| {})
}

/// The same on a rig; `meanwhile` is called on a thread of its own when the measured adverts begin.
pub(crate) fn measure(cell: Cell, rig: &Rig, meanwhile: impl FnOnce(&Rig) + Send) -> Figures {
    let pid = rig.service.id();
    let (first, sent) = (WARM_UP, cell.rate * cell.seconds);
    let traffic = Traffic::new(first + sent);
    let receiver = Receiver::start(&rig.broker, TOPIC, cell.qos.min(1).into(), Arc::clone(&traffic));
    let idle = usage::memory(pid);
    let early = play(&rig.air, &traffic, 0..first, WARM_UP, cell.addresses);
    settle(&traffic, first - early.dropped);
    let (early_count, before, before_threads) = (traffic.count(), usage::processor(pid), usage::threads(pid));

    let (generated, processor, threads, took) = std::thread::scope(|scope| {
        scope.spawn(|| meanwhile(rig));
        let generated = play(&rig.air, &traffic, first..first + sent, cell.rate, cell.addresses);
        settle(&traffic, early_count + sent - generated.dropped);
        let (processor, threads) = (usage::processor(pid) - before, usage::threads(pid));
        (generated, processor, threads, generated.took.max(traffic.span(first)))
    });

    let arrived = traffic.count();
    Figures {
        cell,
        sent,
        generated,
        carried: traffic.carried(first),
        processor,
        took,
        threads: usage::between(&before_threads, &threads),
        idle,
        memory: usage::memory(pid),
        latency: traffic.latency(first),
        lost: first + sent - arrived,
        twice: traffic.twice(),
        disagreement: disagreement(rig, first + sent - early.dropped - generated.dropped, arrived),
        payloads: receiver.payloads(),
    }
}

/// The service's books beside what we know: what it was given, and what arrived.
fn disagreement(rig: &Rig, given: u64, arrived: u64) -> String {
    let known = [("Received", given), ("Published", arrived), ("Queued", 0), ("InFlight", 0)];
    let look = || {
        let ledger = rig.ledger();
        let wrong = known.iter().filter(|(name, count)| ledger[*name] != *count);
        wrong.map(|(name, count)| format!("{name} is {}, not {count}; ", ledger[*name])).collect::<String>()
    };
    // The subscriber may have a message before the service has its acknowledgement.
    let end = Instant::now() + QUIET;
    loop {
        let wrong = look();
        if wrong.is_empty() || Instant::now() > end {
            return wrong;
        }
    }
}
