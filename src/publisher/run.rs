//! The publisher at work: it waits for the next input, asks the state what follows from it, and does that.

use super::config_watch::{Change, Target};
use super::delivery::Delivery;
use super::state::{Input, State};
use super::takeover::Takeover;
use crate::backoff::Backoff;
use crate::model::{DropReason, Failure, LastError, LinkState, Message};
use crate::mqtt::client::{Client, Event};
use futures_util::FutureExt;
use std::future::pending;
use std::pin::pin;
use tokio::time::{Instant, timeout};

/// From the queue to the broker.
pub(crate) struct Publisher<C> {
    state: State,
    pub(super) client: C,
    pub(super) delivery: Delivery,
    /// The one that is served: the settings may name another one by now.
    pub(super) target: Option<Target>,
    pub(super) backoff: Backoff,
    pub(super) takeover: Takeover,
    /// Whether the last CONNECT had a last will.
    pub(super) with_will: bool,
    /// When the last attempt began, and when the broker accepted it.
    pub(super) attempted: Instant,
    pub(super) accepted: Instant,
}

impl<C: Client> Publisher<C> {
    pub(super) fn new(client: C, delivery: Delivery) -> Self {
        let (limits, now) = (&delivery.limits, Instant::now());
        let backoff = Backoff::new(limits.backoff_base, limits.backoff_cap);
        let (state, takeover) = (State::Disabled, Takeover::default());
        Self {
            state,
            client,
            delivery,
            target: None,
            backoff,
            takeover,
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
        if matches!(input, Input::Settings(_)) {
            self.delivery.follow_revision();
        }
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
            let input = self.delivery.next_input(State::Connecting, attempt.as_mut()).await;
            let stays = State::Connecting.on(&input, &self.delivery.facts(State::Connecting));
            if stays != (State::Connecting, vec![]) {
                return input;
            }
        }
    }

    /// Hands over what the connection has room for. What follows from that alone.
    fn publish(&mut self) -> Option<Input> {
        let (delivery, client, stays) = (&mut self.delivery, &mut self.client, self.state == State::Connected);
        delivery.brokers.probe_if_due(|first| client.probe(first));
        delivery.spooler.connected();
        delivery.spooler.follow(delivery.config.spooling);
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
        while stays
            && self.has_turn()
            && let Some(message) = self.delivery.next_message()
        {
            self.delivery.sent += 1;
            if let Err(failure) = self.delivery.hand_over(message, &mut self.client) {
                return Some(Input::Lost(failure));
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
                self.delivery.announce(&mut self.client, &topic.topic, &message)
            }
            _ => Ok(()),
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
        self.requeue_unacked();
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
}
