//! State and recovery of one adapter, published in Stats and logged on change, and what its controller is known to do.

use super::recovery::SilenceDetector;
use super::{AdapterTable, AdvertCounts, RadioInputs, ScanError, index};
use crate::hci::ScanEnableTracker;
use crate::log;
use crate::model::{Address, CaptureKind, RadioState, RecoveryAction};
use crate::stats::{AdapterStatus, Stats};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Between two discoveries of bluetoothd the kernel may scan passively for some milliseconds: scan parameters count when they have
/// held for so long.
const STABLE_PARAMETERS: Duration = Duration::from_secs(1);

/// A power cycle after which the adapter does not scan for so long brought nothing.
const POWER_CYCLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The only writer of one adapter's state.
pub(super) struct AdapterStatusTracker {
    stats: Arc<Stats>,
    adapters: AdapterTable,
    counts: Arc<AdvertCounts>,
    capture: watch::Receiver<CaptureKind>,
    /// The adapter that it is about; `None` is the first.
    pub(super) wanted: Option<Address>,
    last_logged: RadioState,
    /// Actions of the present failure that are logged.
    logged_actions: Vec<RecoveryAction>,
    silence: SilenceDetector,
    /// Name and address, once bluetoothd had it.
    identity: Option<String>,
    /// When the power cycle in progress began, and whether its failure is logged.
    power_cycle: Option<(Instant, bool)>,
    controllers: watch::Receiver<ScanEnableTracker>,
    /// How often the controller had refused when the scan began, and when that was.
    refusals: u64,
    began: Instant,
}

impl AdapterStatusTracker {
    pub(super) fn new(inputs: &RadioInputs, wanted: Option<Address>) -> Self {
        let RadioInputs { stats, adapters, counts, controllers, capture } = inputs.clone();
        let (began, logged_actions) = (Instant::now(), Vec::new());
        let silence = SilenceDetector::new(began);
        Self {
            stats,
            adapters,
            counts,
            capture,
            wanted,
            last_logged: RadioState::Off,
            logged_actions,
            silence,
            identity: None,
            power_cycle: None,
            controllers,
            refusals: 0,
            began,
        }
    }

    /// Adverts that the adapter heard so far, before all filters.
    fn advert_count(&self) -> u64 {
        self.adapters.status(self.wanted).map_or(0, |status| self.counts.get(&status.name))
    }

    fn index(&self) -> u16 {
        self.adapters.status(self.wanted).map_or(u16::MAX, |status| index(&status.name))
    }

    /// Whether adverts are captured apart from bluetoothd, which then need not tell of them.
    pub(super) fn uses_monitor_channel(&self) -> bool {
        *self.capture.borrow() == CaptureKind::Monitor
    }

    /// Returns when adverts are captured in a way for which this does not hold any more.
    pub(super) fn capture_changed(&self, monitor: bool) -> impl Future<Output = ()> + Send + use<> {
        let other = if monitor { CaptureKind::Signals } else { CaptureKind::Monitor };
        let mut capture = self.capture.clone();
        async move {
            if capture.wait_for(|capture| *capture == other).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Whether another program makes a connection through the adapter. We never do.
    pub(super) fn is_connecting(&self) -> bool {
        self.controllers.borrow().is_connecting(self.index())
    }

    /// Returns when another program begins (or ends) to make a connection.
    pub(super) fn connecting_becomes(&self, wanted: bool) -> impl Future<Output = ()> + Send + use<> {
        let (mut controllers, index) = (self.controllers.clone(), self.index());
        async move {
            if controllers.wait_for(|controllers| controllers.is_connecting(index) == wanted).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// The scan is about to begin: what the controller refuses counts from now on.
    pub(super) fn on_scan_setup(&mut self) {
        self.refusals = self.controllers.borrow().refusals(self.index());
    }

    /// Returns when the controller scans, as far as is known: bluetoothd may be wrong.
    pub(super) async fn scan_confirmed(&mut self) -> Result<(), String> {
        self.began = Instant::now();
        while self.controllers.borrow().is_idle(self.index()) {
            self.next_diagnosis().await?;
        }
        Ok(())
    }

    /// Returns when the controller is known not to scan, whatever bluetoothd says, and why.
    pub(super) async fn scan_lost(&mut self) -> String {
        loop {
            if let Err(why) = self.next_diagnosis().await {
                return why;
            }
        }
    }

    /// Diagnoses the controller, then waits for news of it, or until it is time to look again.
    async fn next_diagnosis(&mut self) -> Result<(), String> {
        let (index, now) = (self.index(), Instant::now());
        let look = self.controllers.borrow_and_update().diagnose(index, self.began, self.refusals, now)?;
        tokio::select! {
            changed = self.controllers.changed() => if changed.is_err() {
                std::future::pending().await
            },
            () = sleep_until(look.unwrap_or(now)), if look.is_some() => {}
        }
        Ok(())
    }

    /// bluetoothd has the adapter.
    pub(super) fn on_adapter_found(&mut self, name: &str, address: Address) {
        self.identity = Some(format!("{name} {address}"));
    }

    /// A power cycle begins.
    pub(super) fn on_power_cycle(&mut self) {
        self.power_cycle = Some((Instant::now(), false));
    }

    /// A power cycle that was begun failed.
    pub(super) fn power_cycle_failed(&mut self, why: &str) {
        if let Some((since, false)) = self.power_cycle {
            self.power_cycle = Some((since, true));
            log::power_cycled(&self.label(), since.elapsed().as_secs(), Some(why));
        }
    }

    fn label(&self) -> String {
        self.adapters.status(self.wanted).map(|status| status.label().to_owned()).unwrap_or_default()
    }

    /// The scan begins: silence counts from now on.
    pub(super) fn on_scan_started(&mut self) {
        if let Some((since, _)) = self.power_cycle.take() {
            log::power_cycled(&self.label(), since.elapsed().as_secs(), None);
        }
        self.began = Instant::now();
        self.silence.scan_started(self.advert_count(), Instant::now());
        // What was done about silence is news again when the silence is over.
        self.logged_actions.retain(|action| {
            matches!(
                action,
                RecoveryAction::Rescan
                    | RecoveryAction::Discovery
                    | RecoveryAction::PowerCycle
                    | RecoveryAction::PowerCycleWithheld
            )
        });
    }

    /// Notes how much of the time the controller listens, once the kernel has left it so for a moment.
    pub(super) fn update_duty_cycle(&self) {
        let duty_cycle = match self.controllers.borrow().duty_cycle(self.index()) {
            None => None,
            Some((_, since)) if since.elapsed() < STABLE_PARAMETERS => return,
            Some((percent, _)) => Some(percent),
        };
        self.adapters.update(|radio| radio.change(self.wanted, |adapter| adapter.duty_cycle = duty_cycle));
    }

    /// The action that is due because nothing was heard for too long.
    pub(super) fn silence_action(&mut self) -> Option<RecoveryAction> {
        let now = Instant::now();
        if self.is_connecting() {
            self.silence.scan_started(self.advert_count(), now);
            return None;
        }
        if self.silence.record_advert(self.advert_count(), now) {
            self.logged_actions.clear();
            return None;
        }
        self.silence.due_action(now)
    }

    /// Counts a recovery action, and logs it once for each failure.
    pub(super) fn record_recovery(&mut self, action: RecoveryAction, why: &str) {
        self.stats.recoveries().count(action);
        if !self.logged_actions.contains(&action) {
            self.logged_actions.push(action);
            log::recovery(action, &self.label(), why);
        }
    }

    /// Changes the state of the adapter, and logs it if it is another than was logged last. What is being tried is not news, what
    /// came of it is.
    pub(super) fn set_state(&mut self, change: impl FnOnce(&mut AdapterStatus)) {
        self.adapters.update(|radio| radio.change(self.wanted, change));
        let Some(status) = self.adapters.status(self.wanted) else { return };
        let trying = status.state == RadioState::Starting && status.detail.is_empty();
        if !trying && status.state != self.last_logged {
            self.last_logged = status.state;
            log::radio(&status, *self.capture.borrow());
        }
    }

    /// The adapter does not scan.
    pub(super) fn set_error(&mut self, mut error: ScanError) {
        if let (RadioState::AdapterMissing, Some(adapter)) = (error.state, &self.identity) {
            error.detail = format!(
                "{adapter} was unplugged, or its driver gave it up: plug it in again; why it went: journalctl -k --grep 'usb|Bluetooth'"
            );
        }
        if self.power_cycle.is_some_and(|(since, _)| since.elapsed() >= POWER_CYCLE_TIMEOUT) {
            self.power_cycle_failed(&error.detail);
        }
        self.set_state(|radio| {
            (radio.state, radio.detail, radio.duty_cycle) = (error.state, error.detail, None);
            // Without bluetoothd the kernel scans on for a while: what the adapter hears then counts.
            if error.state == RadioState::AdapterMissing {
                radio.vanish();
            }
        });
    }

    /// Other settings: what was wrong with the former ones is of no interest.
    pub(super) fn reset(&mut self) {
        self.silence = SilenceDetector::new(Instant::now());
        self.logged_actions.clear();
        self.set_state(|radio| {
            (radio.state, radio.detail, radio.duty_cycle) = (RadioState::Starting, String::new(), None);
        });
    }
}
