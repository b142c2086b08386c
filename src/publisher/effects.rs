//! What the transitions ask for.

use super::clock_first;
use super::failover::{Arrival, BrokerList};
use super::refusal_log::RefusalLog;
use super::run::Publisher;
use super::state::{Effect, Input};
use crate::config::Qos;
use crate::log;
use crate::model::{Failure, LinkState};
use crate::mqtt::client::{BrokerConfig, Client, Event};
use tokio::time::{Instant, timeout};

impl<C: Client> Publisher<C> {
    /// `input` is what led to it; a failure may become clearer on the way.
    pub(super) async fn perform(&mut self, effect: Effect, input: &mut Input) {
        match (effect, input) {
            (Effect::Disable, _) => self.disable().await,
            (Effect::Start, _) => self.start(),
            (Effect::ShowIdle, _) => self.show_idle(),
            (Effect::Connect, _) => self.prepare_attempt(),
            (Effect::Begin, _) => self.begin(),
            (Effect::DrainAcks, _) => self.drain_acks().await,
            (Effect::Disconnect, _) => self.disconnect().await,
            (Effect::EndBurst, _) => self.end_burst().await,
            (Effect::Abort, _) => self.client.abort().await,
            (Effect::EndStatus, _) => self.end_status().await,
            (Effect::Requeue, _) => self.requeue_unacked(),
            (Effect::FailBack, _) => self.delivery.brokers.fail_back(),
            (Effect::StartBackoff, _) => self.start_backoff(),
            (Effect::AccountLoss, Input::Lost(failure)) => self.lost(failure).await,
            (Effect::AccountFailure, Input::NotAccepted(failure) | Input::NotAnswered(failure)) => {
                self.not_accepted(failure);
            }
            (Effect::AccountLoss | Effect::AccountFailure, _) => {}
        }
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

    async fn end_burst(&mut self) {
        self.backoff.reset();
        self.takeover.forget();
        self.client.disconnect().await;
        // What follows may be a long silence.
        self.delivery.stats.set_link(|link| link.state = LinkState::Idle);
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
    pub(super) fn broker_config(&mut self) -> BrokerConfig {
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
        self.requeue_unacked();
        let now = Instant::now();
        self.accepted = now;
        (self.delivery.last_ack, self.delivery.progressed, self.delivery.sent) = (now, false, 0);
    }

    /// After a connection, or before the first message of one: what no session keeps waits again.
    pub(super) fn requeue_unacked(&mut self) {
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
            if has_room && self.delivery.announce(&mut self.client, &topic.topic, &message).is_ok() {
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
            self.client.connect(&broker, 1).await.ok()?;
            self.disconnect().await;
            Some(())
        });
        if ended.await.ok().flatten().is_none() {
            self.client.abort().await;
        }
    }

    /// A connection was lost, with what was told over it.
    async fn lost(&mut self, failure: &mut Failure) {
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
        self.requeue_unacked();
        self.report(failure);
        self.delivery.brokers.lost(self.attempted.elapsed(), failure.code.needs_operator());
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
        let failure = &clock_first(failure.clone(), *self.delivery.clock.borrow());
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
