//! A broker of our making, and the loop on a clock that jumps.

use super::config_watch::ConfigWatch;
use super::delivery::Delivery;
use super::run::Publisher;
use crate::config::{Candidate, Config, Qos};
use crate::model::{Address, Failure, LastError, Message, MessageId};
use crate::mqtt::client::{BrokerConfig, Client, Event, NotSent, Probe};
use crate::mqtt::limits::Limits;
use crate::queue::Queue;
use crate::stats::{Link, Stats};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, LocalSet};

/// What the loop did with the broker, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Connect(String),
    Publish(MessageId, String, u8, Qos),
    Probe(String),
    PublishStatus(String, serde_json::Value),
    Disconnect,
    Abort,
    Save(Vec<MessageId>),
    Close,
}

/// Shared with the test.
#[derive(Default)]
pub(super) struct Script {
    actions: Mutex<Vec<Action>>,
    /// Answer to CONNECT; never one while `None`.
    accept: Mutex<Option<Result<(), Failure>>>,
    /// Brokers that refuse.
    dead: Mutex<Vec<&'static str>>,
    /// Ids of messages that a session keeps.
    kept: Mutex<Vec<MessageId>>,
    /// Whole, since the start.
    payloads: Mutex<Vec<Vec<u8>>>,
    /// Of the hosts that refuse, whether they answer probes.
    answers_probes: Mutex<bool>,
    /// What CONNACK tells.
    maximum_qos: Mutex<Option<Qos>>,
    maximum_packet_size: Mutex<Option<usize>>,
    /// What is refused at once.
    longest: Mutex<usize>,
}

struct Fake(Arc<Script>, mpsc::Receiver<Event>);

impl Client for Fake {
    async fn connect(&mut self, endpoint: &BrokerConfig, _: u32) -> Result<(), Failure> {
        self.0.record(Action::Connect(endpoint.name()));
        while self.1.try_recv().is_ok() {}
        if self.0.dead(endpoint) {
            return Err(Failure::new(LastError::Refused, "dead"));
        }
        let answer = self.0.accept.lock().expect("no panic").clone();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    fn publish(&mut self, id: MessageId, topic: &str, payload: &[u8], qos: Qos) -> Result<(), NotSent> {
        if payload.len() > *self.0.longest.lock().expect("no panic") {
            return Err(NotSent::Refused(Failure::new(LastError::Refused, "")));
        }
        self.0.payloads.lock().expect("no panic").push(payload.to_vec());
        self.0.record(Action::Publish(id, topic.to_owned(), payload[0], qos));
        Ok(())
    }

    fn publish_status(&mut self, topic: &str, payload: &[u8]) -> Result<(), NotSent> {
        self.0.record(Action::PublishStatus(topic.to_owned(), serde_json::from_slice(payload).expect("JSON")));
        Ok(())
    }

    fn maximum_qos(&self) -> Option<Qos> {
        *self.0.maximum_qos.lock().expect("no panic")
    }

    fn maximum_packet_size(&self) -> Option<usize> {
        *self.0.maximum_packet_size.lock().expect("no panic")
    }

    fn last_received(&self) -> Option<std::time::Instant> {
        None
    }

    fn probe(&self, endpoint: &BrokerConfig) -> Probe {
        self.0.record(Action::Probe(endpoint.name()));
        Box::pin(std::future::ready(*self.0.answers_probes.lock().expect("no panic") || !self.0.dead(endpoint)))
    }

    async fn next_event(&mut self) -> Event {
        match self.1.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    async fn disconnect(&mut self) {
        self.0.record(Action::Disconnect);
    }

    async fn abort(&mut self) {
        self.0.record(Action::Abort);
    }

    fn keeps(&self, id: MessageId) -> bool {
        self.0.kept.lock().expect("no panic").contains(&id)
    }

    fn session_event(&mut self) -> Option<Event> {
        None
    }

    async fn forget_session(&mut self) {
        self.0.kept.lock().expect("no panic").clear();
    }

    fn resume(&mut self, _: impl FnMut(Message) -> MessageId) -> u64 {
        0
    }

    fn save(&mut self, flight: &[&Message]) -> bool {
        self.0.record(Action::Save(flight.iter().map(|message| message.id).collect()));
        true
    }

    async fn close(&mut self) {
        self.0.record(Action::Close);
    }
}

impl Script {
    fn dead(&self, endpoint: &BrokerConfig) -> bool {
        self.dead.lock().expect("no panic").contains(&&*endpoint.mqtt.host)
    }

    pub(super) fn record(&self, action: Action) {
        self.actions.lock().expect("no panic").push(action);
    }
}

pub(super) struct Bench {
    script: Arc<Script>,
    events: mpsc::Sender<Event>,
    queue: Arc<Queue>,
    pub(super) stats: Arc<Stats>,
    config: watch::Sender<Arc<Config>>,
    candidate: Candidate,
    pub(super) stop: watch::Sender<bool>,
    pub(super) run: JoinHandle<()>,
}

const ROUTER: Address = Address([0xCC, 0x1B, 0xE0, 0xE0, 0xE6, 0xD0]);

impl Bench {
    pub(super) fn start(connection: &str) -> Self {
        Self::with(connection, &[])
    }

    /// The same with FallbackHosts.
    pub(super) fn with(connection: &str, fallbacks: &[&str]) -> Self {
        Self::start_with(connection, fallbacks, "", 1)
    }

    /// The same with a StatusTopic.
    pub(super) fn start_with_status(connection: &str, status_topic: &str, qos: u8) -> Self {
        Self::start_with(connection, &[], status_topic, qos)
    }

    fn start_with(connection: &str, fallbacks: &[&str], status_topic: &str, qos: u8) -> Self {
        let mut candidate = Candidate::default();
        candidate.raw.fallback_hosts = fallbacks.iter().map(|&host| host.to_owned()).collect();
        candidate.raw.protocol = "mqtt".into();
        candidate.raw.host = "broker".into();
        candidate.raw.scan_qos = qos;
        candidate.raw.connection_type = connection.into();
        candidate.raw.status_topic = status_topic.into();
        let stats = Arc::new(Stats::default());
        let queue = Arc::new(Queue::new(1 << 20, stats.clone()));
        let (config, settings) = watch::channel(Arc::new(Config::check(&candidate).expect("right")));
        let (stop, stopped) = watch::channel(false);
        let (events, heard) = mpsc::channel(1000);
        let script = Arc::new(Script::default());
        *script.longest.lock().expect("no panic") = 100;
        script.accept.lock().expect("no panic").replace(Ok(()));
        let limits = Limits::default();
        let config_watch = ConfigWatch::new(settings, stopped, ROUTER, limits.drain);
        let delivery =
            Delivery::new(queue.clone(), stats.clone(), config_watch, limits, None, stats.clock_synchronised());
        let publisher = Publisher::new(Fake(script.clone(), heard), delivery);
        let run = tokio::task::spawn_local(publisher.run());
        Self { script, events, queue, stats, config, candidate, stop, run }
    }

    pub(super) fn push(&self, first: u8) {
        self.push_bytes(vec![first]);
    }

    pub(super) fn push_bytes(&self, payload: Vec<u8>) {
        self.push_message(Message { payload, adverts: 3, ..Message::default() });
    }

    pub(super) fn push_message(&self, message: Message) {
        self.stats.ledger(|l| l.receive_queued(message.adverts));
        self.queue.push(message);
    }

    /// The payloads that were published so far.
    pub(super) fn payloads(&self) -> Vec<Vec<u8>> {
        self.script.payloads.lock().expect("no panic").clone()
    }

    pub(super) fn set(&mut self, change: impl FnOnce(&mut Candidate)) {
        change(&mut self.candidate);
        self.config.send_replace(Arc::new(Config::check(&self.candidate).expect("right")));
    }

    pub(super) fn answer(&self, answer: Option<Result<(), Failure>>) {
        *self.script.accept.lock().expect("no panic") = answer;
    }

    /// From now on CONNACK tells this.
    pub(super) fn set_maximum_qos(&self, maximum: Qos) {
        *self.script.maximum_qos.lock().expect("no panic") = Some(maximum);
    }

    /// The same of the size of packets.
    pub(super) fn set_maximum_packet_size(&self, maximum: usize) {
        self.take_any_size();
        *self.script.maximum_packet_size.lock().expect("no panic") = Some(maximum);
    }

    /// Messages of any size are handed over.
    pub(super) fn take_any_size(&self) {
        *self.script.longest.lock().expect("no panic") = usize::MAX;
    }

    /// From now on only these hosts refuse.
    pub(super) fn dead(&self, hosts: &[&'static str]) {
        *self.script.dead.lock().expect("no panic") = hosts.to_vec();
    }

    /// From now on a session keeps these messages.
    pub(super) fn keep(&self, ids: &[MessageId]) {
        *self.script.kept.lock().expect("no panic") = ids.to_vec();
    }

    pub(super) fn event(&self, event: Event) {
        self.events.try_send(event).expect("heard");
    }

    /// Lets the loop do what it can without time passing; the books balance whenever it waits.
    pub(super) async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
            assert!(self.stats.snapshot().balances());
        }
    }

    /// Brokers that refuse answer probes from now on.
    pub(super) fn answer_probes(&self) {
        *self.script.answers_probes.lock().expect("no panic") = true;
    }

    /// What was done since the last call.
    pub(super) async fn actions(&self) -> Vec<Action> {
        self.settle().await;
        std::mem::take(&mut self.script.actions.lock().expect("no panic"))
    }

    /// The first bytes of what was published since the last call.
    pub(super) async fn published(&self) -> Vec<u8> {
        let first = |action| if let Action::Publish(_, _, first, _) = action { Some(first) } else { None };
        self.actions().await.into_iter().filter_map(first).collect()
    }

    pub(super) fn link(&self) -> Link {
        self.stats.link().borrow().clone()
    }
}

pub(super) fn lost(code: LastError) -> Event {
    Event::Lost(Failure::new(code, "lost"))
}

pub(super) fn bench<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async { test().await });
}
