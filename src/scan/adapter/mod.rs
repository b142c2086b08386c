//! What BlueZ is asked to do: power the adapter, scan as the settings want, and scan again after whatever came between.

mod attempt;
mod bluez;
mod patterns;

use crate::advert::Address;
use crate::config::{Config, ScanMode};
use crate::log;
use crate::stats::{Radio, RadioState, Stats};
use attempt::attempt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// What the settings ask of the radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    mode: ScanMode,
    adapter: Option<Address>,
}

impl Wanted {
    pub(super) fn of(config: &Config) -> Self {
        Self { mode: config.scan, adapter: config.adapter }
    }
}

/// Why the radio does not scan (any more).
#[derive(Debug)]
struct Trouble {
    state: RadioState,
    detail: String,
    /// Nothing that anyone should be told of.
    quiet: bool,
}

impl Trouble {
    fn new(state: RadioState, detail: impl Into<String>) -> Self {
        Self { state, detail: detail.into(), quiet: false }
    }

    /// Nothing was heard for a while: there may be nobody, or the controller lost its scan and no one noticed.
    fn silence() -> Self {
        Self { quiet: true, ..Self::new(RadioState::Starting, "nothing was heard") }
    }
}

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LAST_DELAY: Duration = Duration::from_secs(5);
/// A scan that hears nothing for so long is started anew, then after twice the time, and so on: some faults give no other
/// sign, and some places are silent.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST_SILENCE: Duration = Duration::from_secs(3600);

/// Keeps the radio as wanted, for ever.
pub(super) async fn control(mut wanted: watch::Receiver<Wanted>, stats: Arc<Stats>) {
    let mut report = Report { stats, said: RadioState::Off, patience: SILENCE };
    let mut delay = FIRST_DELAY;
    loop {
        let now = *wanted.borrow_and_update();
        if now.mode == ScanMode::Off {
            report.tell(|radio| {
                *radio =
                    Radio { capture: radio.capture, capture_reason: radio.capture_reason.clone(), ..Radio::default() };
            });
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        }
        let mut scanned = false;
        // Dropping an attempt ends what it asked BlueZ for.
        let trouble = tokio::select! {
            biased;
            changed = wanted.changed() => match changed {
                Ok(()) => {
                    delay = FIRST_DELAY;
                    report.start_over();
                    continue;
                }
                Err(_) => return,
            },
            trouble = attempt(now.mode, now.adapter, &mut report, &mut scanned) => trouble,
        };
        if scanned {
            delay = FIRST_DELAY;
        }
        if trouble.quiet {
            tracing::debug!("{}: scanning anew", trouble.detail);
            continue;
        }
        report.tell(|radio| {
            radio.state = trouble.state;
            radio.detail = trouble.detail;
            // Without bluetoothd the kernel scans on for a while: what the adapter hears then counts.
            if trouble.state == RadioState::AdapterMissing {
                (radio.adapter, radio.address) = Default::default();
            }
        });
        tokio::select! {
            () = bluez::appears(), if trouble.state == RadioState::NoBluez => {}
            () = sleep(delay) => delay = (delay * 2).min(LAST_DELAY),
            changed = wanted.changed() => {
                delay = FIRST_DELAY;
                report.start_over();
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Tells of the radio, in Stats and in the log.
struct Report {
    stats: Arc<Stats>,
    /// What the log had last.
    said: RadioState,
    /// How much silence is borne next.
    patience: Duration,
}

impl Report {
    /// Adverts heard so far, before all filters.
    fn heard(&self) -> u64 {
        self.stats.snapshot().received
    }

    fn something_was_heard(&mut self) {
        self.patience = SILENCE;
    }

    fn silence_was_borne(&mut self) -> Trouble {
        self.patience = (self.patience * 2).min(LONGEST_SILENCE);
        Trouble::silence()
    }

    /// Changes the state of the radio and says so in the log if it is another than the log had last. What is being tried
    /// is not news, what came of it is.
    fn tell(&mut self, change: impl FnOnce(&mut Radio)) {
        self.stats.set_radio(change);
        let radio = self.stats.radio().borrow().clone();
        let trying = radio.state == RadioState::Starting && radio.detail.is_empty();
        if !trying && radio.state != self.said {
            self.said = radio.state;
            log::radio(&radio);
        }
    }

    /// Other settings: what was wrong with the former ones is of no interest.
    fn start_over(&mut self) {
        self.tell(|radio| (radio.state, radio.detail) = (RadioState::Starting, String::new()));
    }
}
