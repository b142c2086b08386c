//! The publish side as the daemon runs it, driven by a test.

use crate::support::broker::{Mosquitto, PASSWORD, PSK, PSK_IDENTITY, Scenario, USER};
use crate::support::{eventually, within};
use cassia_bypass::config::{Candidate, Config, Secret, StateLock};
use cassia_bypass::model::{Address, LinkState, Message};
use cassia_bypass::publisher::{self, Limits, PublisherHandle};
use cassia_bypass::queue::Queue;
use cassia_bypass::stats::{Ledger, Link, Stats};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

/// The router of the guide's log lines.
pub(crate) const ROUTER: Address = Address([0xCC, 0x1B, 0xE0, 0xE0, 0xE6, 0xD0]);

/// See the module. A thread checks the books all the time.
pub(crate) struct Service {
    pub(crate) stats: Arc<Stats>,
    pub(crate) queue: Arc<Queue>,
    config: watch::Sender<Arc<Config>>,
    candidate: Candidate,
    publish: Option<PublisherHandle>,
    tunnels: Handle,
    end_tunnels: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    audit: Arc<Audit>,
    /// Given back last.
    _turn: Turn,
}

/// Several Paho clients with sessions that last, busy at the same time in one process, damage its memory (decision record
/// 0007). The service has one at a time; these tests take turns.
static TURNS: RwLock<()> = RwLock::new(());

#[allow(dead_code, reason = "held")]
enum Turn {
    Alone(RwLockWriteGuard<'static, ()>),
    Together(RwLockReadGuard<'static, ()>),
}

impl Turn {
    fn take(qos: u8) -> Self {
        match qos {
            2 => Self::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner)),
            _ => Self::Together(TURNS.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

#[derive(Default)]
struct Audit {
    over: AtomicBool,
    samples: AtomicU64,
    wrong: AtomicU64,
}

/// The service's own limits, with clients dropped sooner.
pub(crate) fn limits() -> Limits {
    Limits { retire: Duration::from_millis(300), ..Limits::default() }
}

impl Service {
    pub(crate) fn start(candidate: Candidate) -> Self {
        Self::with(candidate, limits())
    }

    pub(crate) fn with(candidate: Candidate, limits: Limits) -> Self {
        Self::with_state(candidate, limits, None)
    }

    /// With a directory in which a session outlives it.
    pub(crate) fn with_state(candidate: Candidate, limits: Limits, state: Option<&Path>) -> Self {
        let turn = Turn::take(candidate.raw.scan_qos);
        let stats = Arc::new(Stats::default());
        let queue = Arc::new(Queue::new(1 << 20, stats.clone()));
        let (config, settings) = watch::channel(Arc::new(check(&candidate)));
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let tunnels = runtime.handle().clone();
        let (end_tunnels, end) = oneshot::channel();
        let carrier = std::thread::spawn(move || drop(runtime.block_on(end)));
        let state = state.map(|state| Arc::new(StateLock::new(state)));
        let publish = {
            let _inside = tunnels.enter();
            let clock = stats.clock_synchronised();
            publisher::spawn(queue.clone(), settings, stats.clone(), ROUTER, state, limits, clock).expect("a thread")
        };
        let audit = Arc::new(Audit::default());
        let auditor = std::thread::spawn({
            let (audit, stats) = (audit.clone(), stats.clone());
            move || {
                while !audit.over.load(Ordering::Relaxed) {
                    audit.samples.fetch_add(1, Ordering::Relaxed);
                    audit.wrong.fetch_add(u64::from(!stats.snapshot().balances()), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_micros(500));
                }
            }
        });
        let (publish, end_tunnels, threads) = (Some(publish), Some(end_tunnels), vec![carrier, auditor]);
        Self { stats, queue, config, candidate, publish, tunnels, end_tunnels, threads, audit, _turn: turn }
    }

    /// Changes settings.
    pub(crate) fn set(&mut self, change: impl FnOnce(&mut Candidate)) {
        change(&mut self.candidate);
        self.config.send_replace(Arc::new(check(&self.candidate)));
    }

    /// Queues a message that stands for one advert.
    pub(crate) fn push(&self, payload: impl Into<Vec<u8>>) {
        push(&self.stats, &self.queue, payload);
    }

    pub(crate) fn link(&self) -> Link {
        self.stats.link().borrow().clone()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.stats.snapshot()
    }

    /// Waits until everything was published.
    #[track_caller]
    pub(crate) fn all_published(&self) {
        let published = || {
            let ledger = self.ledger();
            ledger.published == ledger.received
        };
        let end = std::time::Instant::now() + crate::support::DEADLINE;
        while !published() {
            assert!(std::time::Instant::now() < end, "not published: {:?} {:?}", self.ledger(), self.link());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[track_caller]
    pub(crate) fn connected(&self) {
        eventually("connected", || self.link().state == LinkState::Connected);
    }

    /// Waits for a failure with this word.
    #[track_caller]
    pub(crate) fn fails_with(&self, word: &str) -> String {
        let end = std::time::Instant::now() + crate::support::DEADLINE;
        loop {
            let link = self.link();
            match &link.error {
                Some(failure) if failure.code.as_str() == word => return failure.detail.clone(),
                // A first try on a busy machine may time out; any other word is wrong.
                other if std::time::Instant::now() >= end => panic!("{word} expected, found {other:?}"),
                Some(other) if other.code.as_str() != "timeout" => panic!("{word} expected, found {other:?}"),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// After a change of settings: waits for a failure with this word, whatever was before.
    #[track_caller]
    pub(crate) fn fails_with_next(&self, word: &str) {
        eventually(word, || self.link().error.is_some_and(|failure| failure.code.as_str() == word));
    }

    /// The end as the daemon brings it about, within the promised time.
    pub(crate) fn stop(&mut self) {
        let Some(publish) = self.publish.take() else { return };
        self.tunnels.block_on(publish.stop());
        drop(self.end_tunnels.take());
        self.audit.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().expect("no panic"));
        assert_eq!(self.audit.wrong.load(Ordering::Relaxed), 0, "the books did not balance at some moment");
        assert!(self.audit.samples.load(Ordering::Relaxed) > 0);
        let ledger = self.ledger();
        // Only a session at QoS 2 keeps anything.
        let kept = ledger.in_flight == 0 || self.candidate.raw.scan_qos == 2;
        assert!(ledger.balances() && ledger.queued == 0 && kept, "{ledger:?}");
    }

    /// Waits a short time for something that must not happen.
    #[track_caller]
    pub(crate) fn soon(&self, what: &str, condition: impl FnMut(&Self) -> bool) {
        let mut condition = condition;
        within(Duration::from_secs(15), what, || condition(self));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// Queues a message that stands for one advert.
pub(crate) fn push(stats: &Stats, queue: &Queue, payload: impl Into<Vec<u8>>) {
    stats.ledger(|l| l.receive_queued(1));
    queue.push(Message { payload: payload.into(), adverts: 1, ..Message::default() });
}

fn check(candidate: &Candidate) -> Config {
    Config::check(candidate).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A candidate for a broker on this port of the loopback interface.
pub(crate) fn candidate(port: u16) -> Candidate {
    let mut candidate = Candidate::default();
    candidate.raw.protocol = "mqtt".into();
    candidate.raw.host = "127.0.0.1".into();
    candidate.raw.port = port;
    candidate
}

/// Right settings for this scenario.
pub(crate) fn apply(scenario: Scenario, candidate: &mut Candidate, broker: &Mosquitto) {
    let certificates = &broker.certificates;
    let (raw, secrets) = (&mut candidate.raw, &mut candidate.secrets);
    (raw.port, raw.encryption_mode) = (scenario.port(&broker.ports), scenario.encryption().into());
    if scenario != Scenario::Anonymous {
        raw.username = USER.into();
        secrets.password = Secret::from(PASSWORD.to_owned());
    } else {
        raw.username.clear();
    }
    raw.psk_identity = PSK_IDENTITY.into();
    secrets.psk = Secret::from(PSK.to_owned());
    raw.ca_certificate = certificates.ca.pem();
    raw.require_client_certificate = scenario == Scenario::ClientCertificate;
    raw.client_certificate = certificates.client.certificate.clone();
    secrets.client_key = Secret::from(certificates.client.key.clone());
}

/// The scenario's settings and nothing else.
pub(crate) fn candidate_of(scenario: Scenario, broker: &Mosquitto) -> Candidate {
    let mut candidate = candidate(0);
    apply(scenario, &mut candidate, broker);
    candidate
}
