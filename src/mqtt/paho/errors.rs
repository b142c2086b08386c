//! Paho's errors as our words. Why a broker refuses us is known before Paho sees it (`mqtt::exchange`).

use crate::model::{Failure, LastError, MessageId};
use crate::mqtt::client::Event;
use crate::mqtt::connection_state::ConnectionState;
use crate::mqtt::paho::session::Step;
use crate::mqtt::properties::Properties;
use crate::mqtt::reason::{self, With};
use paho_mqtt::Error;

/// A message that the broker refuses, and whether that may pass.
pub(crate) struct Refusal {
    failure: Failure,
    passes: bool,
}

impl Refusal {
    /// Of the message with this id.
    pub(crate) fn event(self, id: MessageId) -> Event {
        match self.passes {
            true => Event::Deferred(id, self.failure),
            false => Event::Refused(id, self.failure),
        }
    }
}

/// Why the broker refuses a message, if that is the error: MQTT 5 can say so.
pub(crate) fn message(error: &Error, state: &ConnectionState) -> Option<Refusal> {
    let Error::ReasonCode(code, _) = error else { return None };
    let code = Some(*code as u8).filter(|code| *code >= 0x80)?;
    let known = state.exchange().refusal(code);
    let failure = known.unwrap_or_else(|| reason::failure(With::Acknowledgement, code, &Properties::default()));
    Some(Refusal { failure, passes: reason::passes(code) })
}

/// The same for a message at QoS 2, of which Paho says only what became of it.
pub(crate) fn step(step: Step, state: Option<&ConnectionState>) -> Event {
    match step {
        Step::Accepted(id) => Event::Accepted(id),
        Step::Done(id) => Event::Published(id),
        Step::Refused(id, packet) => match state.and_then(|state| state.exchange().refusal_qos2(packet)) {
            Some((code, failure)) => Refusal { failure, passes: reason::passes(code) }.event(id),
            None => Event::Refused(id, Failure::new(LastError::MessageRefused, "The broker refuses the message.")),
        },
    }
}

/// Paho closed the connection by itself.
pub(crate) fn closed() -> Failure {
    Failure::new(LastError::Timeout, "The broker did not answer within the keep alive time.")
}
