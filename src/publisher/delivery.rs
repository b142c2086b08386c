//! The messages on their way, and what is known of the broker that gets them: all of the publisher but its state and its client.

use super::broker_limits::BrokerLimits;
use super::config_watch::{ConfigWatch, PublishConfig};
use super::failover::BrokerList;
use super::hold::Hold;
use super::inflight::Inflight;
use super::poison::PoisonDetector;
use super::refusal_log::RefusalLog;
use super::size_limit;
use super::state::{Facts, State};
use super::status_topic::Status;
use crate::config::{MqttVersion, Qos, StateLock};
use crate::encode::{self, Splitter};
use crate::model::{Address, BootTime, Failure, LastError, Message, MessageId};
use crate::mqtt::client::{Client, Event, NotSent, STATUS_ID};
use crate::mqtt::limits::Limits;
use crate::mqtt::packet;
use crate::queue::Queue;
use crate::spool::Spooler;
use crate::stats::Stats;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// What the publisher knows and has on its way.
pub(super) struct Delivery {
    pub(super) queue: Arc<Queue>,
    pub(super) spooler: Spooler,
    pub(super) stats: Arc<Stats>,
    pub(super) config: ConfigWatch,
    pub(super) limits: Limits,
    pub(super) inflight: Inflight,
    pub(super) poison: PoisonDetector,
    pub(super) hold: Hold,
    pub(super) broker_limits: BrokerLimits,
    pub(super) refusals: RefusalLog,
    pub(super) brokers: BrokerList,
    pub(super) status: Status,
    /// Whether the clock is synchronised, and whether it was when the last attempt failed.
    pub(super) clock: watch::Receiver<bool>,
    pub(super) clock_was_set: bool,
    pub(super) retry_at: Instant,
    /// When the broker acknowledged something, or began to owe that.
    pub(super) last_ack: Instant,
    /// Whether a message got through over this connection, and how many were handed over.
    pub(super) progressed: bool,
    pub(super) sent: usize,
    /// Whether there was something to send when the attempt began.
    pub(super) had_work: bool,
    splitter: Splitter,
    /// Where topics are put together.
    topic: String,
}

impl Delivery {
    pub(super) fn new(
        queue: Arc<Queue>,
        stats: Arc<Stats>,
        config: ConfigWatch,
        limits: Limits,
        state: Option<Arc<StateLock>>,
        clock: watch::Receiver<bool>,
    ) -> Self {
        queue.set_max_bytes(config.max_bytes);
        Self {
            spooler: Spooler::new(state, config.spooling, stats.clone(), clock.clone()),
            queue,
            config,
            inflight: Inflight::default(),
            poison: PoisonDetector::default(),
            hold: Hold::new(&limits),
            broker_limits: BrokerLimits::default(),
            refusals: RefusalLog::default(),
            brokers: BrokerList::new(None, limits),
            limits,
            status: Status::new(stats.clone(), clock.clone()),
            clock,
            clock_was_set: false,
            retry_at: Instant::now(),
            last_ack: Instant::now(),
            progressed: false,
            sent: 0,
            had_work: false,
            splitter: Splitter::new(encode::random_epoch()),
            stats,
            topic: String::new(),
        }
    }

    /// What the next transition depends on.
    pub(super) fn facts(&self, state: State) -> Facts {
        let stopping = self.config.stopping();
        let replay = || self.spooler.due(false).is_some_and(|due| due <= Instant::now());
        Facts {
            enabled: self.config.target().is_some(),
            short: self.is_short(),
            stopping,
            queued: !self.queue.is_empty(),
            work: self.has_work() || (state == State::Connecting && self.had_work),
            more: (!stopping && self.sent < self.limits.burst && replay())
                || (self.has_status() && self.status.is_due()),
            next_broker: self.brokers.has_next(),
        }
    }

    /// Whether anything is to be sent.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || !self.inflight.is_empty()
    }

    /// Whether the broker owes no acknowledgement.
    pub(super) fn nothing_pending(&self) -> bool {
        self.inflight.awaited() == 0 && !self.status.pending()
    }

    pub(super) fn has_room(&self) -> bool {
        let usual = self.usual_window();
        let window = self.poison.window(usual).min(self.hold.window(usual));
        let messages = self.inflight.len() + usize::from(self.status.pending());
        messages < window && !self.hold.active() && self.inflight.bytes() < self.limits.window_bytes
    }

    pub(super) fn usual_window(&self) -> usize {
        match self.qos() {
            Some(Qos::ExactlyOnce) => self.limits.window_qos2,
            _ => self.limits.window,
        }
    }

    /// The QoS at which messages go.
    pub(super) fn qos(&self) -> Option<Qos> {
        Some(self.broker_limits.qos.lower(self.config.publish()?.qos))
    }

    /// Tells at which QoS messages go, if that changed.
    pub(super) fn report_qos(&mut self) {
        self.broker_limits.report_qos(self.config.publish().map(|publish| publish.qos), &self.stats);
    }

    /// Tells how large they may be, to those who make messages, too.
    pub(super) fn report_size(&mut self) {
        let longest = self.config.publish().map_or(0, PublishConfig::longest);
        let room = self.broker_limits.size.maximum().map(|maximum| maximum.saturating_sub(packet::overhead(longest)));
        self.queue.set_max_payload(room.unwrap_or(usize::MAX));
        self.broker_limits.report_size(&self.stats);
    }

    /// Other settings: nothing is known of any broker, and no message is suspected.
    pub(super) fn forget_broker(&mut self) {
        if let Some(message) = self.poison.reset() {
            self.send_again(vec![message]);
        }
        self.broker_limits.forget();
        self.report_qos();
        self.report_size();
    }

    /// The oldest message of the queue, else one of the spool that is due: live ones wait for no other.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        self.config.publish()?;
        let spooled = || (!self.config.stopping()).then(|| self.spooler.take(&self.queue)).flatten();
        self.queue.try_pop().or_else(spooled)
    }

    /// Hands over a message, or what it is cut into goes back to where it came from. An error is the end of the connection.
    pub(super) fn hand_over(&mut self, message: Message, client: &mut impl Client) -> Result<(), Failure> {
        let (id, device, now) = (message.id, message.device, BootTime::now());
        self.inflight.add(message);
        let (Some(qos), Some(message)) = (self.qos(), self.inflight.newest()) else { return Ok(()) };
        let payload = encode::payload(message, now).len();
        let size = self.packet_size(device, payload, qos);
        if let Some(maximum) = self.broker_limits.size.maximum().filter(|maximum| size > *maximum) {
            if self.cut(id, maximum) {
                return Ok(());
            }
            if self.broker_limits.size.excludes(size) {
                let detail = format!("A message of {size} bytes with one advert is larger than the broker takes.");
                self.refuse(id, &Failure::new(LastError::TooLarge, detail));
                return Ok(());
            }
        }
        let (Some(publish), Some(message)) = (self.config.publish(), self.inflight.newest()) else { return Ok(()) };
        // A message that comes back keeps its own payload: it is older the next time.
        let payload = encode::payload(message, now);
        match client.publish(id, publish.topic(device, &mut self.topic), &payload, qos) {
            Ok(()) => {
                self.inflight.set_size(id, size);
                if qos == Qos::AtMostOnce {
                    self.broker_limits.size.went_unacknowledged(size);
                }
            }
            Err(NotSent::Lost(failure)) => return Err(failure),
            Err(NotSent::Refused(failure)) => self.refuse(id, &failure),
        }
        Ok(())
    }

    /// Hands over a status message.
    pub(super) fn announce(&mut self, client: &mut impl Client, topic: &str, message: &[u8]) -> Result<(), Failure> {
        match client.publish_status(topic, message) {
            Err(NotSent::Lost(failure)) => return Err(failure),
            Err(NotSent::Refused(failure)) => self.status.refused(&failure),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Bytes of a PUBLISH packet with such a payload.
    fn packet_size(&mut self, device: Option<Address>, payload: usize, qos: Qos) -> usize {
        let mqtt5 = self.config.target().is_some_and(|target| target.broker.mqtt.version == MqttVersion::V5);
        size_limit::packet(self.topic_length(device), payload, qos, mqtt5)
    }

    fn topic_length(&mut self, device: Option<Address>) -> usize {
        self.config.publish().map_or(0, |publish| publish.topic(device, &mut self.topic).len())
    }

    /// Cuts a message that is too large for the broker. False if that cannot be done.
    fn cut(&mut self, id: MessageId, maximum: usize) -> bool {
        let Some(device) = self.inflight.newest().map(|message| message.device) else { return false };
        let room = maximum.saturating_sub(packet::overhead(self.topic_length(device)));
        let parts = self.inflight.newest().and_then(|message| self.splitter.split(message, room));
        let Some(mut parts) = parts else { return false };
        parts.iter_mut().for_each(|part| part.id = self.queue.next_id());
        self.inflight.remove(id);
        self.queue.put_back(self.spooler.put_back_parts(id, parts).into_iter());
        true
    }

    /// Messages that were taken out of the flight wait again, where they came from.
    pub(super) fn send_again(&mut self, messages: Vec<Message>) {
        self.queue.put_back(self.spooler.put_back(messages).into_iter());
    }

    /// What is in flight waits again, but, if wanted, for what a session keeps.
    pub(super) fn requeue_unacked(&mut self, kept: impl Fn(MessageId) -> bool) {
        let messages = self.inflight.take_unacked(kept);
        self.send_again(messages);
    }

    /// What is in flight waits again once no answer is owed.
    pub(super) fn requeue_deferred(&mut self, client: &impl Client) {
        if !self.inflight.is_empty() && self.inflight.awaited() == 0 {
            self.requeue_unacked(|id| client.keeps(id));
        }
    }

    /// What became of a message while the connection is used.
    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Published(id) | Event::Accepted(id) if id != STATUS_ID => {
                let size = self.inflight.size(id);
                self.poison.passed(self.inflight.get(id));
                self.apply(event);
                self.got_through(size);
            }
            Event::Refused(STATUS_ID, _) | Event::Deferred(STATUS_ID, _) => return self.apply(event),
            event => self.apply(event),
        }
        self.last_ack = Instant::now();
    }

    /// The books of it.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::Published(STATUS_ID) => self.status.acknowledged(),
            Event::Refused(STATUS_ID, failure) | Event::Deferred(STATUS_ID, failure) => self.status.refused(&failure),
            Event::Published(id) => {
                self.inflight.published(id, &self.stats);
                self.spooler.ack(id);
            }
            Event::Refused(id, failure) => self.refuse(id, &failure),
            Event::Deferred(id, failure) => self.defer(id, &failure),
            Event::Accepted(_) | Event::Lost(_) => {}
        }
    }
}
