//! Paho's errors as our words, by variant: their texts are of no use.

use crate::stats::Failure;
use paho_mqtt::{ConnectReturnCode, Error, ReasonCode};

/// What the broker answered to CONNECT, if that is the error.
pub(super) fn refusal(error: &Error) -> Option<Failure> {
    let auth = "The broker refuses the login. Check Username and Password, and what the broker allows this ClientId.";
    let version = "The broker does not speak this MqttVersion.";
    let client_id = "The broker refuses this ClientId.";
    let unavailable = "The broker accepts no clients at the moment.";
    let (word, detail) = match error {
        Error::ConnectReturn(code) => match code {
            ConnectReturnCode::BadUserNameOrPassword | ConnectReturnCode::NotAuthorized => ("auth", auth),
            ConnectReturnCode::UnacceptableProtocolVersion => ("mqtt-version", version),
            ConnectReturnCode::IdentifierRejected => ("client-id", client_id),
            ConnectReturnCode::ServerUnavailable | ConnectReturnCode::Accepted => ("server-unavailable", unavailable),
        },
        Error::ReasonCode(code, _) => match code {
            ReasonCode::BadUserNameOrPassword
            | ReasonCode::NotAuthorized
            | ReasonCode::BadAuthenticationMethod
            | ReasonCode::Banned => ("auth", auth),
            ReasonCode::UnsupportedProtocolVersion => ("mqtt-version", version),
            ReasonCode::ClientIdentifierNotValid => ("client-id", client_id),
            ReasonCode::ServerUnavailable | ReasonCode::ServerBusy | ReasonCode::QuotaExceeded => {
                ("server-unavailable", unavailable)
            }
            other => return Some(Failure::new("protocol", format!("The broker refuses to connect: {other}."))),
        },
        Error::WrongMqttVersion => ("mqtt-version", version),
        _ => return None,
    };
    Some(Failure::new(word, detail))
}

/// Why the broker refuses a message, if that is the error: MQTT 5 can say so.
pub(super) fn message(error: &Error) -> Option<Failure> {
    match error {
        Error::ReasonCode(code, _) if code.is_err() => {
            Some(Failure::new("refused", format!("The broker refuses the message: {code}.")))
        }
        _ => None,
    }
}

/// Paho closed the connection by itself.
pub(super) fn closed() -> Failure {
    Failure::new("timeout", "The broker did not answer within the keep alive time.")
}
