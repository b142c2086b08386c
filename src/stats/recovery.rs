//! What was done to get the radio back, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// A rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// A capture that failed was opened again.
    Capture,
    /// The scan of an adapter in trouble was tried anew.
    Retry,
    /// An adapter that was off was powered on.
    PowerOn,
    /// The scan of an adapter that heard nothing was set up anew.
    Rescan,
    /// An adapter was powered off and on.
    PowerCycle,
    /// That was due, but devices are connected to it, or are being connected.
    PowerCycleWithheld,
    /// A discovery of two seconds was to bring a passive scan back.
    Discovery,
}

/// All of them, in their order.
pub const RUNGS: [Rung; 7] = [
    Rung::Capture,
    Rung::Retry,
    Rung::PowerOn,
    Rung::Rescan,
    Rung::PowerCycle,
    Rung::PowerCycleWithheld,
    Rung::Discovery,
];

impl Rung {
    /// The word on D-Bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Retry => "retry",
            Self::PowerOn => "power-on",
            Self::Rescan => "rescan",
            Self::PowerCycle => "power-cycle",
            Self::PowerCycleWithheld => "power-cycle-withheld",
            Self::Discovery => "discovery",
        }
    }
}

/// How often each was climbed.
#[derive(Debug, Default)]
pub struct Recoveries([AtomicU64; RUNGS.len()]);

impl Recoveries {
    /// Once more.
    pub fn count(&self, rung: Rung) {
        self.0[rung as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    pub fn of(&self, rung: Rung) -> u64 {
        self.0[rung as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_count_of_its_own() {
        let recoveries = Recoveries::default();
        for (place, rung) in RUNGS.into_iter().enumerate() {
            assert_eq!(rung as usize, place);
            (0..=place).for_each(|_| recoveries.count(rung));
        }
        assert_eq!(RUNGS.map(|rung| recoveries.of(rung)), [1, 2, 3, 4, 5, 6, 7]);
    }
}
