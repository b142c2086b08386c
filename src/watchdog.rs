//! The watchdog is fed by the data path: it gets a sign only when the scan task and the publish thread both made one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a loop that has nothing to do shows that it could.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Signs of both loops, made inside of them: a loop that is blocked makes none.
#[derive(Debug, Default)]
pub struct Heartbeats {
    scan: AtomicU64,
    publish: AtomicU64,
}

impl Heartbeats {
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
pub struct ProgressCheck {
    scan: u64,
    publish: u64,
}

impl ProgressCheck {
    /// Whether both moved since this was last true.
    pub fn both_progressed(&mut self, heartbeats: &Heartbeats) -> bool {
        let (scan, publish) = (heartbeats.scan.load(Ordering::Relaxed), heartbeats.publish.load(Ordering::Relaxed));
        let moved = scan != self.scan && publish != self.publish;
        if moved {
            *self = Self { scan, publish };
        }
        moved
    }

    /// Whether the publish thread moved since this was last true: at the end the scan task is gone.
    pub fn publisher_progressed(&mut self, heartbeats: &Heartbeats) -> bool {
        let publish = heartbeats.publish.load(Ordering::Relaxed);
        std::mem::replace(&mut self.publish, publish) != publish
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn progress_of_one_alone_is_not_enough() {
        let (heartbeats, mut check) = (Heartbeats::default(), ProgressCheck::default());
        assert!(!check.both_progressed(&heartbeats));
        heartbeats.scan();
        assert!(!check.both_progressed(&heartbeats));
        heartbeats.scan();
        assert!(!check.both_progressed(&heartbeats));
        heartbeats.publish();
        assert!(check.both_progressed(&heartbeats), "each moved, at whatever time");
        heartbeats.publish();
        assert!(!check.both_progressed(&heartbeats));
        assert!(check.publisher_progressed(&heartbeats) && !check.publisher_progressed(&heartbeats));
    }

    proptest! {
        #[test]
        fn progress_takes_a_heartbeat_of_each(steps in prop::collection::vec(0u8..3, 0..100)) {
            let (heartbeats, mut check, mut new) = (Heartbeats::default(), ProgressCheck::default(), (false, false));
            for step in steps {
                match step {
                    0 => { heartbeats.scan(); new.0 = true; }
                    1 => { heartbeats.publish(); new.1 = true; }
                    _ => {
                        prop_assert_eq!(check.both_progressed(&heartbeats), new == (true, true));
                        if new == (true, true) { new = (false, false); }
                    }
                }
            }
        }
    }
}
