//! Two routers with one ClientId end each other's connections. MQTT 5 says so; with MQTT 3 it shows as a pattern: the broker accepts
//! us, takes what it gets, and closes a moment later without a reason, again and again.

use crate::model::{Failure, LastError};
use crate::mqtt::limits::Limits;
use std::time::Duration;

/// Connections in a row that ended so.
const TOLD_AFTER: u32 = 3;
/// A connection that lived longer was not ended by a client that comes back as we do.
const LONGEST: Duration = Duration::from_secs(90);

/// Connections that ended as if another client had our ClientId.
#[derive(Debug, Default)]
pub(super) struct Takeover {
    cuts: u32,
}

impl Takeover {
    /// An attempt failed, or a connection ended in good order: another client does not do that.
    pub(super) fn forget(&mut self) {
        self.cuts = 0;
    }

    /// A connection that was accepted ended after this time; `innocent` if no message of ours can be the reason. A failure of the
    /// pattern gets its word.
    pub(super) fn lost(&mut self, failure: &mut Failure, lived: Duration, innocent: bool, limits: &Limits) {
        // One that is closed at once is not wanted there; the other client takes a moment to come back.
        let moment = limits.backoff_base / 20;
        if failure.code != LastError::Closed || !innocent || !(moment..LONGEST).contains(&lived) {
            return self.forget();
        }
        self.cuts = self.cuts.saturating_add(1);
        if self.cuts >= TOLD_AFTER {
            let times = self.cuts;
            *failure = Failure::new(
                LastError::SessionTakenOver,
                format!(
                    "The broker accepted us and closed the connection a moment later without a reason, {times} times in a row. Most \
                     likely another client uses the same ClientId: give each router its own ClientId. Else look at the broker's log."
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(takeover: &mut Takeover, code: LastError, lived: u64, innocent: bool) -> LastError {
        let mut failure = Failure::new(code, "");
        takeover.lost(&mut failure, Duration::from_millis(lived), innocent, &Limits::default());
        failure.code
    }

    #[test]
    fn takeover_is_a_pattern_of_connections_that_are_closed_after_a_moment() {
        let mut takeover = Takeover::default();
        let mut words = |code, lived, innocent| lost(&mut takeover, code, lived, innocent);
        assert_eq!(
            [words(LastError::Closed, 700, true), words(LastError::Closed, 5_000, true)],
            [LastError::Closed; 2]
        );
        assert_eq!(words(LastError::Closed, 60_000, true), LastError::SessionTakenOver);
        assert_eq!(words(LastError::Closed, 100, true), LastError::SessionTakenOver);
        // Each of these is something else.
        for (word, lived, innocent) in [
            (LastError::Closed, 1, true),
            (LastError::Closed, 700, false),
            (LastError::Timeout, 700, true),
            (LastError::Closed, 300_000, true),
        ] {
            assert_eq!(words(word, lived, innocent), word);
            assert_eq!(
                [words(LastError::Closed, 700, true), words(LastError::Closed, 700, true)],
                [LastError::Closed; 2]
            );
        }
    }
}
