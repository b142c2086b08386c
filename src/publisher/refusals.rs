//! Messages that got through, and those that the broker does not take: for the moment, for their size, or never.

use super::delivery::Delivery;
use super::poison::Verdict;
use crate::config::Qos;
use crate::encode;
use crate::model::{DropReason, Failure, LastError, MessageId};

impl Delivery {
    /// A message got through: then an isolated one was to blame.
    pub(super) fn got_through(&mut self, size: Option<usize>) {
        self.progressed = true;
        let (usual, qos) = (self.usual_window(), self.qos());
        self.hold.acknowledged(usual);
        if let Some(size) = size.filter(|_| qos != Some(Qos::AtMostOnce)) {
            self.broker_limits.size.acknowledged(size);
        }
        if let Some(message) = self.poison.progress() {
            self.send_again(vec![message]);
        }
        self.report_size();
        if let Some(qos) = qos {
            self.broker_limits.qos.acknowledged(qos);
        }
    }

    /// The broker will never take this message; but perhaps its parts.
    pub(super) fn refuse(&mut self, id: MessageId, failure: &Failure) {
        if failure.code == LastError::TooLarge
            && let Some(size) = self.inflight.size(id)
            && self.inflight.get(id).is_some_and(encode::is_divisible)
            && self.broker_limits.size.closed_over(size)
        {
            self.inflight.defer(id);
            return self.report_size();
        }
        self.refusals.record(self.broker_limits.name(), failure, &self.stats);
        self.inflight.drop_one(id, &self.stats, DropReason::Refused);
        self.spooler.ack(id);
    }

    /// The broker does not take this message for the moment: it is sent again, after all that is in flight was answered.
    pub(super) fn defer(&mut self, id: MessageId, failure: &Failure) {
        self.refusals.record(self.broker_limits.name(), failure, &self.stats);
        // A quota says nothing of the message.
        let about_message = failure.code != LastError::Quota;
        if about_message && let Some(retried) = self.poison.convict(id, &self.inflight) {
            return self.refuse(id, &retried.why);
        }
        self.hold.refused();
        let known = self.inflight.defer(id);
        if self.poison.is_isolating() {
            // The other one is no better.
            self.poison.clear_retried();
            let isolated = self.poison.exonerate();
            self.send_again(isolated.into_iter().collect());
        } else if known && about_message && self.poison.refused(id) {
            self.isolate(id, failure, None);
        }
    }

    fn isolate(&mut self, id: MessageId, failure: &Failure, size: Option<usize>) {
        if let Some(message) = self.inflight.remove(id) {
            self.spooler.isolate(id);
            self.poison.isolate(message, failure, size);
        }
    }

    /// The connection was lost with messages in flight: is the QoS to blame? True if they go at another one from now on, and the
    /// session is to be given up.
    pub(super) fn learn_qos(&mut self, failure: &mut Failure) -> bool {
        let Some(qos) = self.qos().filter(|_| !self.inflight.is_empty()) else { return false };
        let other = self.broker_limits.qos.lost(failure, qos);
        if other {
            self.report_qos();
        }
        if failure.code == LastError::Closed && qos == Qos::ExactlyOnce && !self.broker_limits.qos.proven() {
            failure.detail.push_str(" It has acknowledged nothing at QoS 2 so far: it may not support ScanQos 2.");
        }
        other
    }

    /// Or one of them, or its size? True if the session is to be given up, which would repeat it.
    pub(super) fn find_culprit(&mut self, failure: &Failure) -> bool {
        let over_size = self.broker_limits.size.lost(failure.code == LastError::Closed);
        let Some(oldest) = self.inflight.oldest().map(|message| message.id) else { return false };
        if over_size || !matches!(failure.code, LastError::Closed | LastError::TooLarge) {
            return false;
        }
        if let Some(message) = self.poison.exonerate() {
            // Another one does not get through either: it is neither.
            self.inflight.readmit(message);
            self.broker_limits.size.forget();
            return false;
        }
        if let Some(retried) = self.poison.convict(oldest, &self.inflight) {
            if let Some(size) = retried.size {
                self.broker_limits.size.refused(size, false);
            }
            self.poison.next();
            self.refuse(oldest, &retried.why);
            return true;
        }
        let certain = failure.code == LastError::TooLarge;
        let alone = self.inflight.len() == 1;
        // The broker says so: no trials are needed.
        if certain && !alone && self.inflight.largest().is_some_and(|size| self.broker_limits.size.closed_over(size)) {
            return true;
        }
        match if certain && alone { Verdict::Suspected } else { self.poison.closed(&self.inflight) } {
            Verdict::GoOn => return false,
            Verdict::Isolate => {}
            Verdict::Suspected => {
                let divisible = self.inflight.oldest().is_some_and(encode::is_divisible);
                let size = self.inflight.size(oldest).unwrap_or_default();
                if divisible && self.broker_limits.size.closed_over(size) {
                    self.poison.next();
                } else if certain {
                    self.broker_limits.size.refused(size, true);
                    self.refuse(oldest, failure);
                } else {
                    self.isolate(oldest, failure, Some(size));
                }
            }
        }
        true
    }
}
