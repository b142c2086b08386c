//! Messages that the broker does not take: for the moment, for their size, or never. One is given up only when another one got
//! through meanwhile and the broker does it again, or when it says that it will never take it: a bad line, or a broker that comes
//! back at that moment, costs no message.

use super::super::size_limit;
use super::{Accused, Aside, Publisher};
use crate::config::{MqttVersion, Qos};
use crate::encode;
use crate::log;
use crate::model::{DropReason, Failure, LastError, Message, MessageId};
use crate::mqtt::client::Client;
use crate::mqtt::packet;
use crate::publisher::poison::Verdict;
use crate::stats::Refusal;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// A broker that closes over a message does so within this time.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);
/// Between lines of the log about the same kind of refusal.
const LOGGED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// The time of the last refusal is as exact as that.
const NOTED_AGAIN_AFTER: Duration = Duration::from_secs(10);

impl<C: Client> Publisher<C> {
    /// The broker will never take this message; but perhaps its parts.
    pub(super) fn refuse(&mut self, id: MessageId, failure: &Failure) {
        if failure.code == LastError::TooLarge
            && let Some(size) = self.flight.size(id)
            && self.flight.get(id).is_some_and(encode::is_divisible)
            && self.known.size.closed_over(size)
        {
            self.flight.defer(id);
            return self.note_size();
        }
        self.note_refusal(failure);
        self.flight.drop_one(id, &self.stats, DropReason::Refused);
        self.keeper.settle(id);
    }

    /// Tells why the broker refuses a message.
    fn note_refusal(&mut self, failure: &Failure) {
        let now = std::time::Instant::now();
        let refusal = Refusal { failure: failure.clone(), at: now };
        self.stats.set_link(|link| {
            let old = |known: &Refusal| known.failure != *failure || now.duration_since(known.at) > NOTED_AGAIN_AFTER;
            if link.refusal.as_ref().is_none_or(old) {
                link.refusal = Some(refusal);
            }
        });
        let now = Instant::now();
        let news = |(detail, at): &(String, Instant)| {
            *detail != failure.detail && now.duration_since(*at) >= LOGGED_AGAIN_AFTER
        };
        if self.refusals_said.get(&failure.code).is_none_or(news) {
            log::message_refused(&self.at, failure);
            self.refusals_said.insert(failure.code, (failure.detail.clone(), now));
        }
    }

    /// The broker does not take this message for the moment: it is sent again, after all that is in flight was answered.
    pub(super) fn defer(&mut self, id: MessageId, failure: &Failure) {
        self.note_refusal(failure);
        // A quota says nothing of the message.
        let about_message = failure.code != LastError::Quota;
        if about_message && let Some(accused) = self.convicted(id) {
            return self.refuse(id, &accused.why);
        }
        self.hold.refused();
        let suspected = self.flight.defer(id) && about_message && self.aside.is_none() && self.suspect.refused(id);
        if suspected {
            self.put_aside(id, failure, None);
        } else if self.aside.is_some() {
            // The other one is no better.
            self.aside_back();
            self.suspect.next();
        }
    }

    /// What is in flight waits again once no answer is owed.
    pub(super) fn give_back_deferred(&mut self) {
        if !self.flight.is_empty() && self.flight.awaited() == 0 {
            self.put_back(true);
        }
    }

    /// A message got through: then a suspected one was to blame.
    pub(super) fn got_through(&mut self, size: Option<usize>) {
        self.progressed = true;
        let usual = self.usual_window();
        self.hold.acknowledged(usual);
        if self.qos() != Some(Qos::AtMostOnce)
            && let Some(size) = size
        {
            self.known.size.acknowledged(size);
        }
        self.suspect.progress();
        if let Some(Aside { message, why, size }) = self.aside.take() {
            self.accused = Some(Accused { hash: hash(&message.payload), why, size });
            self.send_again(message);
            self.suspect.next();
        }
        self.note_size();
    }

    /// A message went at QoS 0: the largest of a connection is kept.
    pub(super) fn went_unacknowledged(&mut self, size: usize) {
        if self.unacknowledged.is_none_or(|(known, _)| size > known) {
            self.unacknowledged = Some((size, std::time::Instant::now()));
        }
    }

    /// The broker said something at this time: it lives on after what went at QoS 0 before.
    pub(super) fn survived(&mut self, heard: std::time::Instant) {
        // An answer to what came before it may be as late as that.
        if let Some((size, _)) = self.unacknowledged.take_if(|(_, at)| *at + CLOSES_WITHIN < heard) {
            self.known.size.acknowledged(size);
        }
    }

    /// The message waits until another one gets through, or does not.
    fn put_aside(&mut self, id: MessageId, failure: &Failure, size: Option<usize>) {
        if let Some(message) = self.flight.remove(id) {
            self.keeper.set_aside(id);
            let detail = format!("{} It does so with this message, and not with others.", failure.detail);
            self.aside = Some(Aside { message, why: Failure::new(LastError::MessageRefused, detail), size });
            self.suspect.next();
        }
    }

    /// This one gets through: it is not to blame, if it was accused.
    pub(super) fn acquit(&mut self, id: MessageId) {
        if self.is_accused(id) {
            self.accused = None;
        }
    }

    fn is_accused(&self, id: MessageId) -> bool {
        let is = |accused: &Accused| self.flight.get(id).is_some_and(|message| hash(&message.payload) == accused.hash);
        self.accused.as_ref().is_some_and(is)
    }

    /// The accused message, if this is it, and alone in flight.
    fn convicted(&mut self, id: MessageId) -> Option<Accused> {
        if self.flight.len() == 1 && self.is_accused(id) { self.accused.take() } else { None }
    }

    /// A message that was taken out of the flight waits again.
    fn send_again(&mut self, message: Message) {
        let live = self.keeper.put_back(vec![message]);
        self.queue.put_back(live.into_iter());
    }

    /// What waits aside is sent again.
    pub(super) fn aside_back(&mut self) {
        self.accused = None;
        if let Some(Aside { message, .. }) = self.aside.take() {
            self.send_again(message);
        }
    }

    /// The connection was lost with messages in flight: was it one of them?
    pub(super) async fn blame(&mut self, failure: &Failure) {
        if let Some((size, at)) = self.unacknowledged.take()
            && failure.code == LastError::Closed
            && at.elapsed() < CLOSES_WITHIN
            && self.known.size.closed_after(size)
        {
            return;
        }
        if self.flight.is_empty() || !matches!(failure.code, LastError::Closed | LastError::TooLarge) {
            return;
        }
        if let Some(Aside { message, .. }) = self.aside.take() {
            // Another one does not get through either: it is neither.
            self.flight.readmit(message);
            self.suspect.next();
            self.known.size.forget();
            return;
        }
        if let Some(id) = self.flight.oldest().map(|message| message.id)
            && let Some(Accused { why, size, .. }) = self.convicted(id)
        {
            self.client.forget_session().await;
            if let Some(size) = size {
                self.known.size.refused(size, false);
            }
            self.suspect.next();
            return self.refuse(id, &why);
        }
        let certain = failure.code == LastError::TooLarge;
        // The broker says so: no trials are needed.
        if certain
            && self.flight.len() > 1
            && self.flight.largest().is_some_and(|size| self.known.size.closed_over(size))
        {
            return self.client.forget_session().await;
        }
        let alone = certain && self.flight.len() == 1;
        match if alone { Verdict::Suspected } else { self.suspect.closed(&self.flight) } {
            Verdict::GoOn => {}
            Verdict::Separate => self.client.forget_session().await,
            Verdict::Suspected => {
                self.client.forget_session().await;
                let Some(oldest) = self.flight.oldest() else { return };
                let (id, divisible) = (oldest.id, encode::is_divisible(oldest));
                let size = self.flight.size(id).unwrap_or_default();
                if divisible && self.known.size.closed_over(size) {
                    self.suspect.next();
                } else if certain {
                    self.known.size.refused(size, true);
                    self.refuse(id, failure);
                } else {
                    self.put_aside(id, failure, Some(size));
                }
            }
        }
    }

    /// Bytes of a PUBLISH packet with such a payload.
    pub(super) fn packet_size(&mut self, device: Option<crate::model::Address>, payload: usize) -> usize {
        let qos = self.qos().unwrap_or(Qos::AtLeastOnce);
        let mqtt5 = self.config.target().is_some_and(|target| target.broker.mqtt.version == MqttVersion::V5);
        let topic = self.config.publish().map_or(0, |route| route.topic(device, &mut self.topic).len());
        size_limit::packet(topic, payload, qos, mqtt5)
    }

    /// Cuts a message that is too large for the broker. False if that cannot be done.
    pub(super) fn cut(&mut self, id: MessageId, maximum: usize) -> bool {
        let Some(message) = self.flight.newest() else { return false };
        let device = message.device;
        let topic = self.config.publish().map_or(0, |route| route.topic(device, &mut self.topic).len());
        let room = maximum.saturating_sub(packet::overhead(topic));
        let Some(mut parts) = self.splitter.split(message, room) else { return false };
        parts.iter_mut().for_each(|part| part.id = self.queue.next_id());
        self.flight.remove(id);
        let live = self.keeper.put_back_parts(id, parts);
        if !live.is_empty() {
            self.queue.put_back(live.into_iter());
        }
        true
    }
}

/// Tells messages apart that went to the disk meanwhile, too: they come back with another id.
fn hash(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}
