//! Why the broker refuses messages, told to Stats and the log without a flood of either.

use crate::log;
use crate::model::{Failure, LastError};
use crate::stats::{Refusal, Stats};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Between lines of the log about the same kind of refusal.
const LOGGED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// The time of the last refusal is as exact as that.
const NOTED_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Refusals that the log has, by word: the sentence, and when.
#[derive(Debug, Default)]
pub(super) struct RefusalLog {
    logged: BTreeMap<LastError, (String, Instant)>,
}

impl RefusalLog {
    /// This broker refuses a message.
    pub(super) fn record(&mut self, broker: &str, failure: &Failure, stats: &Stats) {
        let now = std::time::Instant::now();
        let refusal = Refusal { failure: failure.clone(), at: now };
        stats.set_link(|link| {
            let old = |known: &Refusal| known.failure != *failure || now.duration_since(known.at) > NOTED_AGAIN_AFTER;
            if link.refusal.as_ref().is_none_or(old) {
                link.refusal = Some(refusal);
            }
        });
        let now = Instant::now();
        let news = |(detail, at): &(String, Instant)| {
            *detail != failure.detail && now.duration_since(*at) >= LOGGED_AGAIN_AFTER
        };
        if self.logged.get(&failure.code).is_none_or(news) {
            log::message_refused(broker, failure);
            self.logged.insert(failure.code, (failure.detail.clone(), now));
        }
    }
}
