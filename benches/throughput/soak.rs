//! Memory over time.

use crate::cell::{self, Cell};
use crate::machine;
use crate::micro::target;
use crate::rig::Rig;
use crate::table::{count, mb};
use crate::usage;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What came of the last one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Soak {
    pub(crate) date: String,
    pub(crate) seconds: u64,
    pub(crate) rate: u64,
    pub(crate) lost: u64,
    pub(crate) micros: f64,
    /// KiB resident, after the first minutes, at the end, at most after the first minutes.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) max: u64,
    /// KiB an hour, by least squares over the samples after the first minutes.
    pub(crate) slope: f64,
    /// Seconds since the start and KiB.
    pub(crate) samples: Vec<(u64, u64)>,
}

const EVERY: Duration = Duration::from_secs(10);
/// The first minutes: what is allocated once.
const BEGINNING: u64 = 300;
/// More than this part of it in an hour is growth; less is a stack or a buffer that a rare pause of the machine made longer.
const GROWTH: f64 = 0.01;

fn file() -> PathBuf {
    target().join("soak.json")
}

/// The last one, if there was one.
pub(crate) fn last() -> Option<Soak> {
    serde_json::from_slice(&fs::read(file()).ok()?).ok()
}

/// Plays for so long, with a sample every ten seconds.
pub(crate) fn run(seconds: u64, rate: u64) -> Soak {
    let cell = Cell { rate, seconds, ..Cell::default() };
    let rig = Rig::start(&cell);
    let samples = Mutex::new(Vec::new());
    let figures = cell::measure(cell, &rig, |rig| {
        let start = Instant::now();
        while start.elapsed().as_secs() < seconds {
            std::thread::sleep(EVERY.min(Duration::from_secs(seconds)));
            let memory = usage::memory(rig.service.id());
            let at = start.elapsed().as_secs();
            eprintln!("{at:>6} s  RSS {} KiB, heap {} KiB", count(memory.resident), count(memory.anonymous));
            samples.lock().expect("no panic while held").push((at, memory.resident));
        }
    });
    let samples: Vec<(u64, u64)> = samples.into_inner().expect("no panic while held");
    let beginning = BEGINNING.min(seconds / 4);
    let later: Vec<(u64, u64)> = samples.iter().copied().filter(|(at, _)| *at >= beginning).collect();
    let resident = || later.iter().map(|(_, kib)| *kib);
    let soak = Soak {
        date: machine::date(),
        seconds,
        rate,
        lost: figures.lost,
        micros: figures.micros(),
        start: resident().next().unwrap_or(0),
        end: resident().next_back().unwrap_or(0),
        max: resident().max().unwrap_or(0),
        slope: slope(&later) * 3600.0,
        samples,
    };
    fs::write(file(), serde_json::to_vec(&soak).expect("JSON")).expect("written");
    soak
}

/// Least squares, KiB a second.
fn slope(samples: &[(u64, u64)]) -> f64 {
    let n = samples.len() as f64;
    let mean = |part: fn(&(u64, u64)) -> u64| samples.iter().map(part).sum::<u64>() as f64 / n;
    let (x, y) = (mean(|s| s.0), mean(|s| s.1));
    let over = |f: &dyn Fn(f64, f64) -> f64| samples.iter().map(|s| f(s.0 as f64 - x, s.1 as f64 - y)).sum::<f64>();
    let spread = over(&|dx, _| dx * dx);
    if spread > 0.0 { over(&|dx, dy| dx * dy) / spread } else { 0.0 }
}

impl Soak {
    /// Whether nothing grew and nothing was lost.
    pub(crate) fn steady(&self) -> bool {
        self.slope <= self.start as f64 * GROWTH && self.lost == 0
    }

    /// In a sentence or two.
    pub(crate) fn text(&self) -> String {
        format!(
            "{}: {} s at {} adverts/s. RSS {:.2} MB after the first minutes, {:.2} MB at the end, {:.2} MB at most; slope {:+.1} KiB \
             an hour{}. Lost: {}. CPU {:.1} us/advert.",
            self.date,
            count(self.seconds),
            count(self.rate),
            mb(self.start),
            mb(self.end),
            mb(self.max),
            self.slope,
            if self.seconds < 3600 { " (too short to tell)" } else { "" },
            count(self.lost),
            self.micros
        )
    }
}
