//! What the tunnel and the publish loop tell each other about one connection.

use crate::model::Failure;
use crate::mqtt::exchange::{Accepted, Exchange};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Our MQTT client closed it.
    ByUs,
    /// The broker, the network or the way there.
    Failed(Failure),
}

/// For how long a broker is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// How many times as long as the limits say until it accepts us.
    pub(crate) factor: u32,
    /// The time in which PINGREQ is to be answered, if it is longer than the limit.
    pub(crate) keep_alive: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { factor: 1, keep_alive: Duration::ZERO }
    }
}

/// One connection from Paho through the tunnel to the broker.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    pub(crate) patience: Patience,
    exchange: Mutex<Exchange>,
    /// Answers of our own wait, or were sent.
    replies: Notify,
    replied: Notify,
    written: watch::Sender<u64>,
    heard: watch::Sender<Option<Instant>>,
    ended: watch::Sender<Option<Ended>>,
    aborted: watch::Sender<bool>,
    closed: watch::Sender<bool>,
}

impl ConnectionState {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience,
            exchange: Mutex::default(),
            replies: Notify::new(),
            replied: Notify::new(),
            written: watch::Sender::new(0),
            heard: watch::Sender::new(None),
            ended: watch::Sender::new(None),
            aborted: watch::Sender::new(false),
            closed: watch::Sender::new(false),
        }
    }

    /// What was said so far. Not to be held while anything waits.
    pub(crate) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tunnel, inward: hands the answers that wait to the other direction, and goes on when there is room for more.
    pub(crate) async fn hand_over_replies(&self) {
        self.replies.notify_one();
        while self.exchange().is_full() {
            self.replied.notified().await;
        }
    }

    /// Tunnel, outward: the next answer; waits for one.
    pub(crate) async fn reply(&self) -> [u8; 4] {
        loop {
            let reply = self.exchange().reply();
            self.replied.notify_one();
            match reply {
                Some(reply) => return reply,
                None => self.replies.notified().await,
            }
        }
    }

    /// Loop: what the broker said when it accepted us.
    pub(crate) fn accepted(&self) -> Accepted {
        self.exchange().accepted().cloned().unwrap_or_default()
    }

    /// Tunnel: this many more QoS 0 messages were wholly taken by the socket to the broker.
    pub(crate) fn wrote(&self, messages: u64) {
        if messages > 0 {
            self.written.send_modify(|count| *count += messages);
        }
    }

    /// Tunnel: the broker said something.
    pub(crate) fn on_receive(&self) {
        self.heard.send_replace(Some(Instant::now()));
    }

    /// Tunnel: nothing more will be written; the first reason stays.
    pub(crate) fn end(&self, why: Ended) {
        self.ended.send_if_modified(|ended| ended.is_none().then(|| *ended = Some(why)).is_some());
    }

    /// Tunnel: Paho's socket is closed.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Loop: how many QoS 0 messages the socket to the broker took.
    pub(crate) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// Loop: when the broker last said something.
    pub(crate) fn last_received(&self) -> Option<Instant> {
        *self.heard.borrow()
    }

    /// Loop: the reason for the end, if there is one already.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Loop: waits for the end.
    pub(crate) async fn wait_ended(&self) -> Ended {
        let mut ended = self.ended.subscribe();
        // The sender outlives the receiver here, so there is always a reason.
        let reason = ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        reason.unwrap_or(Ended::ByUs)
    }

    /// Loop: the connection to the broker is given up at once, without a farewell.
    pub(crate) fn abort(&self) {
        self.aborted.send_replace(true);
    }

    /// Waits until the loop hung up.
    pub(crate) async fn wait_aborted(&self) {
        wait(&self.aborted).await;
    }

    /// Waits until Paho's socket is closed.
    pub(crate) async fn wait_closed(&self) {
        wait(&self.closed).await;
    }
}

async fn wait(flag: &watch::Sender<bool>) {
    // The sender outlives the receiver here, so this ends with `true` only.
    let _ = flag.subscribe().wait_for(|set| *set).await;
}
