//! What an adapter is up to and what is done for it, told in Stats and in the log, and how long its silence is borne.

use super::ladder::Silence;
use super::{Senses, Trouble};
use crate::advert::Address;
use crate::log;
use crate::scan::in_use::{Heard, index};
use crate::scan::orders::Orders;
use crate::stats::{AdapterStatus, CaptureKind, RadioState, Rung, Stats};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Between two discoveries of bluetoothd the kernel may scan passively for some milliseconds: scan parameters count when they have
/// held for so long.
const HELD: Duration = Duration::from_secs(1);

/// A power cycle after which the adapter does not scan for so long brought nothing.
const COMES_BACK: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Report {
    stats: Arc<Stats>,
    heard: Arc<Heard>,
    /// The adapter that it is about; `None` is the first.
    pub(super) wanted: Option<Address>,
    /// What the log had last.
    said: RadioState,
    /// What was done in the present trouble: the log has it.
    climbed: Vec<Rung>,
    silence: Silence,
    /// Which adapter it was last.
    found: Option<String>,
    /// When the power cycle began of which it is not known yet how it ends, and whether it was said that it brought nothing.
    cycled: Option<(Instant, bool)>,
    orders: watch::Receiver<Orders>,
    /// How often the controller had refused when the scan began, and when that was.
    refusals: u64,
    began: Instant,
}

impl Report {
    pub(super) fn new(senses: &Senses, wanted: Option<Address>) -> Self {
        let Senses { stats, heard, orders } = senses.clone();
        let (began, climbed) = (Instant::now(), Vec::new());
        let silence = Silence::new(began);
        Self {
            stats,
            heard,
            wanted,
            said: RadioState::Off,
            climbed,
            silence,
            found: None,
            cycled: None,
            orders,
            refusals: 0,
            began,
        }
    }

    /// Adverts that the adapter heard so far, before all filters.
    fn heard(&self) -> u64 {
        self.stats.radio().borrow().status(self.wanted).map_or(0, |status| self.heard.by(&status.name))
    }

    fn index(&self) -> u16 {
        self.stats.radio().borrow().status(self.wanted).map_or(u16::MAX, |status| index(&status.name))
    }

    /// Whether adverts are captured apart from bluetoothd, which then need not tell of them.
    pub(super) fn quiet(&self) -> bool {
        self.stats.radio().borrow().capture == CaptureKind::Monitor
    }

    /// Returns when adverts are captured in a way for which this does not hold any more.
    pub(super) fn other_capture(&self, quiet: bool) -> impl Future<Output = ()> + Send + use<> {
        let other = if quiet { CaptureKind::Signals } else { CaptureKind::Monitor };
        let mut radio = self.stats.radio();
        async move {
            if radio.wait_for(|radio| radio.capture == other).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Whether another program makes a connection through the adapter. We never do.
    pub(super) fn connects(&self) -> bool {
        self.orders.borrow().connects(self.index())
    }

    /// Returns when another program begins (or ends) to make a connection.
    pub(super) fn connects_becomes(&self, wanted: bool) -> impl Future<Output = ()> + Send + use<> {
        let (mut orders, index) = (self.orders.clone(), self.index());
        async move {
            if orders.wait_for(|orders| orders.connects(index) == wanted).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// The scan is about to begin: what the controller refuses counts from now on.
    pub(super) fn prepares(&mut self) {
        self.refusals = self.orders.borrow().refusals(self.index());
    }

    /// Returns when the controller scans, as far as is known: bluetoothd may be wrong.
    pub(super) async fn confirm(&mut self) -> Result<(), String> {
        self.began = Instant::now();
        while self.orders.borrow().rests(self.index()) {
            self.watch().await?;
        }
        Ok(())
    }

    /// Returns when the controller is known not to scan, whatever bluetoothd says, and why.
    pub(super) async fn idle(&mut self) -> String {
        loop {
            if let Err(why) = self.watch().await {
                return why;
            }
        }
    }

    /// Judges the controller by its orders, then waits for the next one, or until it is time to judge again.
    async fn watch(&mut self) -> Result<(), String> {
        let (index, now) = (self.index(), Instant::now());
        let look = self.orders.borrow_and_update().judge(index, self.began, self.refusals, now)?;
        tokio::select! {
            changed = self.orders.changed() => if changed.is_err() {
                std::future::pending().await
            },
            () = sleep_until(look.unwrap_or(now)), if look.is_some() => {}
        }
        Ok(())
    }

    /// bluetoothd has the adapter.
    pub(super) fn found(&mut self, name: &str, address: Address) {
        self.found = Some(format!("{name} {address}"));
    }

    /// A power cycle begins.
    pub(super) fn cycles(&mut self) {
        self.cycled = Some((Instant::now(), false));
    }

    /// A power cycle that was begun failed.
    pub(super) fn cycle_failed(&mut self, why: &str) {
        if let Some((since, false)) = self.cycled {
            self.cycled = Some((since, true));
            log::power_cycled(&self.label(), since.elapsed().as_secs(), Some(why));
        }
    }

    fn label(&self) -> String {
        let radio = self.stats.radio();
        let radio = radio.borrow();
        radio.status(self.wanted).map(|status| status.label().to_owned()).unwrap_or_default()
    }

    /// The scan begins: silence counts from now on.
    pub(super) fn begins(&mut self) {
        if let Some((since, _)) = self.cycled.take() {
            log::power_cycled(&self.label(), since.elapsed().as_secs(), None);
        }
        self.began = Instant::now();
        self.silence.begins(self.heard(), Instant::now());
        // What was done about silence is news again when the silence is over.
        self.climbed.retain(|rung| {
            matches!(rung, Rung::Rescan | Rung::Discovery | Rung::PowerCycle | Rung::PowerCycleWithheld)
        });
    }

    /// Notes how much of the time the controller listens, once the kernel has left it so for a moment.
    pub(super) fn listens(&self) {
        let duty_cycle = match self.orders.borrow().duty_cycle(self.index()) {
            None => None,
            Some((_, since)) if since.elapsed() < HELD => return,
            Some((percent, _)) => Some(percent),
        };
        self.stats.set_radio(|radio| radio.change(self.wanted, |radio| radio.duty_cycle = duty_cycle));
    }

    /// What is to be done about a silence that was borne for long enough.
    pub(super) fn silence(&mut self) -> Option<Rung> {
        let now = Instant::now();
        if self.connects() {
            self.silence.begins(self.heard(), now);
            return None;
        }
        if self.silence.broken(self.heard(), now) {
            self.climbed.clear();
            return None;
        }
        self.silence.due(now)
    }

    /// Counts what is done, and says so once in each trouble.
    pub(super) fn climb(&mut self, rung: Rung, why: &str) {
        self.stats.recoveries().count(rung);
        if !self.climbed.contains(&rung) {
            self.climbed.push(rung);
            log::recovery(rung, &self.label(), why);
        }
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
    pub(super) fn trouble(&mut self, mut trouble: Trouble) {
        if let (RadioState::AdapterMissing, Some(adapter)) = (trouble.state, &self.found) {
            trouble.detail = format!(
                "{adapter} was unplugged, or its driver gave it up: plug it in again; why it went: journalctl -k --grep 'usb|Bluetooth'"
            );
        }
        if self.cycled.is_some_and(|(since, _)| since.elapsed() >= COMES_BACK) {
            self.cycle_failed(&trouble.detail);
        }
        self.tell(|radio| {
            (radio.state, radio.detail, radio.duty_cycle) = (trouble.state, trouble.detail, None);
            // Without bluetoothd the kernel scans on for a while: what the adapter hears then counts.
            if trouble.state == RadioState::AdapterMissing {
                radio.vanish();
            }
        });
    }

    /// Other settings: what was wrong with the former ones is of no interest.
    pub(super) fn start_over(&mut self) {
        self.silence = Silence::new(Instant::now());
        self.climbed.clear();
        self.tell(|radio| {
            (radio.state, radio.detail, radio.duty_cycle) = (RadioState::Starting, String::new(), None);
        });
    }
}
