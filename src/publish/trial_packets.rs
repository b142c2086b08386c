//! The few packets of a trial (MQTT 3.1, 3.1.1 section 3, 5 section 3).

use super::paho_error;
use crate::config::{Mqtt, MqttVersion};
use crate::stats::Failure;
use paho_mqtt as mqtt;

const CONNACK: u8 = 0x20;
const PUBACK: u8 = 0x40;
const DISCONNECTED: u8 = 0xE0;
/// DISCONNECT: normal, in every version.
pub(super) const DISCONNECT: &[u8] = &[DISCONNECTED, 0];
/// Seconds; nothing of a trial takes that long.
const KEEP_ALIVE: u16 = 60;
const PACKET_ID: u16 = 1;

/// What the broker says to a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Fine,
    Refused(Failure),
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    // The checks of the settings bound every text to what fits.
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(text);
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let (mut packet, mut left) = (vec![kind], body.len());
    loop {
        let more = if left >= 128 { 0x80 } else { 0 };
        packet.push((left % 128) as u8 | more);
        left /= 128;
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

/// CONNECT with a clean session.
pub(super) fn connect(settings: &Mqtt, client_id: &str) -> Vec<u8> {
    let mut body = Vec::new();
    let (name, level): (&[u8], u8) = match settings.version {
        MqttVersion::V31 => (b"MQIsdp", 3),
        MqttVersion::V311 => (b"MQTT", 4),
        MqttVersion::V5 => (b"MQTT", 5),
    };
    text(&mut body, name);
    let login = if settings.login.is_some() { 0xC0 } else { 0 };
    body.extend_from_slice(&[level, 0x02 | login]);
    body.extend_from_slice(&KEEP_ALIVE.to_be_bytes());
    if settings.version == MqttVersion::V5 {
        body.push(0);
    }
    text(&mut body, client_id.as_bytes());
    if let Some(login) = &settings.login {
        text(&mut body, login.username.as_bytes());
        text(&mut body, login.password.expose().as_bytes());
    }
    packet(0x10, &body)
}

/// PUBLISH at QoS 1, so that it is answered.
pub(super) fn publish(version: MqttVersion, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic.as_bytes());
    body.extend_from_slice(&PACKET_ID.to_be_bytes());
    if version == MqttVersion::V5 {
        body.push(0);
    }
    body.extend_from_slice(payload);
    packet(0x32, &body)
}

/// Whether a packet with this first byte can be an answer.
pub(super) fn is_answer(first: u8) -> bool {
    matches!(first, CONNACK | PUBACK | DISCONNECTED)
}

/// Reads an answer: its first byte and what follows its length. An error is the first byte of what is not one.
pub(super) fn read(answer: &[u8], version: MqttVersion) -> Result<Answer, u8> {
    let v5 = version == MqttVersion::V5;
    let Some((&first, body)) = answer.split_first() else { return Err(0) };
    let code = match first {
        CONNACK => *body.get(1).ok_or(first)?,
        // Without a reason code it is a success.
        PUBACK => body.get(2).copied().filter(|_| v5).unwrap_or(0),
        DISCONNECTED => body.first().copied().filter(|_| v5).ok_or(first)?,
        other => return Err(other),
    };
    let reason = || mqtt::Error::ReasonCode(mqtt::ReasonCode::from(u32::from(code)), mqtt::Properties::new());
    let unknown = || Failure::new("protocol", format!("The broker answered with the unknown code {code}."));
    let refused = match (first, code) {
        (CONNACK, 0) => None,
        (CONNACK, _) if v5 => paho_error::refusal(&reason()),
        (CONNACK, _) => mqtt::ConnectReturnCode::try_from(code)
            .ok()
            .and_then(|code| paho_error::refusal(&mqtt::Error::ConnectReturn(code))),
        (DISCONNECTED, _) => paho_error::message(&reason()),
        (_, 0..0x80) => None,
        (_, _) => paho_error::message(&reason()),
    };
    Ok(match refused {
        Some(failure) => Answer::Refused(failure),
        None if first != DISCONNECTED && (code == 0 || (first == PUBACK && code < 0x80)) => Answer::Fine,
        None => Answer::Refused(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(answer: &[u8], version: MqttVersion) -> String {
        match read(answer, version) {
            Ok(Answer::Fine) => "fine".into(),
            Ok(Answer::Refused(failure)) => failure.word.into(),
            Err(first) => format!("{first:#04x}"),
        }
    }

    #[test]
    fn answers_are_words() {
        use MqttVersion::{V5, V311};
        for (answer, version, expected) in [
            (&[0x20, 0, 0][..], V311, "fine"),
            (&[0x20, 0, 5], V311, "auth"),
            (&[0x20, 0, 1], V311, "mqtt-version"),
            (&[0x20, 0, 99], V311, "protocol"),
            (&[0x20, 0, 0, 0], V5, "fine"),
            (&[0x20, 0, 0x87, 0], V5, "auth"),
            (&[0x20, 0, 0x85, 0], V5, "client-id"),
            (&[0x20], V5, "0x20"),
            (&[0x40, 0, 1], V311, "fine"),
            (&[0x40, 0, 1], V5, "fine"),
            // No subscribers.
            (&[0x40, 0, 1, 0x10], V5, "fine"),
            (&[0x40, 0, 1, 0x87], V5, "refused"),
            (&[0xE0, 0x9B], V5, "refused"),
            (&[0xE0], V311, "0xe0"),
            (b"HTTP/1.1", V311, "0x48"),
            (&[], V311, "0x00"),
        ] {
            assert_eq!(word(answer, version), expected, "{answer:x?} {version:?}");
        }
    }

    #[test]
    fn lengths_over_127_take_two_bytes() {
        let message = publish(MqttVersion::V311, &"t".repeat(200), b"[]");
        assert_eq!(message[..5], [0x32, 0xCE, 0x01, 0, 200]);
        assert_eq!(message.len(), 3 + 2 + 200 + 2 + 2);
    }
}
