//! Rates over the last ten seconds, from samples of counters taken about once a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const COUNTERS: usize = 3;
const WINDOW: Duration = Duration::from_secs(10);

/// The last samples of the counters.
#[derive(Debug, Default)]
pub struct Rates {
    samples: VecDeque<(Instant, [u64; COUNTERS])>,
}

impl Rates {
    /// Adds a sample of the counters.
    pub fn sample(&mut self, now: Instant, counters: [u64; COUNTERS]) {
        self.samples.push_back((now, counters));
        while self.samples.get(1).is_some_and(|(at, ..)| now.duration_since(*at) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Of each counter, its growth per second.
    pub fn per_second(&self) -> [f64; COUNTERS] {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else { return [0.0; COUNTERS] };
        let secs = last.0.duration_since(first.0).as_secs_f64();
        if secs <= 0.0 {
            return [0.0; COUNTERS];
        }
        std::array::from_fn(|n| (last.1[n] - first.1[n]) as f64 / secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_covers_ten_seconds() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        assert_eq!(rates.per_second(), [0.0; COUNTERS]);
        for second in 0..30u64 {
            let fast = second.saturating_sub(15) * 100;
            rates.sample(start + Duration::from_secs(second), [fast, second, 0]);
        }
        assert_eq!(rates.per_second(), [100.0, 1.0, 0.0]);
        assert_eq!(rates.samples.len(), 11);
    }
}
