//! Return codes of MQTT 3 and reason codes of MQTT 5 (section 2.4) as our words and as sentences.

use super::properties::Properties;
use crate::model::{Failure, LastError};

/// With what the broker sent a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// The answer to CONNECT.
    Connack,
    /// The answer to a message.
    Acknowledgement,
    /// Its end of a connection.
    Disconnect,
}

/// The name of a reason code of MQTT 5; `None` if there is no such code.
pub(crate) fn name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x00 => "Success",
        0x04 => "Disconnect with Will Message",
        0x10 => "No matching subscribers",
        0x80 => "Unspecified error",
        0x81 => "Malformed Packet",
        0x82 => "Protocol Error",
        0x83 => "Implementation specific error",
        0x84 => "Unsupported Protocol Version",
        0x85 => "Client Identifier not valid",
        0x86 => "Bad User Name or Password",
        0x87 => "Not authorized",
        0x88 => "Server unavailable",
        0x89 => "Server busy",
        0x8A => "Banned",
        0x8B => "Server shutting down",
        0x8C => "Bad authentication method",
        0x8D => "Keep Alive timeout",
        0x8E => "Session taken over",
        0x8F => "Topic Filter invalid",
        0x90 => "Topic Name invalid",
        0x91 => "Packet Identifier in use",
        0x92 => "Packet Identifier not found",
        0x93 => "Receive Maximum exceeded",
        0x94 => "Topic Alias invalid",
        0x95 => "Packet too large",
        0x96 => "Message rate too high",
        0x97 => "Quota exceeded",
        0x98 => "Administrative action",
        0x99 => "Payload format invalid",
        0x9A => "Retain not supported",
        0x9B => "QoS not supported",
        0x9C => "Use another server",
        0x9D => "Server moved",
        0x9E => "Shared Subscriptions not supported",
        0x9F => "Connection rate exceeded",
        0xA0 => "Maximum connect time",
        0xA1 => "Subscription Identifiers not supported",
        0xA2 => "Wildcard Subscriptions not supported",
        _ => return None,
    })
}

/// A refusal of CONNECT by MQTT 3 (section 3.2.2.3).
pub(crate) fn connack_v3(code: u8) -> Failure {
    match code {
        1 => unsupported_version(),
        2 => Failure::new(LastError::ClientId, "The broker refuses this ClientId."),
        3 => Failure::new(LastError::ServerUnavailable, "The broker accepts no clients at the moment."),
        4 | 5 => Failure::new(LastError::Auth, AUTH),
        _ => Failure::new(LastError::Protocol, format!("The broker answers CONNECT with the unknown code {code}.")),
    }
}

/// The broker speaks other versions.
pub(crate) fn unsupported_version() -> Failure {
    Failure::new(
        LastError::MqttVersion,
        "The broker does not speak the MqttVersion that is set. Set another one: most brokers speak 3.1.1.",
    )
}

const AUTH: &str =
    "The broker refuses the login. Check Username and Password, and what the broker allows this ClientId.";

/// Whether a refusal of a message may pass by itself: it says nothing of the message.
pub(crate) fn passes(code: u8) -> bool {
    matches!(code, 0x80 | 0x83 | 0x91 | 0x97)
}

/// A code of MQTT 5 that is an error, or that ends a connection.
pub(crate) fn failure(with: With, code: u8, properties: &Properties) -> Failure {
    let Some(name) = name(code) else {
        return Failure::new(LastError::Protocol, format!("The broker sent the unknown reason code {code:#04X}."));
    };
    let (word, advice) = meaning(with, code);
    let act = match with {
        With::Connack => "refuses to connect",
        With::Acknowledgement => "refuses the message",
        With::Disconnect => "ended the connection",
    };
    let mut detail = format!("The broker {act}: {name} ({code:#04X}).");
    if let Some(reason) = properties.reason_string.as_ref().filter(|reason| !reason.is_empty()) {
        detail.push_str(&format!(" It says: {reason}."));
    }
    if let Some(reference) = properties.server_reference.as_ref().filter(|reference| !reference.is_empty()) {
        detail.push_str(&format!(" It names another broker: {reference}."));
    }
    if !advice.is_empty() {
        detail.push(' ');
        detail.push_str(advice);
    }
    Failure::new(word, detail)
}

/// The word of a code's kind, and what to do.
fn meaning(with: With, code: u8) -> (LastError, &'static str) {
    use With::{Connack, Disconnect};
    match (code, with) {
        (0x84, _) => (LastError::MqttVersion, "Set MqttVersion to what the broker speaks."),
        (0x85, _) => (LastError::ClientId, "Set ClientId."),
        (0x86 | 0x8C, _) | (0x87 | 0x8A, Connack) => {
            (LastError::Auth, "Check Username and Password, and what the broker allows this ClientId.")
        }
        (0x87, _) => (LastError::NotAuthorised, "Check the topics that the broker allows this login."),
        (0x8A, _) => (LastError::Auth, "Ask the broker's operator."),
        (0x88 | 0x89 | 0x8B | 0x9F | 0xA0, _) => (LastError::ServerUnavailable, "It is tried again."),
        (0x80 | 0x83, Connack) => (LastError::ServerUnavailable, "It is tried again; look at the broker's log."),
        (0x80 | 0x83, Disconnect) => (LastError::Closed, "Look at the broker's log."),
        (0x8D, _) => (LastError::Timeout, "Check the network, and KeepAliveSecs."),
        (0x8E, _) => {
            (LastError::SessionTakenOver, "Another client uses the same ClientId: give each router its own ClientId.")
        }
        (0x90 | 0x99, Connack) => (LastError::StatusTopic, "Check StatusTopic."),
        (0x90, _) => (LastError::MessageRefused, "Check ScanTopic and StatusTopic."),
        (0x95, _) => (LastError::TooLarge, "Lower PushBatchSize, or let the broker take larger messages."),
        (0x96 | 0x97, _) => (LastError::Quota, "It is tried again; let the broker take more of this client."),
        (0x98, _) => (LastError::Administrative, "Ask the broker's operator."),
        (0x9A, _) => {
            (LastError::StatusTopic, "The broker retains no messages: clear StatusTopic, or let it retain them.")
        }
        (0x9B, Connack) => {
            (LastError::StatusTopic, "The broker takes QoS 0 only: clear StatusTopic, or let it take QoS 1.")
        }
        (0x9B, _) => (LastError::Qos, "Lower ScanQos to what the broker supports."),
        (0x9C | 0x9D, _) => (LastError::ServerMoved, "Set Host and Port to the broker that is to be used."),
        (0x99, _) => (LastError::MessageRefused, "Check PayloadFormat, and what the broker expects on this topic."),
        (0x00 | 0x04, Disconnect) => (LastError::Closed, "Look at the broker's log."),
        (0x80 | 0x83 | 0x91, With::Acknowledgement) => {
            (LastError::MessageRefused, "It is sent again; look at the broker's log.")
        }
        _ => (LastError::Protocol, ""),
    }
}

#[cfg(test)]
#[path = "reason_tests.rs"]
mod tests;
