//! Which broker is tried: Host, then FallbackHosts in their order, and Host again once it answers.
//!
//! Within a round no time is lost: a broker that does not accept us soon is left for the next one. Delays come after a round
//! in which none did, and, with jitter, after a loss, so that the routers of a dead broker do not come in the same moment.

use crate::backoff::jittered;
use crate::model::LastError;
use crate::mqtt::client::BrokerConfig;
use crate::mqtt::client::Probe;
use crate::mqtt::limits::Limits;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// A first broker that answers a probe and then refuses us, or does not keep us, is asked ever less often, down to this many times
/// the usual pace.
const SLOWEST: u32 = 64;

/// The brokers of the settings, and the one that is tried or used.
pub(super) struct BrokerList {
    all: Vec<BrokerConfig>,
    /// The one that is tried or used.
    at: usize,
    /// Those that this round still has, after that one.
    ahead: VecDeque<usize>,
    /// Where a connection was last.
    used: Option<usize>,
    /// Whether nothing but a repair would help any of those that failed in this round.
    repair: bool,
    /// What was logged last of each: `up` or the word of a failure.
    last_logged: Vec<Option<Result<(), LastError>>>,
    limits: Limits,
    probe_at: Instant,
    slower: u32,
    probe: Option<Probe>,
}

/// What a connection means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The same broker as before, or the first one at the start.
    Usual,
    /// A fallback, because this one did not answer.
    Fallback(String),
    /// The first broker, after a fallback.
    Failback,
}

impl BrokerList {
    /// Without a first one there is none.
    pub(super) fn new(first: Option<&BrokerConfig>, limits: Limits) -> Self {
        let fallbacks = first.into_iter().flat_map(|first| {
            first.mqtt.fallbacks.iter().map(|(host, port)| {
                let mut other = first.clone();
                (other.mqtt.host, other.mqtt.port) = (host.clone(), *port);
                other
            })
        });
        let all: Vec<_> = first.cloned().into_iter().chain(fallbacks).collect();
        Self {
            at: 0,
            ahead: (1..all.len()).collect(),
            used: None,
            repair: true,
            last_logged: vec![None; all.len()],
            limits,
            probe_at: Instant::now(),
            slower: 1,
            probe: None,
            all,
        }
    }

    /// The broker to try, or in use.
    pub(super) fn current(&self) -> &BrokerConfig {
        &self.all[self.at]
    }

    /// How long it may take to accept us, after this many failed rounds.
    pub(super) fn patience(&self, rounds: u32) -> Duration {
        let full = self.limits.factor(rounds) * (self.limits.connect + self.limits.answer);
        // Alone, a broker has the time that its parts have.
        if self.all.len() == 1 { 2 * full } else { full.min(self.limits.hop.saturating_mul(1 << rounds.min(10))) }
    }

    /// Whether this is news of the current broker: that it accepted us, or why not.
    pub(super) fn is_news(&mut self, outcome: Result<(), LastError>) -> bool {
        let news = self.last_logged[self.at].replace(outcome) != Some(outcome);
        if news && outcome.is_ok() {
            // What the others said is old.
            let at = self.at;
            self.last_logged
                .iter_mut()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .for_each(|(_, last)| *last = None);
        }
        news
    }

    /// Whether this round has another one.
    pub(super) fn has_next(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The current broker did not accept us. Moves to the next one, or to the first one if the round is over.
    pub(super) fn failed(&mut self, repair: bool) {
        self.repair &= repair;
        match self.ahead.pop_front() {
            Some(next) => self.at = next,
            None => self.start_at(0),
        }
    }

    /// Whether a repair alone helps: every broker of the round said so.
    pub(super) fn take_repair(&mut self) -> bool {
        std::mem::replace(&mut self.repair, true)
    }

    /// The current broker accepted us.
    pub(super) fn arrived(&mut self) -> Arrival {
        let before = self.used.replace(self.at).unwrap_or(0);
        self.repair = true;
        if self.at != 0 && before == 0 {
            self.schedule();
        }
        match self.at {
            same if same == before => Arrival::Usual,
            0 => Arrival::Failback,
            _ => Arrival::Fallback(self.all[before].name()),
        }
    }

    /// The connection was lost. The same broker is tried first, since the network may be to blame and a session is there,
    /// unless the connection hardly lived.
    pub(super) fn lost(&mut self, lived: Duration, repair: bool) {
        let (at, steady) = (self.at, lived >= self.limits.steady);
        if at == 0 && lived >= self.limits.probe {
            // It is worth a failback.
            self.slower = 1;
        }
        // Another broker may need no repair.
        self.repair = repair && self.all.len() == 1;
        self.start_at(at);
        if !steady && let Some(next) = self.ahead.pop_front() {
            self.ahead.push_back(at);
            self.at = next;
        }
    }

    /// To the first broker, then the others.
    pub(super) fn fail_back(&mut self) {
        // Until it has kept us for a while, an answer to a probe does not mean much.
        self.slower = SLOWEST.min(4 * self.slower);
        self.schedule();
        self.start_at(0);
    }

    /// Short connections: the next one is the probe.
    pub(super) fn fail_back_if_due(&mut self) {
        if self.at != 0 && self.used == Some(self.at) && self.probe_at <= Instant::now() {
            self.fail_back();
        }
    }

    fn start_at(&mut self, first: usize) {
        self.at = first;
        self.ahead = (0..self.all.len()).filter(|other| *other != first).collect();
    }

    fn schedule(&mut self) {
        self.probe_at = Instant::now() + jittered(self.limits.probe * self.slower);
        self.probe = None;
    }

    /// Asks the first broker whether it answers, if it is time for that.
    pub(super) fn probe_if_due(&mut self, probe: impl FnOnce(&BrokerConfig) -> Probe) {
        if self.probe_at().is_some_and(|at| at <= Instant::now()) {
            self.probe = Some(probe(&self.all[0]));
        }
    }

    /// When it is time for that.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        (self.at != 0 && self.probe.is_none()).then_some(self.probe_at)
    }

    /// Waits until a probe tells whether the first broker answers. May be cancelled.
    pub(super) async fn probe_answer(&mut self) -> bool {
        match &mut self.probe {
            Some(probe) if self.at != 0 => {
                let answers = probe.await;
                self.schedule();
                answers
            }
            _ => std::future::pending().await,
        }
    }
}
