//! The only code that talks to bluetoothd: it powers the adapters, keeps them scanning as configured, and recovers them.
//!
//! [`control`] supervises one task for each adapter. A task runs one scan session after the other; between two sessions the recovery
//! policy says what is done. The state of each adapter is in [`AdapterTable`].

mod adapter_status;
mod adapter_table;
mod adapter_task;
pub(crate) mod client;
mod enumerate;
mod explain;
mod monitor_patterns;
mod power_cycle;
mod recovery;
mod scan_session;
mod scan_setup;
mod supervisor;

pub(crate) use adapter_table::{AdapterTable, AdvertCounts, index};
pub(crate) use enumerate::adapters_except;
pub(crate) use explain::{explain_bus, no_answer};
pub(crate) use supervisor::control;

use crate::config::{Adapters, Config, ScanMode};
use crate::hci::ScanEnableTracker;
use crate::model::{CaptureKind, RadioState, RecoveryAction};
use crate::printable::printable;
use crate::stats::Stats;
use recovery::Cause;
use std::sync::Arc;
use tokio::sync::watch;

/// What the settings ask of the radio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanConfig {
    mode: ScanMode,
    adapters: Adapters,
    /// Of the settings that this is of.
    revision: u64,
}

impl ScanConfig {
    pub(crate) fn of(config: &Config) -> Self {
        Self { mode: config.scan, adapters: config.adapters.clone(), revision: config.revision }
    }

    /// Whether another one asks the same of the radio.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.mode, &self.adapters) == (other.mode, &other.adapters)
    }
}

/// Why the radio does not scan (any more).
#[derive(Debug)]
struct ScanError {
    state: RadioState,
    detail: String,
    cause: Cause,
}

impl ScanError {
    fn new(state: RadioState, detail: impl Into<String>) -> Self {
        Self { state, detail: printable(&detail.into()), cause: Cause::External }
    }

    /// The controller refused: a power cycle may help. Not so while bluetoothd does not answer, or the adapter is off.
    fn refused(self) -> Self {
        let cause = if self.state == RadioState::Starting { Cause::Controller } else { self.cause };
        Self { cause, ..self }
    }

    /// Another scan session is wanted, and nothing is wrong.
    fn reconfigure(why: &str) -> Self {
        Self { cause: Cause::Reconfigure, ..Self::new(RadioState::Starting, why) }
    }

    /// Nothing was heard for a while: the site may be empty, or the controller lost its scan unnoticed.
    fn silence(action: RecoveryAction) -> Self {
        let detail = "nothing was heard for a while, although all says that it scans";
        Self { cause: Cause::Silence(action), ..Self::new(RadioState::Starting, detail) }
    }
}

/// What is known of the radio without bluetoothd.
#[derive(Debug, Clone)]
pub(crate) struct RadioInputs {
    /// Counts of recovery actions go there.
    pub(crate) stats: Arc<Stats>,
    pub(crate) adapters: AdapterTable,
    pub(crate) counts: Arc<AdvertCounts>,
    pub(crate) controllers: watch::Receiver<ScanEnableTracker>,
    pub(crate) capture: watch::Receiver<CaptureKind>,
}

#[cfg(test)]
impl RadioInputs {
    /// Nothing is heard, and nothing is known of any controller.
    fn silent() -> Self {
        let stats = Arc::new(Stats::default());
        let adapters = AdapterTable::new(stats.clone());
        let (controllers, capture) =
            (watch::channel(ScanEnableTracker::default()).1, watch::channel(CaptureKind::None).1);
        Self { stats, adapters, counts: Arc::default(), controllers, capture }
    }
}
