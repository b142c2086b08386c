//! Rates over the last ten seconds, from samples of counters taken about once a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const SPAN: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub struct Rates {
    samples: VecDeque<(Instant, u64, u64)>,
}

impl Rates {
    /// Adds a sample of the counters.
    pub fn sample(&mut self, now: Instant, received: u64, published: u64) {
        self.samples.push_back((now, received, published));
        while self.samples.get(1).is_some_and(|(at, ..)| now.duration_since(*at) >= SPAN) {
            self.samples.pop_front();
        }
    }

    /// Received and published per second.
    pub fn per_second(&self) -> (f64, f64) {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else { return (0.0, 0.0) };
        let secs = last.0.duration_since(first.0).as_secs_f64();
        if secs <= 0.0 {
            return (0.0, 0.0);
        }
        ((last.1 - first.1) as f64 / secs, (last.2 - first.2) as f64 / secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_covers_ten_seconds() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        assert_eq!(rates.per_second(), (0.0, 0.0));
        for second in 0..30u64 {
            let fast = second.saturating_sub(15) * 100;
            rates.sample(start + Duration::from_secs(second), fast, second);
        }
        assert_eq!(rates.per_second(), (100.0, 1.0));
        assert_eq!(rates.samples.len(), 11);
    }
}
