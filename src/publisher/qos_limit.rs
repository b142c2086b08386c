//! The QoS that a broker supports, as far as it is known: told in CONNACK (MQTT 5), or learned from what it does with QoS 2.
//! Messages go at the lower one of this and ScanQos.

use crate::config::Qos;
use crate::model::{Failure, LastError};

/// Connections that a broker closes over messages of QoS 2 until QoS 1 is tried. A message goes out twice at most for it.
const CLOSED_OVER_QOS2: u32 = 2;

/// One for each broker, as long as its settings hold.
#[derive(Debug, Default)]
pub(super) struct QosLimit {
    /// Of the present connection.
    told: Option<Qos>,
    learned: Option<Learned>,
    /// It acknowledged a message at QoS 2.
    proven: bool,
    /// Connections that it closed over messages of QoS 2, in a row.
    closed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Learned {
    /// It said so when it was sent a higher one.
    Refused(Qos),
    /// It closes over QoS 2; whether it takes QoS 1 is being tried.
    Supposed,
    /// It does.
    Shown,
}

impl QosLimit {
    /// The QoS at which messages go that should go at this one.
    pub(super) fn lower(&self, wanted: Qos) -> Qos {
        let learned = self.learned.map(|learned| match learned {
            Learned::Refused(maximum) => maximum,
            Learned::Supposed | Learned::Shown => Qos::AtLeastOnce,
        });
        [self.told, learned].into_iter().flatten().fold(wanted, Qos::min)
    }

    /// Why they do, for people.
    pub(super) fn reason(&self, wanted: Qos) -> String {
        let (used, wanted) = (self.lower(wanted) as u8, wanted as u8);
        let why = match (self.told, self.learned) {
            (Some(told), _) if told as u8 == used => "it says so when it accepts us",
            (_, Some(Learned::Supposed | Learned::Shown)) => "it closes the connection over a message at QoS 2",
            _ => "it does not answer QoS 2 as MQTT demands",
        };
        format!(
            "The broker supports QoS {used} at most ({why}): messages go at QoS {used}. Set ScanQos to {used} instead of {wanted}."
        )
    }

    /// Whether it acknowledged a message at QoS 2.
    pub(super) fn proven(&self) -> bool {
        self.proven
    }

    /// A connection was made; the broker told its limit, or none.
    pub(super) fn connected(&mut self, told: Option<Qos>) {
        self.told = told;
    }

    /// A message that went at this QoS got an acknowledgement.
    pub(super) fn acknowledged(&mut self, qos: Qos) {
        match qos {
            Qos::ExactlyOnce => (self.proven, self.closed) = (true, 0),
            Qos::AtLeastOnce if self.learned == Some(Learned::Supposed) => self.learned = Some(Learned::Shown),
            _ => {}
        }
    }

    /// The connection was lost with messages at this QoS in flight. True if messages go at another one from now on.
    pub(super) fn lost(&mut self, failure: &Failure, qos: Qos) -> bool {
        let before = self.learned;
        match (failure.code, qos) {
            (LastError::Qos, Qos::ExactlyOnce) => self.learned = Some(Learned::Refused(Qos::AtLeastOnce)),
            (LastError::Qos, Qos::AtLeastOnce) => self.learned = Some(Learned::Refused(Qos::AtMostOnce)),
            (LastError::Closed, Qos::ExactlyOnce) if !self.proven => {
                self.closed += 1;
                if self.closed == CLOSED_OVER_QOS2 {
                    self.learned = Some(Learned::Supposed);
                }
            }
            // It was not the QoS.
            (LastError::Closed, Qos::AtLeastOnce) if before == Some(Learned::Supposed) => self.learned = None,
            _ => {}
        }
        before != self.learned
    }
}

#[cfg(test)]
mod tests {
    use super::Qos::{AtLeastOnce, AtMostOnce, ExactlyOnce};
    use super::*;

    fn failure(code: LastError) -> Failure {
        Failure::new(code, "")
    }

    #[test]
    fn qos_limit_is_what_the_broker_tells() {
        let mut limit = QosLimit::default();
        for (told, lowered) in [(None, ExactlyOnce), (Some(AtLeastOnce), AtLeastOnce), (Some(AtMostOnce), AtMostOnce)] {
            limit.connected(told);
            assert_eq!(limit.lower(ExactlyOnce), lowered);
            assert_eq!(limit.lower(AtMostOnce), AtMostOnce);
        }
        assert!(limit.reason(ExactlyOnce).contains("Set ScanQos to 0 instead of 2"));
    }

    #[test]
    fn qos_limit_is_learned_from_a_wrong_answer_at_once() {
        let mut limit = QosLimit::default();
        assert!(limit.lost(&failure(LastError::Qos), ExactlyOnce));
        assert_eq!(limit.lower(ExactlyOnce), AtLeastOnce);
        assert!(limit.lost(&failure(LastError::Qos), AtLeastOnce));
        assert_eq!(limit.lower(ExactlyOnce), AtMostOnce);
    }

    #[test]
    fn qos_limit_is_tried_after_two_closes_and_forgotten_if_it_was_something_else() {
        let mut limit = QosLimit::default();
        assert!(
            !limit.lost(&failure(LastError::Closed), ExactlyOnce)
                && !limit.lost(&failure(LastError::Timeout), ExactlyOnce)
        );
        assert!(limit.lost(&failure(LastError::Closed), ExactlyOnce));
        assert_eq!(limit.lower(ExactlyOnce), AtLeastOnce);
        assert!(limit.lost(&failure(LastError::Closed), AtLeastOnce), "QoS 1 is no better");
        assert_eq!(limit.lower(ExactlyOnce), ExactlyOnce);
        assert!(!limit.lost(&failure(LastError::Closed), ExactlyOnce), "it is not tried again");
        let mut limit = QosLimit::default();
        limit.lost(&failure(LastError::Closed), ExactlyOnce);
        limit.lost(&failure(LastError::Closed), ExactlyOnce);
        limit.acknowledged(AtLeastOnce);
        assert!(!limit.lost(&failure(LastError::Closed), AtLeastOnce), "it was shown");
        // A broker that did it once supports it.
        let mut limit = QosLimit::default();
        limit.acknowledged(ExactlyOnce);
        (0..9).for_each(|_| assert!(!limit.lost(&failure(LastError::Closed), ExactlyOnce)));
    }
}
