//! The retained status on StatusTopic: what it says, when it is due, and how it ends (decision record 0008).
//!
//! It goes over the connection of the adverts at QoS 1, and is in no book of theirs: neither in the ledger nor in flight.

use crate::config::{Publish, TimestampFormat};
use crate::encode;
use crate::log;
use crate::model::{Failure, Health, HealthState, LastError};
use crate::mqtt::client::LastWill;
use crate::stats::{AdapterStatus, Stats};
use crate::timestamp::Timestamps;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant;

/// Between two of them, however often the state changes; the last one wins.
const PAUSE: Duration = Duration::from_secs(1);
/// After this it is said again, with fresh figures.
const REFRESH: Duration = Duration::from_secs(60);

/// Connections that end over a status message.
const GIVEN_UP_AFTER: u32 = 3;
/// Connections that are accepted without the last will right after one with it was closed, until it is left out for good.
const WITHOUT_WILL_AFTER: u32 = 2;

/// Where the status goes and for whom it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusTopic {
    /// Filled in.
    pub(crate) topic: String,
    router: String,
}

impl StatusTopic {
    /// What the settings want, if anything.
    pub(super) fn of(publish: &Publish, router: &str) -> Option<Self> {
        let template = publish.status_topic.as_ref()?;
        Some(Self { topic: template.replace("{router}", router), router: router.to_owned() })
    }

    /// What the broker says when it lost us. It knows no time and no figures.
    pub(super) fn last_will(&self) -> LastWill {
        LastWill { topic: self.topic.clone(), payload: text(self.head("offline", "connection-lost")) }
    }

    fn head(&self, state: &str, reason: &str) -> Map<String, Value> {
        let head = json!({
            "state": state,
            "reason": reason,
            "router": self.router,
            "version": env!("CARGO_PKG_VERSION"),
            "epoch": format!("{:016x}", encode::epoch()),
        });
        if let Value::Object(head) = head { head } else { Map::new() }
    }
}

fn text(message: Map<String, Value>) -> Vec<u8> {
    Value::Object(message).to_string().into_bytes()
}

/// What the broker was told, and how it took that.
pub(super) struct Status {
    stats: Arc<Stats>,
    /// Whether the wall clock is synchronised.
    clock: watch::Receiver<bool>,
    health: watch::Receiver<Health>,
    /// What the broker was told, as far as it still stands there.
    told: Option<Health>,
    at: Option<Instant>,
    pending: bool,
    /// Connections that the broker closed over it, in a row.
    closed: u32,
    /// Whether it did not accept the last attempt, which had a last will, and may do without.
    refused_with_will: bool,
    /// How often it accepted the next one without it, in a row.
    only_without_will: u32,
    /// Whether the log has it that the broker does not take it.
    complained: bool,
}

impl Status {
    pub(super) fn new(stats: Arc<Stats>, clock: watch::Receiver<bool>) -> Self {
        let health = stats.health();
        Self {
            stats,
            clock,
            health,
            told: None,
            at: None,
            pending: false,
            closed: 0,
            refused_with_will: false,
            only_without_will: 0,
            complained: false,
        }
    }

    /// There is another broker, or another topic.
    pub(super) fn start_over(&mut self) {
        (self.told, self.pending, self.closed, self.complained) = (None, false, 0, false);
        (self.refused_with_will, self.only_without_will) = (false, 0);
    }

    /// The connection was lost, with what was told over it. Brokers of MQTT 3 close when they do not like a message: one that
    /// does so again and again gets no status any more, for the sake of the adverts.
    pub(super) fn lost(&mut self, failure: &Failure) {
        if self.pending && failure.code == LastError::Closed {
            self.closed += 1;
            if self.given_up() {
                self.complain("it closes the connection over it, so it gets none any more");
            }
        }
        (self.told, self.pending) = (None, false);
    }

    /// Whether the next attempt finds out if the last will was the reason: it need not wait for a repair.
    pub(super) fn tries_without_will(&self) -> bool {
        self.refused_with_will
    }

    /// Whether the last will goes with the next CONNECT.
    pub(super) fn with_will(&self) -> bool {
        !self.given_up() && !self.refused_with_will && self.only_without_will < WITHOUT_WILL_AFTER
    }

    /// The broker did not accept us, perhaps over the last will. Some say so; others close the connection, and then the next
    /// attempt goes without it.
    pub(super) fn not_accepted(&mut self, failure: &Failure, with_will: bool) {
        match failure.code {
            LastError::StatusTopic => {
                self.closed = GIVEN_UP_AFTER;
                self.complain(&failure.detail);
            }
            // Some say "not authorised" of the whole connection.
            LastError::Closed | LastError::Auth => self.refused_with_will = with_will,
            _ => {}
        }
    }

    /// The broker accepted us.
    pub(super) fn accepted(&mut self, with_will: bool) {
        if with_will {
            self.only_without_will = 0;
        } else if std::mem::take(&mut self.refused_with_will) {
            self.only_without_will += 1;
            self.complain("it did not accept a connection with the last will, and accepted one without it");
        }
    }

    /// Whether the broker has a status of ours that the will does not end.
    pub(super) fn stands(&self) -> bool {
        self.told.is_some()
    }

    /// Whether this broker gets none any more.
    pub(super) fn given_up(&self) -> bool {
        self.closed >= GIVEN_UP_AFTER
    }

    /// Whether a message is not acknowledged yet.
    pub(super) fn pending(&self) -> bool {
        self.pending
    }

    /// The broker has it.
    pub(super) fn acknowledged(&mut self) {
        (self.pending, self.closed, self.complained) = (false, 0, false);
    }

    /// The broker does not want it. It is asked again when there is something new, or after a while.
    pub(super) fn refused(&mut self, failure: &Failure) {
        self.pending = false;
        self.complain(&failure.detail);
    }

    fn complain(&mut self, problem: &str) {
        if !std::mem::replace(&mut self.complained, true) {
            log::status_refused(&self.stats.link().borrow().broker, problem);
        }
    }

    fn next(&self) -> Instant {
        let pause = if self.told.as_ref() == Some(&*self.health.borrow()) { REFRESH } else { PAUSE };
        self.at.map_or_else(Instant::now, |at| at + pause)
    }

    /// Whether the broker should have been told something by now.
    pub(super) fn is_due(&self) -> bool {
        self.due_at().is_some_and(|at| at <= Instant::now())
    }

    /// Whether that can be told. Over a living connection nobody is offline: such a state is about to change.
    pub(super) fn can_be_sent(&self) -> bool {
        self.is_due() && self.health.borrow().state != HealthState::Offline
    }

    /// When it will be due, if that does not depend on an acknowledgement.
    pub(super) fn due_at(&self) -> Option<Instant> {
        (!self.pending && !self.given_up()).then(|| self.next())
    }

    /// Waits for another health; for ever if there is no one to tell.
    pub(super) async fn changed(&mut self) {
        if self.health.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The message that is due; it counts as told from now on.
    pub(super) fn message(&mut self, topic: &StatusTopic) -> Vec<u8> {
        let health = self.health.borrow_and_update().clone();
        let message = self.write(topic, health.state.as_str(), &health.reason, health.since);
        self.sent(Some(health));
        message
    }

    /// The last message: the service says goodbye itself.
    pub(super) fn farewell(&mut self, topic: &StatusTopic, reason: &str) -> Vec<u8> {
        self.sent(None);
        let now = self.clock.borrow().then(SystemTime::now);
        self.write(topic, HealthState::Offline.as_str(), reason, now)
    }

    fn sent(&mut self, told: Option<Health>) {
        (self.told, self.at, self.pending) = (told, Some(Instant::now()), true);
    }

    fn write(&self, topic: &StatusTopic, state: &str, reason: &str, since: Option<SystemTime>) -> Vec<u8> {
        let mut message = topic.head(state, reason);
        let mut add = |key: &str, value: Value| message.insert(key.to_owned(), value);
        if let Some(since) = since {
            let mut times = Timestamps::new(TimestampFormat::Rfc3339);
            add("since", String::from_utf8_lossy(times.text(since)).into());
        }
        let now = self.clock.borrow().then(SystemTime::now);
        let millis = now.and_then(|now| now.duration_since(UNIX_EPOCH).ok()).map_or(0, |now| now.as_millis() as u64);
        add("timestamp", millis.into());
        add("broker", self.stats.link().borrow().broker.clone().into());
        let adapters = self.stats.radio().borrow().adapters.clone();
        let adapter = |a: &AdapterStatus| json!({"name": a.name, "address": a.address, "state": a.state.as_str()});
        add("adapters", adapters.iter().map(adapter).collect());
        add("ledger", json!(self.stats.snapshot().dictionary()));
        text(message)
    }
}
