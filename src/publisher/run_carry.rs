//! The time of a connection: messages leave, acknowledgements come, until it ends.

use super::{Ended, Publisher};
use crate::config::{Connection, Qos};
use crate::encode;
use crate::model::{BootTime, Failure, LastError, Message};
use crate::mqtt::client::STATUS_ID;
use crate::mqtt::client::{Client, Event, NotSent};
use crate::publisher::config_watch::Change;
use crate::publisher::config_watch::Target;
use crate::publisher::failover::BrokerList;
use crate::watchdog::HEARTBEAT_INTERVAL;
use tokio::time::{Instant, sleep, sleep_until};

impl<C: Client> Publisher<C> {
    /// Publishes over the connection until it ends. What is in flight then was not acknowledged.
    pub(super) async fn carry(&mut self, target: &Target, hosts: &mut BrokerList) -> Ended {
        let short = target.broker.mqtt.connection == Connection::Short;
        let (mut sent, mut progress, mut leaving) = (0, Instant::now(), false);
        loop {
            if let Some(first) = hosts.wants_probe() {
                let probe = self.client.probe(first);
                hosts.probe(probe);
            }
            self.keeper.connected();
            self.keeper.follow(self.config.spooling());
            if let Some(at) = self.client.last_received() {
                self.stats.set_broker_heard(Some(at));
                self.survived(at);
            }
            self.note_qos();
            self.give_back_deferred();
            let was_empty = self.nothing_pending();
            if !leaving && let Err(failure) = self.tell_status(target) {
                return Ended::Lost(failure);
            }
            // With a short connection the rest is left to the next one.
            while !leaving && self.has_room() && !self.config.changed() && (!short || sent < self.limits.burst) {
                match self.publish_one() {
                    None => break,
                    Some(Ok(())) => sent += 1,
                    Some(Err(failure)) => return Ended::Lost(failure),
                }
            }
            let calm = self.queue.is_empty() && self.has_room() && !leaving && !self.config.stopping();
            if calm && !self.config.changed() && (!short || sent < self.limits.burst) {
                match self.publish_spooled() {
                    None => {}
                    Some(Ok(())) => sent += 1,
                    Some(Err(failure)) => return Ended::Lost(failure),
                }
            }
            if was_empty {
                progress = Instant::now();
            }
            let telling = target.status.is_some();
            if self.nothing_pending() {
                match (self.config.stopping() && self.queue.is_empty(), short) {
                    // A connection that is to end has nothing left to wait for.
                    (true, _) => return Ended::Ordered,
                    _ if leaving => return Ended::Home,
                    (false, true) if self.replays_on(sent) => {}
                    (false, true) if !(telling && self.status.owed()) => return Ended::Delivered,
                    (false, _) => {}
                }
            }
            let holding = self.hold.active();
            let (has_room, waiting) = (self.has_room() && !leaving, !self.nothing_pending());
            tokio::select! {
                biased;
                news = self.config.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    Change::Publish | Change::Stop => {}
                    // What is in flight may still be acknowledged, but not for long: someone waits for the new settings.
                    Change::Broker => {
                        self.settle().await;
                        return Ended::Ordered;
                    }
                    Change::Deadline => return Ended::Ordered,
                },
                event = self.client.next_event() => match event {
                    Event::Published(STATUS_ID) => {
                        self.status.acknowledged();
                        progress = Instant::now();
                    }
                    Event::Refused(STATUS_ID, failure) | Event::Deferred(STATUS_ID, failure) => {
                        self.status.refused(&failure);
                    }
                    Event::Published(id) => {
                        let size = self.flight.size(id);
                        self.acquit(id);
                        self.published(id);
                        self.got_through(size);
                        self.qos_works();
                        progress = Instant::now();
                    }
                    Event::Accepted(id) => {
                        self.acquit(id);
                        self.got_through(self.flight.size(id));
                        self.qos_works();
                        progress = Instant::now();
                    }
                    Event::Refused(id, failure) => {
                        self.refuse(id, &failure);
                        progress = Instant::now();
                    }
                    Event::Deferred(id, failure) => {
                        self.defer(id, &failure);
                        progress = Instant::now();
                    }
                    Event::Lost(failure) => return Ended::Lost(failure),
                },
                () = self.hold.wait(), if holding => {}
                () = self.queue.wait(), if has_room && !short => {}
                () = self.keeper.wait_due(false), if calm => {}
                () = self.keeper.wait_spill(&self.queue, true), if !has_room || self.keeper.is_broken() => self.keeper.spill(&self.queue),
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
                () = self.status.wait_due(), if has_room && telling => {}
                // Another round, to see whether the broker gave a sign of life.
                () = sleep(HEARTBEAT_INTERVAL) => {}
                // What is in flight is acknowledged first, so that the move costs no repetition.
                answers = hosts.home_answers(), if !leaving && !short => leaving = answers,
                () = sleep_until(progress + self.limits.ack), if waiting => {
                    let limit = self.limits.ack.as_secs_f32();
                    let detail = format!("The broker acknowledged nothing for {limit} s.");
                    return Ended::Lost(Failure::new(LastError::Timeout, detail));
                }
            }
        }
    }

    /// Whether the broker owes no acknowledgement.
    pub(super) fn nothing_pending(&self) -> bool {
        self.flight.awaited() == 0 && !self.status.pending()
    }

    pub(super) fn has_room(&self) -> bool {
        let usual = self.usual_window();
        let window = if self.aside.is_some() { 1 } else { self.suspect.window(usual).min(self.hold.window(usual)) };
        let messages = self.flight.len() + usize::from(self.status.pending());
        messages < window && !self.hold.active() && self.flight.bytes() < self.limits.window_bytes
    }

    pub(super) fn usual_window(&self) -> usize {
        match self.qos() {
            Some(Qos::ExactlyOnce) => self.limits.window_qos2,
            _ => self.limits.window,
        }
    }

    /// Hands over the oldest message; `None` if there is none.
    fn publish_one(&mut self) -> Option<Result<(), Failure>> {
        self.config.publish()?;
        let message = self.queue.try_pop()?;
        self.hand_over(message)
    }

    /// Hands over the oldest message of the spool; `None` if none is due.
    fn publish_spooled(&mut self) -> Option<Result<(), Failure>> {
        self.config.publish()?;
        let message = self.keeper.take(&self.queue)?;
        self.hand_over(message)
    }

    /// Whether a short connection has more of the spool to carry now.
    fn replays_on(&self, sent: usize) -> bool {
        !self.config.stopping()
            && sent < self.limits.burst
            && self.keeper.due(false).is_some_and(|due| due <= Instant::now())
    }

    fn hand_over(&mut self, message: Message) -> Option<Result<(), Failure>> {
        let id = message.id;
        self.flight.add(message);
        let (qos, now) = (self.qos()?, BootTime::now());
        let message = self.flight.newest()?;
        let (device, payload) = (message.device, encode::payload(message, now).len());
        let size = self.packet_size(device, payload);
        if let Some(maximum) = self.known.size.maximum().filter(|maximum| size > *maximum) {
            if self.cut(id, maximum) {
                return Some(Ok(()));
            }
            if self.known.size.excludes(size) {
                let detail = format!("A message of {size} bytes with one advert is larger than the broker takes.");
                self.refuse(id, &Failure::new(LastError::TooLarge, detail));
                return Some(Ok(()));
            }
        }
        let (route, message) = (self.config.publish()?, self.flight.newest()?);
        let topic = route.topic(device, &mut self.topic);
        // A message that comes back keeps its own payload: it is older the next time.
        let payload = encode::payload(message, now);
        match self.client.publish(id, topic, &payload, qos) {
            Ok(()) => {
                self.flight.set_size(id, size);
                if qos == Qos::AtMostOnce {
                    self.went_unacknowledged(size);
                }
                Some(Ok(()))
            }
            Err(NotSent::Lost(failure)) => Some(Err(failure)),
            Err(NotSent::Refused(failure)) => {
                self.refuse(id, &failure);
                Some(Ok(()))
            }
        }
    }
}
