//! What an adapter is up to, told in Stats and in the log, and how long its silence is borne.

use super::Trouble;
use crate::advert::Address;
use crate::log;
use crate::scan::in_use::Heard;
use crate::stats::{AdapterStatus, RadioState, Stats};
use std::sync::Arc;
use std::time::Duration;

/// A scan that hears nothing for so long is started anew, then after twice the time, and so on: some faults give no other
/// sign, and some places are silent.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST_SILENCE: Duration = Duration::from_secs(3600);

/// See the module.
pub(super) struct Report {
    stats: Arc<Stats>,
    heard: Arc<Heard>,
    /// The adapter that it is about; `None` is the first.
    pub(super) wanted: Option<Address>,
    /// What the log had last.
    said: RadioState,
    /// How much silence is borne next.
    pub(super) patience: Duration,
}

impl Report {
    pub(super) fn new(stats: Arc<Stats>, heard: Arc<Heard>, wanted: Option<Address>) -> Self {
        Self { stats, heard, wanted, said: RadioState::Off, patience: SILENCE }
    }

    /// Adverts that the adapter heard so far, before all filters.
    pub(super) fn heard(&self) -> u64 {
        self.stats.radio().borrow().status(self.wanted).map_or(0, |status| self.heard.by(&status.name))
    }

    pub(super) fn something_was_heard(&mut self) {
        self.patience = SILENCE;
    }

    pub(super) fn silence_was_borne(&mut self) -> Trouble {
        self.patience = (self.patience * 2).min(LONGEST_SILENCE);
        Trouble::silence()
    }

    /// Changes the state of the adapter and says so in the log if it is another than the log had last. What is being tried
    /// is not news, what came of it is.
    pub(super) fn tell(&mut self, change: impl FnOnce(&mut AdapterStatus)) {
        self.stats.set_radio(|radio| radio.change(self.wanted, change));
        let radio = self.stats.radio();
        let radio = radio.borrow();
        let Some(status) = radio.status(self.wanted) else { return };
        let trying = status.state == RadioState::Starting && status.detail.is_empty();
        if !trying && status.state != self.said {
            self.said = status.state;
            let (status, capture) = (status.clone(), radio.capture);
            drop(radio);
            log::radio(&status, capture);
        }
    }

    /// What is wrong now.
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        self.tell(|radio| {
            (radio.state, radio.detail) = (trouble.state, trouble.detail);
            // Without bluetoothd the kernel scans on for a while: what the adapter hears then counts.
            if trouble.state == RadioState::AdapterMissing {
                radio.vanish();
            }
        });
    }

    /// Other settings: what was wrong with the former ones is of no interest.
    pub(super) fn start_over(&mut self) {
        self.tell(|radio| (radio.state, radio.detail) = (RadioState::Starting, String::new()));
    }
}
