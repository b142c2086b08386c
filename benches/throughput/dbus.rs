//! How long D-Bus waits for an answer while adverts come.

use crate::cell::{self, Cell};
use crate::rig::Rig;
use crate::support::busctl::{NAME, PATH, STATS};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Answers to `Get` of the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers {
    pub(crate) rate: u64,
    pub(crate) count: usize,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

const EVERY: Duration = Duration::from_millis(20);

/// Asks for the ledger fifty times a second.
pub(crate) fn measure(rate: u64, seconds: u64) -> Answers {
    let cell = Cell { rate, seconds, ..Cell::default() };
    let rig = Rig::start(&cell);
    let answers = Mutex::new(Vec::new());
    cell::measure(cell, &rig, |rig| answers.lock().expect("no panic while held").extend(ask(rig, seconds)));
    let mut all: Vec<Duration> = answers.into_inner().expect("no panic while held");
    all.sort_unstable();
    let at = |part: f64| all[((all.len() as f64 * part) as usize).min(all.len() - 1)];
    Answers { rate, count: all.len(), median: at(0.5), p99: at(0.99), max: at(1.0) }
}

fn ask(rig: &Rig, seconds: u64) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = zbus::connection::Builder::address(rig.bus.address()).build().await.expect("the bus");
        let (end, mut answers) = (Instant::now() + Duration::from_secs(seconds), Vec::new());
        while Instant::now() < end {
            let asked = Instant::now();
            let properties = Some("org.freedesktop.DBus.Properties");
            client.call_method(Some(NAME), PATH, properties, "Get", &(STATS, "Ledger")).await.expect("an answer");
            answers.push(asked.elapsed());
            tokio::time::sleep(EVERY).await;
        }
        answers
    })
}
