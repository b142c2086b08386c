//! The few packets that a connection test sends (MQTT 3.1, 3.1.1 section 3, 5 section 3).

use crate::config::{Broker, MqttVersion, Qos};
use crate::mqtt::client::LastWill;
use crate::mqtt::packet::MAX_PACKET_SIZE;

/// DISCONNECT: normal, in every version.
pub(super) const DISCONNECT: &[u8] = &[0xE0, 0];
/// PINGREQ.
pub(super) const PINGREQ: &[u8] = &[0xC0, 0];
/// Seconds; nothing of a test takes that long.
const KEEP_ALIVE: u16 = 60;
const PACKET_ID: u16 = 1;

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
pub(super) fn connect(settings: &Broker, version: MqttVersion, client_id: &str, will: Option<&LastWill>) -> Vec<u8> {
    let mut body = Vec::new();
    let (name, level): (&[u8], u8) = match version {
        MqttVersion::V31 => (b"MQIsdp", 3),
        MqttVersion::V311 => (b"MQTT", 4),
        MqttVersion::V5 => (b"MQTT", 5),
    };
    text(&mut body, name);
    let login = if settings.login.is_some() { 0xC0 } else { 0 };
    // Retained, at QoS 1: as the service's own.
    let will_flags = if will.is_some() { 0x2C } else { 0 };
    body.extend_from_slice(&[level, 0x02 | login | will_flags]);
    body.extend_from_slice(&KEEP_ALIVE.to_be_bytes());
    if version == MqttVersion::V5 {
        body.extend_from_slice(&[5, 0x27]);
        body.extend_from_slice(&(MAX_PACKET_SIZE as u32).to_be_bytes());
    }
    text(&mut body, client_id.as_bytes());
    if let Some(will) = will {
        if version == MqttVersion::V5 {
            body.push(0);
        }
        text(&mut body, will.topic.as_bytes());
        text(&mut body, &will.payload);
    }
    if let Some(login) = &settings.login {
        text(&mut body, login.username.as_bytes());
        text(&mut body, login.password.expose().as_bytes());
    }
    packet(0x10, &body)
}

/// PUBLISH.
pub(super) fn publish(version: MqttVersion, topic: &str, payload: &[u8], qos: Qos) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic.as_bytes());
    if qos != Qos::AtMostOnce {
        body.extend_from_slice(&PACKET_ID.to_be_bytes());
    }
    if version == MqttVersion::V5 {
        body.push(0);
    }
    body.extend_from_slice(payload);
    packet(0x30 | (qos as u8) << 1, &body)
}

/// PUBREL for it.
pub(super) fn pubrel() -> Vec<u8> {
    packet(0x62, &PACKET_ID.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_test_packets_over_127_bytes_have_a_length_of_two() {
        let message = publish(MqttVersion::V311, &"t".repeat(200), b"[]", Qos::AtLeastOnce);
        assert_eq!(message[..5], [0x32, 0xCE, 0x01, 0, 200]);
        assert_eq!(message.len(), 3 + 2 + 200 + 2 + 2);
        assert_eq!(publish(MqttVersion::V5, "t", b"[]", Qos::AtMostOnce), [0x30, 6, 0, 1, b't', 0, b'[', b']']);
        assert_eq!(publish(MqttVersion::V311, "t", b"", Qos::ExactlyOnce), [0x34, 5, 0, 1, b't', 0, 1]);
    }
}
