//! Numbered adverts on their way: when each was sent, how long it took, which are missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Of one run. The numbers are in the adverts' bytes.
#[derive(Debug)]
pub(crate) struct Traffic {
    start: Instant,
    /// Nanoseconds after the start; 0 is not yet.
    sent: Vec<AtomicU64>,
    arrived: Vec<AtomicU64>,
    messages: AtomicU64,
    count: AtomicU64,
    twice: AtomicU64,
    last: AtomicU64,
}

/// Latencies of what arrived.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

fn zeros(count: u64) -> Vec<AtomicU64> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

impl Traffic {
    pub(crate) fn new(count: u64) -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        let (start, sent, arrived) = (Instant::now(), zeros(count), zeros(count));
        Arc::new(Self { start, sent, arrived, messages: zero(), count: zero(), twice: zero(), last: zero() })
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// This advert leaves the generator now.
    pub(crate) fn send(&self, number: u64) {
        self.sent[number as usize].store(self.now(), Ordering::Relaxed);
    }

    /// A message came to the subscriber.
    pub(crate) fn arrive(&self, payload: &[u8]) {
        let now = self.now();
        for number in numbers(payload) {
            let Some(slot) = self.arrived.get(number as usize) else { continue };
            let again = slot.swap(now, Ordering::Relaxed) != 0;
            (if again { &self.twice } else { &self.count }).fetch_add(1, Ordering::Relaxed);
        }
        self.last.store(now, Ordering::Release);
        self.messages.fetch_add(1, Ordering::Release);
    }

    /// Messages that arrived.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Acquire)
    }

    /// Different adverts that arrived.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Adverts that arrived once more (QoS 1 may).
    pub(crate) fn twice(&self) -> u64 {
        self.twice.load(Ordering::Relaxed)
    }

    /// Since something arrived.
    pub(crate) fn quiet(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_nanos(self.last.load(Ordering::Acquire)))
    }

    /// From the first of these numbers to the last thing that arrived.
    pub(crate) fn span(&self, first: u64) -> Duration {
        let from = self.sent[first as usize].load(Ordering::Relaxed);
        Duration::from_nanos(self.last.load(Ordering::Acquire).saturating_sub(from))
    }

    /// Adverts a second at the subscriber, of the numbers from this one on: those after the first message that came.
    pub(crate) fn carried(&self, first: u64) -> f64 {
        let times = || self.arrived.iter().skip(first as usize).map(|a| a.load(Ordering::Relaxed)).filter(|a| *a > 0);
        let (Some(begin), Some(end)) = (times().min(), times().max()) else { return 0.0 };
        times().filter(|time| *time > begin).count() as f64 / Duration::from_nanos((end - begin).max(1)).as_secs_f64()
    }

    /// Of the numbers from this one on.
    pub(crate) fn latency(&self, first: u64) -> Latency {
        let time = |slot: &AtomicU64| slot.load(Ordering::Relaxed);
        let pairs = self.sent.iter().zip(&self.arrived).skip(first as usize).map(|(s, a)| (time(s), time(a)));
        let mut all: Vec<u64> = pairs.filter(|(_, a)| *a > 0).map(|(s, a)| a.saturating_sub(s)).collect();
        all.sort_unstable();
        let at = |part: f64| {
            let index = ((all.len() as f64 * part) as usize).min(all.len().saturating_sub(1));
            Duration::from_nanos(all.get(index).copied().unwrap_or(0))
        };
        Latency { p50: at(0.5), p99: at(0.99) }
    }
}

/// The numbers of a message's adverts: each is the last four bytes of its data.
fn numbers(payload: &[u8]) -> impl Iterator<Item = u32> {
    const KEY: &[u8] = b"\"adData\":";
    let mut rest = payload;
    std::iter::from_fn(move || {
        loop {
            let quote = rest.iter().position(|byte| *byte == b'"')?;
            rest = &rest[quote..];
            let Some(data) = rest.strip_prefix(KEY) else {
                rest = &rest[1..];
                continue;
            };
            // Some writers of JSON put a space there.
            let data = data.trim_ascii_start().strip_prefix(b"\"")?;
            let end = data.iter().position(|byte| *byte == b'"')?;
            rest = &data[end..];
            let digits = std::str::from_utf8(data.get(end.checked_sub(8)?..end)?).ok()?;
            return u32::from_str_radix(digits, 16).ok();
        }
    })
}
