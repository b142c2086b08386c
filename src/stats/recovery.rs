//! What was done to get the radio back, counted.

use crate::model::RecoveryAction;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often each was climbed.
#[derive(Debug, Default)]
pub struct Recoveries([AtomicU64; RecoveryAction::ALL.len()]);

impl Recoveries {
    /// Adds one.
    pub fn count(&self, action: RecoveryAction) {
        self.0[action as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Current count.
    pub fn of(&self, action: RecoveryAction) -> u64 {
        self.0[action as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_actions_have_a_count_each() {
        let recoveries = Recoveries::default();
        for (place, action) in RecoveryAction::ALL.into_iter().enumerate() {
            assert_eq!(action as usize, place);
            (0..=place).for_each(|_| recoveries.count(action));
        }
        assert_eq!(RecoveryAction::ALL.map(|action| recoveries.of(action)), [1, 2, 3, 4, 5, 6, 7]);
    }
}
