//! Paho's errors as our words. Why a broker refuses us is known before Paho sees it (`mqtt::exchange`).

use super::broker::Event;
use super::line::Line;
use super::session::Step;
use crate::mqtt::properties::Properties;
use crate::mqtt::reason::{self, With};
use crate::stats::Failure;
use paho_mqtt::Error;

/// Why the broker refuses a message, if that is the error: MQTT 5 can say so.
pub(super) fn message(error: &Error, line: &Line) -> Option<Failure> {
    let Error::ReasonCode(code, _) = error else { return None };
    let code = Some(*code as u8).filter(|code| *code >= 0x80)?;
    let known = line.exchange().refusal(code);
    Some(known.unwrap_or_else(|| reason::failure(With::Acknowledgement, code, &Properties::default())))
}

/// The same for a message at QoS 2, of which Paho says only what became of it.
pub(super) fn step(step: Step, line: Option<&Line>) -> Event {
    match step {
        Step::Accepted(tag) => Event::Accepted(tag),
        Step::Done(tag) => Event::Published(tag),
        Step::Refused(tag, id) => {
            let known = line.and_then(|line| line.exchange().refusal_qos2(id));
            let unknown = || Failure::new("message-refused", "The broker refuses the message.");
            Event::Refused(tag, known.unwrap_or_else(unknown))
        }
    }
}

/// Paho closed the connection by itself.
pub(super) fn closed() -> Failure {
    Failure::new("timeout", "The broker did not answer within the keep alive time.")
}
