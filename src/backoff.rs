//! How long to wait before the next attempt: exponential with a cap and full jitter, so that a thousand routers do not come
//! back to a restarted broker in the same second.

use std::time::Duration;

/// The pause before the next attempt.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// The first delay is at most `base`, no delay exceeds `cap`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, attempts: 0 }
    }

    /// The delay after one more failure that may pass by itself: anything up to the present step (a tenth of the base at
    /// least, so that nothing spins), which doubles.
    pub fn delay(&mut self) -> Duration {
        let step = self.cap.min(self.base.saturating_mul(1 << self.attempts.min(20)));
        self.attempts = self.attempts.saturating_add(1);
        between(self.base.min(self.cap) / 10, step)
    }

    /// The delay after a failure that someone has to repair: the upper half of the cap.
    pub fn delay_at_cap(&mut self) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        between(self.cap / 2, self.cap)
    }

    /// Failures in a row.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// It worked: the next delay is a first one.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A random length of time jittered this one, half of it at least: for what many routers do again and again.
pub fn jittered(mean: Duration) -> Duration {
    between(mean / 2, mean + mean / 2)
}

/// A random length of time between these.
fn between(low: Duration, high: Duration) -> Duration {
    low + high.saturating_sub(low).mul_f64(random())
}

/// From 0 to 1. Without the system's randomness (never seen) all wait the longest time.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(4) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_secs(60);

    #[test]
    fn steps_double_up_to_the_cap() {
        for _ in 0..200 {
            let mut backoff = Backoff::new(BASE, CAP);
            for step in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
                let delay = backoff.delay();
                assert!(delay >= BASE / 10 && delay <= Duration::from_secs(step), "{delay:?} of {step} s");
            }
            backoff.reset();
            assert!(backoff.delay() <= BASE);
        }
    }

    #[test]
    fn delays_are_spread_over_the_whole_step() {
        let mut backoff = Backoff::new(BASE, CAP);
        (0..40).for_each(|_| assert!(backoff.delay() <= CAP));
        let delays: Vec<_> = (0..300).map(|_| backoff.delay()).collect();
        assert!(delays.iter().any(|d| *d < CAP / 4) && delays.iter().any(|d| *d > CAP * 3 / 4));
    }

    #[test]
    fn backoff_after_what_needs_the_operator_is_long_but_within_the_cap() {
        let mut backoff = Backoff::new(BASE, CAP);
        for _ in 0..100 {
            let delay = backoff.delay_at_cap();
            assert!(delay >= CAP / 2 && delay <= CAP);
        }
    }
}
