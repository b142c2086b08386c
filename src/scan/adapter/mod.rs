//! What BlueZ is asked to do: power the adapters, scan as the settings want, and scan again after whatever came between.

mod attempt;
pub(super) mod bluez;
mod crew;
mod hand;
mod patterns;
mod report;
mod roster;

use super::in_use::Heard;
use crate::config::{Adapters, Config, ScanMode};
use crate::log;
use crate::stats::{RadioState, Stats};
use crew::Crew;
use report::Report;
use roster::Roster;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// What the settings ask of the radio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    mode: ScanMode,
    adapters: Adapters,
}

impl Wanted {
    pub(super) fn of(config: &Config) -> Self {
        Self { mode: config.scan, adapters: config.adapters.clone() }
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

/// How often adapters that came are looked for, while every one is wanted.
const LOOK: Duration = Duration::from_secs(2);

/// Keeps the adapters as wanted, for ever.
pub(super) async fn control(mut wanted: watch::Receiver<Wanted>, stats: Arc<Stats>, heard: Arc<Heard>) {
    let mut crew = Crew::new(stats.clone(), heard.clone());
    let mut was_on = false;
    loop {
        let Wanted { mode, adapters } = wanted.borrow_and_update().clone();
        let changed = if mode == ScanMode::Off {
            crew.dismiss();
            if std::mem::take(&mut was_on) {
                log::radio_off();
            }
            wanted.changed().await
        } else {
            was_on = true;
            let work = async {
                match adapters {
                    Adapters::First => crew.set(mode, &[None]),
                    Adapters::Listed(list) => crew.set(mode, &list.into_iter().map(Some).collect::<Vec<_>>()),
                    Adapters::All => return muster(&mut crew, mode, &stats, &heard).await,
                }
                crew.work().await
            };
            tokio::select! {
                biased;
                changed = wanted.changed() => changed,
                never = work => match never {},
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Keeps every adapter scanning that there is. One that went away is missed until the settings of the radio change.
async fn muster(crew: &mut Crew, mode: ScanMode, stats: &Arc<Stats>, heard: &Arc<Heard>) -> Infallible {
    let known: Vec<_> = crew.wanted().into_iter().filter(|key| key.is_some() && crew.is_there(*key)).collect();
    crew.set(mode, &known);
    // Stands for them as long as there is none.
    let mut nobody = Report::new(stats.clone(), heard.clone(), None);
    if known.is_empty() {
        stats.set_radio(|radio| radio.want(&[None]));
    }
    let (mut roster, mut pause) = (Roster::default(), Duration::ZERO);
    loop {
        let in_use: Vec<_> = stats.radio().borrow().adapters.iter().map(|adapter| adapter.name.clone()).collect();
        let look = async {
            sleep(pause).await;
            roster.others(&in_use).await
        };
        let found = tokio::select! {
            found = look => found,
            never = crew.work() => match never {},
        };
        pause = LOOK;
        match found {
            Ok(addresses) if addresses.is_empty() && crew.wanted().is_empty() => {
                nobody.trouble(Trouble::new(RadioState::AdapterMissing, "there is no Bluetooth adapter"));
            }
            Ok(addresses) => addresses.into_iter().for_each(|address| crew.join(mode, address)),
            Err(trouble) => nobody.trouble(trouble),
        }
    }
}
