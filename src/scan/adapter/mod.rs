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
}

impl Trouble {
    fn new(state: RadioState, detail: impl Into<String>) -> Self {
        Self { state, detail: detail.into() }
    }
}

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LAST_DELAY: Duration = Duration::from_secs(5);

/// Keeps the radio as wanted, for ever.
pub(super) async fn control(mut wanted: watch::Receiver<Wanted>, stats: Arc<Stats>) {
    let mut delay = FIRST_DELAY;
    loop {
        let now = *wanted.borrow_and_update();
        if now.mode == ScanMode::Off {
            tell(&stats, |radio| {
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
                    continue;
                }
                Err(_) => return,
            },
            trouble = attempt(now.mode, now.adapter, &stats, &mut scanned) => trouble,
        };
        if scanned {
            delay = FIRST_DELAY;
        }
        tell(&stats, |radio| {
            radio.state = trouble.state;
            radio.detail = trouble.detail;
            if matches!(trouble.state, RadioState::NoBluez | RadioState::AdapterMissing) {
                (radio.adapter, radio.address) = Default::default();
            }
        });
        tokio::select! {
            () = bluez::appears(), if trouble.state == RadioState::NoBluez => {}
            () = sleep(delay) => delay = (delay * 2).min(LAST_DELAY),
            changed = wanted.changed() => {
                delay = FIRST_DELAY;
                if changed.is_err() {
                    return;
                }
                wanted.mark_changed();
            }
        }
    }
}

/// Changes the state of the radio and says so in the log if it became another.
fn tell(stats: &Stats, change: impl FnOnce(&mut Radio)) {
    let before = stats.radio().borrow().state;
    stats.set_radio(change);
    let radio = stats.radio().borrow().clone();
    // What is being tried is not news, what came of it is.
    if radio.state != before && radio.state != RadioState::Starting {
        log::radio(&radio);
    }
}
