//! A broker that does not take messages for the moment (MQTT 5: a quota, mostly) is left alone for a while, and then gets them
//! again: one first, and one more at a time with each that it takes.

use crate::backoff::Backoff;
use crate::mqtt::limits::Limits;
use tokio::time::Instant;

/// Holds messages back from a broker that has taken none lately.
#[derive(Debug)]
pub(super) struct Hold {
    /// When it is over, or was.
    pub(super) until: Option<Instant>,
    backoff: Backoff,
    /// Messages that may be in flight; `None`: as many as usual.
    window: Option<usize>,
}

impl Hold {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { until: None, backoff: Backoff::new(limits.backoff_base, limits.backoff_cap), window: None }
    }

    /// It did not take a message. What else was in flight then does not count again.
    pub(super) fn refused(&mut self) {
        if !self.active() {
            (self.until, self.window) = (Some(Instant::now() + self.backoff.delay()), Some(1));
        }
    }

    /// It took one.
    pub(super) fn acknowledged(&mut self, usual: usize) {
        if !self.active() && self.window.is_some() {
            self.backoff.reset();
            self.window = self.window.map(|window| window + 1).filter(|window| *window < usual);
        }
    }

    /// Whether nothing is to be sent.
    pub(super) fn active(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// How many messages may be in flight.
    pub(super) fn window(&self, usual: usize) -> usize {
        if self.active() { 0 } else { self.window.map_or(usual, |window| window.min(usual)) }
    }

    /// Another broker, or other settings.
    pub(super) fn end(&mut self) {
        self.backoff.reset();
        (self.until, self.window) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, sleep_until};

    #[tokio::test(start_paused = true)]
    async fn hold_waits_longer_each_time_and_begins_again_with_one() {
        let limits = Limits::default();
        let mut hold = Hold::new(&limits);
        assert_eq!((hold.active(), hold.window(100)), (false, 100));
        for _ in 0..8 {
            hold.refused();
            // Of the same burst.
            hold.refused();
            hold.acknowledged(100);
            assert_eq!((hold.active(), hold.window(100)), (true, 0));
            sleep_until(hold.until.expect("it holds")).await;
            assert_eq!((hold.active(), hold.window(100)), (false, 1));
        }
        hold.refused();
        advance(limits.backoff_cap).await;
        for taken in 1..99 {
            hold.acknowledged(100);
            assert_eq!(hold.window(100), 1 + taken);
        }
        hold.acknowledged(100);
        assert_eq!(hold.window(1000), 1000, "as usual");
        hold.refused();
        advance(limits.backoff_base).await;
        assert!(!hold.active(), "a first delay again");
        hold.refused();
        hold.end();
        assert!(!hold.active());
    }
}
