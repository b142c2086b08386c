//! The publisher at work: it waits for the next input, asks the state what follows from it, and does that.

use super::clock_first;
use super::config_watch::{Change, ConfigWatch, Target};
use super::delivery::Delivery;
use super::failover::{Arrival, BrokerList};
use super::refusal_log::RefusalLog;
use super::state::{Effect, Input, State};
use super::takeover::Takeover;
use crate::backoff::Backoff;
use crate::config::{Qos, StateLock};
use crate::log;
use crate::model::{DropReason, Failure, LastError, LinkState, Message};
use crate::mqtt::client::{BrokerConfig, Client, Event, NotSent};
use crate::mqtt::limits::Limits;
use crate::queue::Queue;
use crate::stats::Stats;
use futures_util::FutureExt;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use tokio::time::{Instant, timeout};

/// From the queue to the broker.
pub(crate) struct Publisher<C> {
    state: State,
    client: C,
    delivery: Delivery,
    /// The one that is served: the settings may name another one by now.
    target: Option<Target>,
    backoff: Backoff,
    takeover: Takeover,
    /// Whether the last CONNECT had a last will.
    with_will: bool,
    /// When the last attempt began, and when the broker accepted it.
    attempted: Instant,
    accepted: Instant,
}

impl<C: Client> Publisher<C> {
    /// In the directory `spool` of the state directory messages wait while no broker takes them.
    pub(crate) fn new(
        queue: Arc<Queue>,
        stats: Arc<Stats>,
        client: C,
        config: ConfigWatch,
        limits: Limits,
        state: Option<Arc<StateLock>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            state: State::Disabled,
            client,
            delivery: Delivery::new(queue, stats, config, limits, state),
            target: None,
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap),
            takeover: Takeover::default(),
            with_will: false,
            attempted: now,
            accepted: now,
        }
    }

    /// Runs until the service stops. Every advert is on the books at any moment, and none waits afterwards.
    pub(crate) async fn run(mut self) {
        self.resume();
        let mut input = Input::Settings(Change::Broker);
        loop {
            match input {
                Input::Message(event) => self.delivery.on_event(event),
                input => self.transition(input).await,
            }
            if self.state == State::Stopped {
                return self.finish().await;
            }
            input = self.next().await;
        }
    }

    async fn transition(&mut self, mut input: Input) {
        let (next, effects) = self.state.on(&input, &self.delivery.facts(self.state));
        for effect in effects {
            self.perform(effect, &mut input).await;
        }
        self.state = next;
    }

    async fn next(&mut self) -> Input {
        match self.state {
            State::Connecting => self.connect().await,
            State::Connected | State::FailingBack => {
                if let Some(input) = self.publish() {
                    return input;
                }
                let event = self.client.next_event().map(|event| match event {
                    Event::Lost(failure) => Input::Lost(failure),
                    event => Input::Message(event),
                });
                self.delivery.next_input(self.state, event).await
            }
            _ => self.delivery.next_input(self.state, pending()).await,
        }
    }

    /// One attempt, which goes on whatever happens meanwhile, unless its end is asked for.
    async fn connect(&mut self) -> Input {
        let (attempts, limits) = (self.backoff.attempts(), self.delivery.limits);
        let (patience, broker) = (self.delivery.brokers.patience(attempts), self.broker_config());
        let connected = self.client.connect(&broker, limits.factor(attempts));
        let mut attempt = pin!(timeout(patience, connected).map(|result| match result {
            Ok(Ok(())) => Input::Accepted,
            Ok(Err(failure)) => Input::NotAccepted(failure),
            Err(_) => {
                let detail = format!("{} did not accept us within {} s.", broker.name(), patience.as_secs_f32());
                Input::NotAnswered(Failure::new(LastError::Timeout, detail))
            }
        }));
        loop {
            let delivery = &mut self.delivery;
            let input = delivery.next_input(State::Connecting, attempt.as_mut()).await;
            match State::Connecting.on(&input, &delivery.facts(State::Connecting)).1[..] {
                [] => {}
                [Effect::Spill] => delivery.spooler.spill(&delivery.queue),
                [Effect::Upkeep] => delivery.spooler.upkeep(),
                _ => return input,
            }
        }
    }

    /// Hands over what the connection has room for. What follows from that alone.
    fn publish(&mut self) -> Option<Input> {
        let (delivery, client, stays) = (&mut self.delivery, &mut self.client, self.state == State::Connected);
        if let Some(first) = delivery.brokers.wants_probe() {
            let probe = client.probe(first);
            delivery.brokers.probe(probe);
        }
        delivery.spooler.connected();
        delivery.spooler.follow(delivery.config.spooling());
        if let Some(at) = client.last_received() {
            delivery.stats.set_broker_heard(Some(at));
            delivery.broker_limits.size.survived(at);
        }
        delivery.report_qos();
        delivery.requeue_deferred(client);
        let was_empty = delivery.nothing_pending();
        if stays && let Err(failure) = self.publish_status() {
            return Some(Input::Lost(failure));
        }
        while stays && self.has_turn() {
            match self.delivery.publish_queued(&mut self.client) {
                None => break,
                Some(Ok(())) => self.delivery.sent += 1,
                Some(Err(failure)) => return Some(Input::Lost(failure)),
            }
        }
        if stays && self.has_turn() && self.delivery.queue.is_empty() && !self.delivery.config.stopping() {
            match self.delivery.publish_spooled(&mut self.client) {
                None => {}
                Some(Ok(())) => self.delivery.sent += 1,
                Some(Err(failure)) => return Some(Input::Lost(failure)),
            }
        }
        if was_empty {
            self.delivery.last_ack = Instant::now();
        }
        let ends = || self.state.on(&Input::AllAcknowledged, &self.delivery.facts(self.state)).0 != self.state;
        (self.delivery.nothing_pending() && ends()).then_some(Input::AllAcknowledged)
    }

    /// Whether one more message may go over this connection. With a short one the rest is left to the next.
    fn has_turn(&self) -> bool {
        let burst = !self.delivery.is_short() || self.delivery.sent < self.delivery.limits.burst;
        burst && self.delivery.has_room() && !self.delivery.config.changed()
    }

    /// Hands over the status message if it is due.
    fn publish_status(&mut self) -> Result<(), Failure> {
        match self.target.as_ref().and_then(|target| target.status.as_ref()) {
            Some(topic) if self.delivery.has_room() && self.delivery.status.can_be_sent() => {
                let message = self.delivery.status.message(topic);
                announce(&mut self.client, &mut self.delivery, &topic.topic, &message)
            }
            _ => Ok(()),
        }
    }

    async fn perform(&mut self, effect: Effect, input: &mut Input) {
        match effect {
            Effect::Disable => self.disable().await,
            Effect::Withdraw => self.delivery.queue.withdraw(),
            Effect::Start => self.start(),
            Effect::ShowIdle => self.show_idle(),
            Effect::Connect => self.prepare_attempt(),
            Effect::Begin => self.begin(),
            Effect::DrainAcks => self.drain_acks().await,
            Effect::Disconnect => self.disconnect().await,
            Effect::EndBurst => {
                self.backoff.reset();
                self.takeover.forget();
                self.client.disconnect().await;
                // What follows may be a long silence.
                self.delivery.stats.set_link(|link| link.state = LinkState::Idle);
            }
            Effect::Abort => self.client.abort().await,
            Effect::EndStatus => self.end_status().await,
            Effect::Requeue => self.requeue(),
            Effect::FailBack => self.delivery.brokers.fail_back(),
            Effect::StartBackoff => self.start_backoff(),
            Effect::Spill => self.delivery.spooler.spill(&self.delivery.queue),
            Effect::Upkeep => self.delivery.spooler.upkeep(),
            Effect::Blame | Effect::ReportLoss | Effect::ReportFailure => match input {
                Input::Lost(failure) if effect == Effect::Blame => self.blame(failure).await,
                Input::Lost(failure) => {
                    self.report(failure);
                    self.delivery.brokers.lost(self.attempted.elapsed(), failure.code.needs_operator());
                }
                Input::NotAccepted(failure) | Input::NotAnswered(failure) => self.not_accepted(failure),
                _ => {}
            },
        }
    }

    fn resume(&mut self) {
        let Delivery { queue, stats, inflight, .. } = &mut self.delivery;
        let lost = self.client.resume(|message| {
            let id = queue.next_id();
            stats.ledger(|l| l.resume(message.adverts));
            inflight.add(Message { id, ..message });
            id
        });
        stats.ledger(|l| {
            l.resume(lost);
            l.drop_in_flight(lost, DropReason::SpoolDamaged);
        });
    }

    async fn finish(mut self) {
        self.client.close().await;
        if let Some(message) = self.delivery.poison.reset() {
            self.delivery.send_again(vec![message]);
        }
        self.requeue();
        let Self { mut delivery, mut client, .. } = self;
        if !delivery.inflight.is_empty() && !client.save(&delivery.inflight.messages()) {
            delivery.requeue_unacked(|_| false);
        }
        // What is left in flight goes on in the session.
        delivery.inflight.take_unacked(|_| false).iter().for_each(|message| delivery.spooler.ack(message.id));
        if delivery.config.target().is_none() {
            delivery.queue.withdraw();
        }
        delivery.spooler.close(&delivery.queue);
        delivery.queue.clear(DropReason::Shutdown);
        delivery.stats.set_link(|link| link.state = LinkState::Off);
    }

    async fn disable(&mut self) {
        let stats = &self.delivery.stats;
        stats.set_link(|link| {
            link.state = LinkState::Off;
            link.broker.clear();
            link.error = None;
        });
        stats.set_broker_heard(None);
        self.delivery.forget_broker();
        self.client.forget_session().await;
        self.delivery.requeue_unacked(|_| false);
        self.delivery.queue.withdraw();
    }

    fn start(&mut self) {
        let delivery = &mut self.delivery;
        self.target = delivery.config.target().cloned();
        delivery.brokers = BrokerList::new(self.target.as_ref().map(|target| &target.broker), delivery.limits);
        self.takeover.forget();
        delivery.hold.end();
        delivery.status.start_over();
        delivery.forget_broker();
        delivery.stats.set_broker_heard(None);
        self.backoff.reset();
        delivery.refusals = RefusalLog::default();
        delivery.stats.set_link(|link| (link.error, link.refusal) = (None, None));
    }

    fn show_idle(&self) {
        // After a failure the state stays `waiting`, with its reason, until a connection worked.
        self.delivery.stats.set_link(|link| {
            link.broker = self.delivery.brokers.current().name();
            if link.state != LinkState::Waiting {
                link.state = LinkState::Idle;
            }
        });
    }

    fn prepare_attempt(&mut self) {
        let delivery = &mut self.delivery;
        if delivery.is_short() {
            delivery.brokers.fail_back_if_due();
        }
        delivery.stats.set_link(|link| {
            link.broker = delivery.brokers.current().name();
            link.state = LinkState::Connecting;
        });
        delivery.had_work = delivery.has_work();
        self.attempted = Instant::now();
    }

    /// How to connect to the broker whose turn it is, as far as it is known.
    fn broker_config(&mut self) -> BrokerConfig {
        let delivery = &mut self.delivery;
        let mut broker = delivery.brokers.current().clone();
        if delivery.broker_limits.switch_to(broker.name()) {
            delivery.hold.end();
        }
        broker.lasting &= delivery.broker_limits.qos.lower(Qos::ExactlyOnce) == Qos::ExactlyOnce;
        broker.last_will.take_if(|_| !delivery.status.with_will());
        self.with_will = broker.last_will.is_some();
        broker
    }

    /// The broker accepted us.
    fn begin(&mut self) {
        let delivery = &mut self.delivery;
        delivery.stats.set_broker_heard(Some(std::time::Instant::now()));
        let arrival = delivery.brokers.arrived();
        delivery.stats.set_link(|link| {
            link.state = LinkState::Connected;
            link.error = None;
            link.connects += 1;
            link.failovers += u64::from(matches!(arrival, Arrival::Fallback(_)));
        });
        if delivery.brokers.is_news(Ok(())) {
            log::link_up(&delivery.stats.link().borrow());
        }
        match arrival {
            Arrival::Usual => {}
            Arrival::Fallback(before) => log::failover(&delivery.stats.link().borrow(), &before),
            Arrival::Failback => log::home(&delivery.stats.link().borrow()),
        }
        delivery.status.accepted(self.with_will);
        delivery.broker_limits.connected(self.client.maximum_qos(), self.client.maximum_packet_size());
        delivery.report_qos();
        delivery.report_size();
        self.requeue();
        let now = Instant::now();
        self.accepted = now;
        (self.delivery.last_ack, self.delivery.progressed, self.delivery.sent) = (now, false, 0);
    }

    /// After a connection, or before the first message of one: what no session keeps waits again.
    fn requeue(&mut self) {
        self.apply_session_events();
        self.delivery.requeue_unacked(|id| self.client.keeps(id));
    }

    /// Books what became of messages that a session keeps.
    fn apply_session_events(&mut self) {
        while let Some(event) = self.client.session_event() {
            self.delivery.apply(event);
        }
    }

    /// Collects acknowledgements that are on their way.
    async fn drain_acks(&mut self) {
        let settle = self.delivery.limits.settle;
        let drained = async {
            while !self.delivery.nothing_pending() {
                match self.client.next_event().await {
                    Event::Lost(_) => return,
                    event => self.delivery.apply(event),
                }
            }
        };
        // What does not come within the time is not awaited.
        let _ = timeout(settle, drained).await;
    }

    /// Ends a connection in good order. The status says why before the will is taken back: a broker that does not acknowledge
    /// that keeps the will.
    async fn disconnect(&mut self) {
        if let Some(topic) = self.target.as_ref().and_then(|target| target.status.as_ref())
            && !self.delivery.status.given_up()
        {
            let reason = if self.delivery.config.stopping() { "stopped" } else { "reconfigured" };
            let has_room = self.delivery.has_room();
            let message = self.delivery.status.farewell(topic, reason);
            if has_room && announce(&mut self.client, &mut self.delivery, &topic.topic, &message).is_ok() {
                self.drain_acks().await;
            }
            if self.delivery.status.pending() {
                return self.client.abort().await;
            }
        }
        self.client.disconnect().await;
    }

    /// Between two short connections the broker has no will of ours: the status gets its end over one more connection.
    async fn end_status(&mut self) {
        if !self.delivery.status.stands() {
            return;
        }
        let (limit, broker) = (self.delivery.limits.farewell, self.delivery.brokers.current().clone());
        let ended = timeout(limit, async {
            let connected = self.client.connect(&broker, 1).await.is_ok();
            if connected {
                self.disconnect().await;
            }
            connected
        });
        if !ended.await.unwrap_or(false) {
            self.client.abort().await;
        }
    }

    /// A connection was lost, with what was told over it.
    async fn blame(&mut self, failure: &mut Failure) {
        let (delivery, lived) = (&mut self.delivery, self.accepted.elapsed());
        // A status that was not acknowledged is the first suspect.
        let about_adverts = !delivery.status.pending();
        delivery.status.lost(failure);
        // A connection that lives for a moment only, again and again, did not work.
        if lived >= delivery.limits.steady {
            self.backoff.reset();
        }
        self.apply_session_events();
        let delivery = &mut self.delivery;
        let other_qos = delivery.learn_qos(failure);
        if other_qos | (about_adverts && delivery.find_culprit(failure)) {
            self.client.forget_session().await;
        }
        let delivery = &self.delivery;
        let innocent = about_adverts && (delivery.progressed || delivery.inflight.is_empty());
        self.takeover.lost(failure, lived, innocent, &delivery.limits);
    }

    /// The broker did not accept us: its next one is tried, or the round is over.
    fn not_accepted(&mut self, failure: &Failure) {
        self.takeover.forget();
        self.delivery.status.not_accepted(failure, self.with_will);
        self.report(failure);
        let repair = failure.code.needs_operator() && !self.delivery.status.tries_without_will();
        self.delivery.brokers.failed(repair);
    }

    /// Tells of an attempt or a connection that failed.
    fn report(&mut self, failure: &Failure) {
        let stats = &self.delivery.stats;
        let failure = &clock_first(failure.clone(), *stats.clock_synchronised().borrow());
        stats.set_link(|link| {
            link.state = LinkState::Waiting;
            link.failures += 1;
            link.error = Some(failure.clone());
        });
        if self.delivery.brokers.is_news(Err(failure.code)) {
            log::link_down(&stats.link().borrow(), failure);
        }
    }

    fn start_backoff(&mut self) {
        let delivery = &mut self.delivery;
        let repair = delivery.brokers.take_repair();
        let delay = if repair { self.backoff.delay_at_cap() } else { self.backoff.delay() };
        delivery.retry_at = Instant::now() + delay;
        delivery.clock_was_set = *delivery.clock.borrow_and_update();
    }
}

fn announce(client: &mut impl Client, delivery: &mut Delivery, topic: &str, message: &[u8]) -> Result<(), Failure> {
    match client.publish_status(topic, message) {
        Ok(()) => Ok(()),
        Err(NotSent::Refused(failure)) => {
            delivery.status.refused(&failure);
            Ok(())
        }
        Err(NotSent::Lost(failure)) => Err(failure),
    }
}

#[cfg(test)]
#[path = "bench.rs"]
mod bench;

#[cfg(test)]
#[path = "run_age_tests.rs"]
mod age_tests;

#[cfg(test)]
#[path = "run_refusals_tests.rs"]
mod refusals_tests;

#[cfg(test)]
#[path = "run_failover_tests.rs"]
mod failover_tests;

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "run_status_tests.rs"]
mod status_tests;

#[cfg(test)]
#[path = "run_pulse_tests.rs"]
mod pulse_tests;
