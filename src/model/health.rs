//! What the service says of itself as a whole.

use super::HealthState;
use std::time::SystemTime;

/// Whether what is heard arrives, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// In one word.
    pub state: HealthState,
    /// Why, as a stable word; empty while online.
    pub reason: String,
    /// Since when; `None` while the clock is not synchronised.
    pub since: Option<SystemTime>,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: HealthState::Offline, reason: "starting".into(), since: None }
    }
}
