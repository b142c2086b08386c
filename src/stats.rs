//! What the service knows of itself: the ledger of adverts, the state of the link and of the radio, rates.

mod ledger;
mod radio;
mod rates;
mod recovery;
mod spool;

pub use ledger::{Heard, Ledger};
pub use radio::{AdapterStatus, NO_ADAPTER, Radio};
pub use rates::Rates;
pub use recovery::Recoveries;
pub use spool::Spool;

use crate::model::{Address, ConfiguredCertificate, Failure, Health, LinkState};
use crate::watchdog::Heartbeats;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// A message that the broker refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub failure: Failure,
    /// When, give or take some seconds.
    pub at: Instant,
}

/// The connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Where it stands.
    pub state: LinkState,
    /// `host:port` in use, empty while off.
    pub broker: String,
    /// Why the last attempt failed; `None` once a connection worked since.
    pub error: Option<Failure>,
    /// Connections that the broker accepted.
    pub connects: u64,
    /// Attempts and connections that failed.
    pub failures: u64,
    /// Moves to a fallback.
    pub failovers: u64,
    /// Highest QoS that the broker supports and why that is known, while it is lower than ScanQos.
    pub qos_limit: Option<(u8, String)>,
    /// Largest packet that the broker takes, as far as it is known.
    pub maximum_packet_size: Option<usize>,
    /// Why the broker last refused a message.
    pub refusal: Option<Refusal>,
}

/// Which settings are followed, by their [revision](crate::config::Config::revision).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Revisions {
    /// By the publisher.
    pub publisher: u64,
    /// By the control of the radio.
    pub radio: u64,
}

/// Everything that the service tells of itself, shared by every task.
#[derive(Debug)]
pub struct Stats {
    ledger: Mutex<Ledger>,
    rates: Mutex<Rates>,
    link: watch::Sender<Link>,
    radio: watch::Sender<Radio>,
    revisions: watch::Sender<Revisions>,
    active_revision: AtomicU64,
    recoveries: Recoveries,
    controllers: Mutex<Vec<(u16, Address)>>,
    state_writable: watch::Sender<bool>,
    ignored_settings: watch::Sender<Vec<String>>,
    clock_synchronised: watch::Sender<bool>,
    health: watch::Sender<Health>,
    broker_heard: Mutex<Option<Instant>>,
    spool: watch::Sender<Spool>,
    certificates: watch::Sender<Vec<ConfiguredCertificate>>,
    finished: AtomicU64,
    heartbeats: Heartbeats,
    started: Instant,
    started_at: SystemTime,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            ledger: Mutex::default(),
            rates: Mutex::default(),
            link: watch::Sender::default(),
            radio: watch::Sender::default(),
            revisions: watch::Sender::default(),
            active_revision: AtomicU64::new(0),
            recoveries: Recoveries::default(),
            controllers: Mutex::default(),
            state_writable: watch::Sender::new(true),
            ignored_settings: watch::Sender::new(Vec::new()),
            clock_synchronised: watch::Sender::default(),
            health: watch::Sender::default(),
            broker_heard: Mutex::default(),
            spool: watch::Sender::default(),
            certificates: watch::Sender::default(),
            finished: AtomicU64::new(0),
            heartbeats: Heartbeats::default(),
            started: Instant::now(),
            started_at: SystemTime::now(),
        }
    }
}

impl Stats {
    /// Changes the ledger: one call is one step, nobody sees half of it.
    pub fn ledger<T>(&self, step: impl FnOnce(&mut Ledger) -> T) -> T {
        step(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ledger at this moment.
    pub fn snapshot(&self) -> Ledger {
        self.ledger(|l| l.clone())
    }

    /// Notes the ledger for the rates; called about once a second.
    pub fn sample(&self, now: Instant) {
        let ledger = self.snapshot();
        self.rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sample(now, [ledger.received, ledger.published, self.finished.load(Ordering::Relaxed)]);
    }

    /// Adverts received and published per second, over the last ten seconds.
    pub fn rates(&self) -> (f64, f64) {
        let [received, published, _] = self.rates.lock().unwrap_or_else(PoisonError::into_inner).per_second();
        (received, published)
    }

    /// Notes bytes of finished messages.
    pub fn finish(&self, bytes: usize) {
        self.finished.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How long the free space of the spool lasts at the present rate, and no longer than messages may wait in it.
    pub fn spool_cover(&self) -> Duration {
        let [.., rate] = self.rates.lock().unwrap_or_else(PoisonError::into_inner).per_second();
        self.spool().cover(rate)
    }

    /// What the spool holds.
    pub fn spool(&self) -> Spool {
        self.spool.borrow().clone()
    }

    /// The same, to follow.
    pub fn follow_spool(&self) -> watch::Receiver<Spool> {
        self.spool.subscribe()
    }

    /// Changes what is known of the spool.
    pub fn set_spool(&self, change: impl FnOnce(&mut Spool)) {
        update(&self.spool, change);
    }

    /// The certificates of the settings, to read or to follow.
    pub fn certificates(&self) -> watch::Receiver<Vec<ConfiguredCertificate>> {
        self.certificates.subscribe()
    }

    /// Notes the certificates of the settings.
    pub fn set_certificates(&self, held: Vec<ConfiguredCertificate>) {
        update(&self.certificates, |now| *now = held);
    }

    /// The state of the link, to read or to follow.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    /// Changes the state of the link.
    pub fn set_link(&self, change: impl FnOnce(&mut Link)) {
        update(&self.link, change);
    }

    /// The state of the radio, to read or to follow.
    pub fn radio(&self) -> watch::Receiver<Radio> {
        self.radio.subscribe()
    }

    /// Changes the state of the radio.
    pub fn set_radio(&self, change: impl FnOnce(&mut Radio)) {
        update(&self.radio, change);
    }

    /// Index and address of each controller that the kernel has, as far as the monitor channel tells.
    pub fn controllers(&self) -> Vec<(u16, Address)> {
        self.controllers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes them.
    pub fn set_controllers(&self, controllers: Vec<(u16, Address)>) {
        *self.controllers.lock().unwrap_or_else(PoisonError::into_inner) = controllers;
    }

    /// What was done to get the radio back.
    pub fn recoveries(&self) -> &Recoveries {
        &self.recoveries
    }

    /// Names of what `settings.toml` holds and this version does not take, to read or to follow.
    pub fn ignored_settings(&self) -> watch::Receiver<Vec<String>> {
        self.ignored_settings.subscribe()
    }

    /// Notes them.
    pub fn set_ignored_settings(&self, names: Vec<String>) {
        update(&self.ignored_settings, |held| *held = names);
    }

    /// Whether settings can be saved, to read or to follow.
    pub fn state_writable(&self) -> watch::Receiver<bool> {
        self.state_writable.subscribe()
    }

    /// Notes whether settings can be saved.
    pub fn set_state_writable(&self, writable: bool) {
        update(&self.state_writable, |w| *w = writable);
    }

    /// Whether the system clock was set by a time server, to read or to follow.
    pub fn clock_synchronised(&self) -> watch::Receiver<bool> {
        self.clock_synchronised.subscribe()
    }

    /// Notes whether the system clock was set by a time server.
    pub fn set_clock_synchronised(&self, synchronised: bool) {
        update(&self.clock_synchronised, |s| *s = synchronised);
    }

    /// What the service says of itself as a whole, to read or to follow.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Changes that.
    pub fn set_health(&self, health: Health) {
        update(&self.health, |h| *h = health);
    }

    /// Which settings are followed, to follow.
    pub fn revisions(&self) -> watch::Receiver<Revisions> {
        self.revisions.subscribe()
    }

    /// Link or radio are those of other settings.
    pub fn set_revision(&self, change: impl FnOnce(&mut Revisions)) {
        update(&self.revisions, change);
    }

    /// The settings that link, radio and health are of.
    pub fn active_revision(&self) -> u64 {
        self.active_revision.load(Ordering::Acquire)
    }

    /// Health is derived from link and radio of these settings, or later ones.
    pub fn set_active_revision(&self, revision: u64) {
        self.active_revision.store(revision, Ordering::Release);
    }

    /// When the broker in use last gave a sign of life, if it did.
    pub fn broker_heard(&self) -> Option<Instant> {
        *self.broker_heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes such a sign; `None` is another broker.
    pub fn set_broker_heard(&self, at: Option<Instant>) {
        *self.broker_heard.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Signs of life of our own tasks.
    pub fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
    }

    /// When the service started.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// Seconds since the service started.
    pub fn uptime_secs(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

/// Changes a watched value; followers wake only if it became another.
fn update<T: Clone + PartialEq>(sender: &watch::Sender<T>, change: impl FnOnce(&mut T)) {
    sender.send_if_modified(|value| {
        let before = value.clone();
        change(value);
        *value != before
    });
}
