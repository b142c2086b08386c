//! Which cells and references make a run.

use crate::cell::{self, Cell, Encryption, Figures};
use crate::dbus::{self, Answers};
use crate::floor::{self, Floor};
use crate::machine::Machine;
use crate::script::{self, Script};
use crate::table;

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Full,
    Quick,
}

/// Everything of a run.
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) cells: Vec<Figures>,
    pub(crate) rounds: Vec<Round>,
    /// At other paces, and at none.
    pub(crate) floors: Vec<Floor>,
    pub(crate) answers: Vec<Answers>,
}

/// The service and the references, one behind the other, at [`RATE`].
pub(crate) struct Round {
    pub(crate) ours: Figures,
    pub(crate) floor: Floor,
    pub(crate) script: Script,
}

impl Round {
    fn run(seconds: u64) -> Self {
        let ours = cell::run(Cell { rate: RATE, seconds, ..Cell::default() });
        let floor = floor::mosquitto_pub(&ours.payloads, Some(RATE), seconds);
        let script = script::measure(RATE, seconds, ours.cell.addresses);
        eprintln!(
            "{RATE} adverts/s, us/advert: {:.1}, mosquitto_pub {:.1}, reference.py {:.1}",
            ours.micros(),
            floor.micros,
            script.micros
        );
        Self { ours, floor, script }
    }

    /// Microseconds above the floor.
    pub(crate) fn above(&self) -> f64 {
        self.ours.micros() - self.floor.micros
    }

    /// How many times the service's is in the script's.
    pub(crate) fn times(&self) -> f64 {
        self.script.micros / self.ours.micros()
    }
}

/// The rates with QoS 0, without encryption, with 200 addresses.
const RATES: [u64; 7] = [20, 200, 1000, 2500, 5000, 20_000, 50_000];
/// Those with everything else.
const OTHERS: [u64; 2] = [1000, 20_000];
/// The rate of the comparisons.
pub(crate) const RATE: u64 = 1000;

fn cells(extent: Extent) -> Vec<Cell> {
    let (long, seconds, rates, others) = match extent {
        Extent::Full => (10, 5, &RATES[..], &OTHERS[..]),
        Extent::Quick => (2, 2, &[RATE, 50_000][..], &[RATE][..]),
    };
    let plain = Cell { seconds, ..Cell::default() };
    let ways = [
        Cell { qos: 1, ..plain },
        Cell { encryption: Encryption::Psk, ..plain },
        Cell { encryption: Encryption::Certificate, ..plain },
        Cell { addresses: 20_000, ..plain },
        Cell { addresses: 20_000, duplicates: 1000, ..plain },
    ];
    let first = rates.iter().map(|&rate| Cell { rate, seconds: long, ..plain });
    first.chain(ways.into_iter().flat_map(|way| others.iter().map(move |&rate| Cell { rate, ..way }))).collect()
}

/// Runs it all, telling each line as it comes.
pub(crate) fn run(extent: Extent) -> Results {
    let machine = Machine::now();
    let full = extent == Extent::Full;
    let seconds = if full { 5 } else { 2 };
    eprintln!("{}", table::HEAD);
    let mut found = Vec::new();
    for cell in cells(extent) {
        let figures = cell::run(cell);
        eprintln!("{}", table::row(&figures));
        found.push(figures);
    }
    let rounds: Vec<Round> = (0..if full { 3 } else { 1 }).map(|_| Round::run(seconds)).collect();
    let payloads = &rounds[0].ours.payloads;
    let rates = if full { &[Some(20_000), Some(50_000), None][..] } else { &[None][..] };
    let floors = rates.iter().map(|&rate| floor::mosquitto_pub(payloads, rate, seconds)).collect();
    let rates = if full { &[RATE, 20_000][..] } else { &[RATE][..] };
    let answers = rates.iter().map(|&rate| dbus::measure(rate, seconds)).collect();
    Results { machine: machine.ended(), cells: found, rounds, floors, answers }
}

impl Results {
    /// The cell with QoS 0, without encryption, with 200 addresses.
    pub(crate) fn plain(&self, rate: u64) -> Option<&Figures> {
        self.cells.iter().find(|figures| figures.cell.is_plain() && figures.cell.rate == rate)
    }

    /// The middle of what the rounds say.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let mut all: Vec<f64> = self.rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}
