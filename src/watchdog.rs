//! The watchdog is fed by the data path: it gets a sign only when the scan task and the publish thread both made one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a loop that has nothing to do shows that it could.
pub const PULSE: Duration = Duration::from_secs(1);

/// Signs of both loops, made inside of them: a loop that is blocked makes none.
#[derive(Debug, Default)]
pub struct Beats {
    scan: AtomicU64,
    publish: AtomicU64,
}

impl Beats {
    /// The scan task went round.
    pub fn scan(&self) {
        self.scan.fetch_add(1, Ordering::Relaxed);
    }

    /// The publish thread went round.
    pub fn publish(&self) {
        self.publish.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells whether there is progress.
#[derive(Debug, Default)]
pub struct Feeder {
    scan: u64,
    publish: u64,
}

impl Feeder {
    /// Whether both moved since this was last true.
    pub fn both_moved(&mut self, beats: &Beats) -> bool {
        let (scan, publish) = (beats.scan.load(Ordering::Relaxed), beats.publish.load(Ordering::Relaxed));
        let moved = scan != self.scan && publish != self.publish;
        if moved {
            *self = Self { scan, publish };
        }
        moved
    }

    /// Whether the publish thread moved since this was last true: at the end the scan task is gone.
    pub fn publish_moved(&mut self, beats: &Beats) -> bool {
        let publish = beats.publish.load(Ordering::Relaxed);
        std::mem::replace(&mut self.publish, publish) != publish
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_that_moves_is_not_enough() {
        let (beats, mut feeder) = (Beats::default(), Feeder::default());
        assert!(!feeder.both_moved(&beats));
        beats.scan();
        assert!(!feeder.both_moved(&beats));
        beats.scan();
        assert!(!feeder.both_moved(&beats));
        beats.publish();
        assert!(feeder.both_moved(&beats), "each moved, at whatever time");
        beats.publish();
        assert!(!feeder.both_moved(&beats));
        assert!(feeder.publish_moved(&beats) && !feeder.publish_moved(&beats));
    }

    proptest! {
        #[test]
        fn a_meal_takes_a_sign_of_each(steps in prop::collection::vec(0u8..3, 0..100)) {
            let (beats, mut feeder, mut new) = (Beats::default(), Feeder::default(), (false, false));
            for step in steps {
                match step {
                    0 => { beats.scan(); new.0 = true; }
                    1 => { beats.publish(); new.1 = true; }
                    _ => {
                        prop_assert_eq!(feeder.both_moved(&beats), new == (true, true));
                        if new == (true, true) { new = (false, false); }
                    }
                }
            }
        }
    }
}
