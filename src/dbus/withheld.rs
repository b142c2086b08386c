//! What was refused because it would have sent a stored secret elsewhere, for the journal: at once, and then at most once a
//! minute with the count, however often it is tried.

use crate::config::Problem;
use crate::log;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    /// Since the last line; `None` if the last one is long enough ago.
    since: Option<u64>,
    last: (String, String),
}

/// The lines of refused calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Withheld(Arc<Mutex<State>>);

impl Withheld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was refused.
    pub(super) fn note(&self, problems: &[Problem], caller: &str) {
        let names = problems.iter().map(|problem| problem.name).collect::<Vec<_>>().join(" ");
        let mut state = self.state();
        state.last = (names, caller.to_owned());
        match &mut state.since {
            Some(count) => *count += 1,
            None => {
                state.since = Some(0);
                log::secret_withheld(&state.last.0, &state.last.1, 1);
                tokio::spawn(self.clone().later());
            }
        }
    }

    /// Tells what came in the minute, until a minute passes without any.
    async fn later(self) {
        loop {
            sleep(PAUSE).await;
            let mut state = self.state();
            match state.since.take() {
                Some(count @ 1..) => {
                    state.since = Some(0);
                    log::secret_withheld(&state.last.0, &state.last.1, count);
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn withheld_calls_are_logged_once_a_minute() {
        let withheld = Withheld::default();
        let since = || withheld.state().since;
        assert_eq!(since(), None);
        withheld.note(&[], "uid 1");
        assert_eq!(since(), Some(0), "told at once");
        for _ in 0..1000 {
            withheld.note(&[], "uid 1");
        }
        assert_eq!(since(), Some(1000));
        tokio::time::sleep(PAUSE + Duration::from_secs(1)).await;
        assert_eq!(since(), Some(0), "told, and the next minute has begun");
        tokio::time::sleep(PAUSE).await;
        assert_eq!(since(), None, "a minute without any");
    }
}
