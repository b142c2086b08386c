//! What the service says of itself as a whole: `online`, `degraded` or `offline`. Derived from what the broker acknowledged
//! and what the radio does, never from the fact that the process is up (decision record 0008).

mod follow;

pub use follow::follow;

use crate::model::{DropReason, Health, HealthState, LinkState, RadioState};
use crate::stats::{Ledger, Link};
use std::time::{Duration, Instant, SystemTime};

/// How long an acknowledgement may take, and how long a scan may be set up again, before either is trouble.
const TROUBLE_DELAY: Duration = Duration::from_secs(10);
/// How long a loss is remembered.
const LOSS_WINDOW: Duration = Duration::from_secs(60);
/// How old the broker's last sign of life may be: more than the usual keep alive and the time to answer.
const MAX_BROKER_SILENCE: Duration = Duration::from_secs(90);

/// What health is derived from, at one moment.
#[derive(Debug, Clone)]
pub struct HealthInputs {
    /// The connection to the broker.
    pub link: Link,
    /// Whether connections last for one batch only.
    pub short: bool,
    /// When the broker last gave a sign of life.
    pub heard: Option<Instant>,
    /// How old that may be.
    pub max_silence: Duration,
    /// The worst of the adapters.
    pub radio: RadioState,
    /// Whether many reports of an adapter arrive damaged.
    pub damaged: bool,
    /// Whether messages should be able to wait on the disk, and cannot.
    pub memory_only: bool,
    /// What became of the adverts.
    pub ledger: Ledger,
    /// `None` while it is not synchronised.
    pub clock: Option<SystemTime>,
}

/// A count, and when it last grew.
#[derive(Debug, Clone, Copy, Default)]
struct GrowingCount {
    count: u64,
    grew: Option<Instant>,
}

impl GrowingCount {
    fn update(&mut self, count: u64, now: Instant) {
        if count > self.count {
            *self = Self { count, grew: Some(now) };
        }
    }

    fn within(self, span: Duration, now: Instant) -> bool {
        self.grew.is_some_and(|grew| now.saturating_duration_since(grew) < span)
    }
}

/// Derives health from inputs, update by update.
#[derive(Debug)]
pub struct HealthTracker {
    /// As it was published last, except `since` while the clock is not synchronised.
    health: Health,
    since: Instant,
    /// Adverts that the broker dealt with, and when that last moved or nothing was in flight.
    acknowledged: u64,
    last_progress: Instant,
    /// When the radio last scanned, unless something else than a new start came since.
    scanning: Option<Instant>,
    dropped: [GrowingCount; DropReason::ALL.len()],
    capture_lost: GrowingCount,
}

impl HealthTracker {
    /// Before anything is known.
    pub fn new(now: Instant) -> Self {
        Self {
            health: Health::default(),
            since: now,
            acknowledged: 0,
            last_progress: now,
            scanning: None,
            dropped: Default::default(),
            capture_lost: GrowingCount::default(),
        }
    }

    /// Takes the inputs of this moment.
    pub fn update(&mut self, now: Instant, inputs: &HealthInputs) -> Health {
        self.observe(now, inputs);
        let (state, reason) = self.derive(now, inputs);
        if (state, &reason) != (self.health.state, &self.health.reason) {
            (self.health, self.since) = (Health { state, reason, since: None }, now);
        }
        if let (None, Some(clock)) = (self.health.since, inputs.clock) {
            self.health.since = clock.checked_sub(now.saturating_duration_since(self.since));
        }
        let since = self.health.since.filter(|_| inputs.clock.is_some());
        Health { since, ..self.health.clone() }
    }

    fn observe(&mut self, now: Instant, inputs: &HealthInputs) {
        let ledger = &inputs.ledger;
        let acknowledged = ledger.published + ledger.dropped(DropReason::Refused);
        if ledger.in_flight == 0 || acknowledged != self.acknowledged {
            (self.acknowledged, self.last_progress) = (acknowledged, now);
        }
        match inputs.radio {
            RadioState::Scanning | RadioState::Test => self.scanning = Some(now),
            // A scan is restarted now and then, for instance after a long silence.
            RadioState::Starting => {}
            _ => self.scanning = None,
        }
        for (growth, reason) in self.dropped.iter_mut().zip(DropReason::ALL) {
            growth.update(ledger.dropped(reason), now);
        }
        self.capture_lost.update(ledger.capture_lost, now);
    }

    fn derive(&self, now: Instant, inputs: &HealthInputs) -> (HealthState, String) {
        let late = |since: Instant, limit| now.saturating_duration_since(since) >= limit;
        if let Some(reason) = offline(inputs) {
            return (HealthState::Offline, reason);
        }
        let lost = || self.dropped.iter().zip(DropReason::ALL).find(|(growth, _)| growth.within(LOSS_WINDOW, now));
        let reason = if inputs.heard.is_none_or(|heard| late(heard, inputs.max_silence)) {
            "broker-silent".into()
        } else if late(self.last_progress, TROUBLE_DELAY) {
            "no-acknowledgement".into()
        } else if self.scanning.is_none_or(|scanning| late(scanning, TROUBLE_DELAY)) {
            inputs.radio.as_str().into()
        } else if let Some((_, reason)) = lost() {
            format!("dropped-{}", reason.as_str())
        } else if self.capture_lost.within(LOSS_WINDOW, now) {
            "capture-lost".into()
        } else if inputs.damaged {
            "reports-damaged".into()
        } else if inputs.memory_only {
            "spool-memory-only".into()
        } else {
            return (HealthState::Online, String::new());
        };
        (HealthState::Degraded, reason)
    }
}

/// Why there is no broker, if there is none.
fn offline(inputs: &HealthInputs) -> Option<String> {
    match (inputs.link.state, &inputs.link.error) {
        (LinkState::Off, _) => Some("no-protocol".into()),
        (LinkState::Connecting | LinkState::Waiting, Some(failure)) => Some(format!("broker-{}", failure.code)),
        (LinkState::Waiting, None) => Some("connecting".into()),
        // Short connections come and go.
        (LinkState::Connecting, None) if !inputs.short || inputs.heard.is_none() => Some("connecting".into()),
        (LinkState::Idle, _) if inputs.heard.is_none() => Some("broker-silent".into()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
