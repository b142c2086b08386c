//! What BlueZ is asked to do: power the adapters, scan as the settings want, and scan again after whatever came between.

mod attempt;
pub(super) mod bluez;
mod crew;
mod hand;
mod ladder;
mod patterns;
mod power;
mod report;
mod roster;
mod setup;
mod words;

pub(crate) use roster::listed;
pub(super) use words::{explain_bus, unanswered};

use super::in_use::Heard;
use super::orders::Orders;
use crate::config::{Adapters, Config, ScanMode};
use crate::log;
use crate::printable::printable;
use crate::stats::{NO_ADAPTER, RadioState, Rung, Stats};
use crew::Crew;
use ladder::Cause;
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
    cause: Cause,
}

impl Trouble {
    fn new(state: RadioState, detail: impl Into<String>) -> Self {
        Self { state, detail: printable(&detail.into()), cause: Cause::Elsewhere }
    }

    /// The controller refused: a power cycle may help. Not so while bluetoothd does not answer, or the adapter is off.
    fn refused(self) -> Self {
        let cause = if self.state == RadioState::Starting { Cause::Controller } else { self.cause };
        Self { cause, ..self }
    }

    /// The scan is to begin anew, and nothing is wrong.
    fn anew(why: &str) -> Self {
        Self { cause: Cause::Anew, ..Self::new(RadioState::Starting, why) }
    }

    /// Nothing was heard for a while: there may be nobody, or the controller lost its scan and no one noticed.
    fn silence(rung: Rung) -> Self {
        let detail = "nothing was heard for a while, although all says that it scans";
        Self { cause: Cause::Silence(rung), ..Self::new(RadioState::Starting, detail) }
    }
}

/// What is known of the radio without bluetoothd.
#[derive(Debug, Clone)]
pub(super) struct Senses {
    pub(super) stats: Arc<Stats>,
    /// Adverts, by adapter.
    pub(super) heard: Arc<Heard>,
    /// What the controllers were told.
    pub(super) orders: watch::Receiver<Orders>,
}

#[cfg(test)]
impl Senses {
    /// Nothing is heard, and no order is known.
    fn of(stats: Arc<Stats>) -> Self {
        Self { stats, heard: Arc::default(), orders: watch::channel(Orders::default()).1 }
    }
}

/// How often adapters that came are looked for, while every one is wanted.
const LOOK: Duration = Duration::from_secs(2);

/// Keeps the adapters as wanted, for ever.
pub(super) async fn control(mut wanted: watch::Receiver<Wanted>, senses: Senses) {
    let mut crew = Crew::new(senses.clone());
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
                    Adapters::All => return muster(&mut crew, mode, &senses).await,
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

/// Keeps every adapter scanning that there is. One that went away is missed for a while, then listed as gone.
async fn muster(crew: &mut Crew, mode: ScanMode, senses: &Senses) -> Infallible {
    let stats = &senses.stats;
    let known: Vec<_> = crew.wanted().into_iter().filter(|key| key.is_some() && crew.is_there(*key)).collect();
    crew.set(mode, &known);
    // Stands for them as long as there is none.
    let mut nobody = Report::new(senses, None);
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
        crew.let_go(mode);
        match found {
            Ok(addresses) if addresses.is_empty() && crew.wanted().is_empty() => {
                nobody.trouble(Trouble::new(RadioState::AdapterMissing, NO_ADAPTER));
            }
            Ok(addresses) => addresses.into_iter().for_each(|address| crew.join(mode, address)),
            Err(trouble) => nobody.trouble(trouble),
        }
    }
}
