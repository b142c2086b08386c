//! Logs which adverts were lost: at most one line a minute and reason.

use crate::log;
use crate::model::DropReason;
use crate::stats::Stats;
use std::time::{Duration, Instant};

const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What was logged already.
#[derive(Debug, Default)]
pub struct DropLog {
    logged: [u64; DropReason::ALL.len()],
    at: [Option<Instant>; DropReason::ALL.len()],
}

impl DropLog {
    /// Logs what was lost since the last time, if that is long enough ago.
    pub fn log_due(&mut self, stats: &Stats) {
        for (reason, count) in self.due(stats, Instant::now()) {
            log::loss(reason.as_str(), count);
        }
    }

    fn due(&mut self, stats: &Stats, now: Instant) -> Vec<(DropReason, u64)> {
        let ledger = stats.snapshot();
        let mut due = Vec::new();
        for (i, reason) in DropReason::ALL.into_iter().enumerate() {
            let new = ledger.dropped(reason) - self.logged[i];
            if new == 0 {
                continue;
            }
            if self.at[i].is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL) {
                (self.logged[i], self.at[i]) = (ledger.dropped(reason), Some(now));
                due.push((reason, new));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_log_has_a_loss_at_once_and_then_once_a_minute_with_the_count() {
        let (mut drop_log, stats, start) = (DropLog::default(), Stats::default(), Instant::now());
        let mut lose = |secs, count, reason| {
            stats.ledger(|l| l.receive_dropped(count, reason));
            drop_log.due(&stats, start + Duration::from_secs(secs))
        };
        assert_eq!(lose(0, 0, DropReason::QueueFull), []);
        assert_eq!(lose(1, 5, DropReason::QueueFull), [(DropReason::QueueFull, 5)]);
        assert_eq!(lose(2, 7, DropReason::QueueFull), []);
        assert_eq!(lose(3, 1, DropReason::Refused), [(DropReason::Refused, 1)]);
        assert_eq!(lose(60, 1, DropReason::QueueFull), []);
        assert_eq!(lose(61, 0, DropReason::QueueFull), [(DropReason::QueueFull, 8)]);
    }
}
