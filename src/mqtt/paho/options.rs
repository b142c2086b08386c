//! Our settings in Paho's terms.

use crate::config::{Broker, MqttVersion, Qos};
use crate::mqtt::client::LastWill;
use crate::mqtt::exchange::RECEIVE_MAXIMUM;
use crate::mqtt::limits::Limits;
use crate::mqtt::packet::MAX_PACKET_SIZE;
use crate::mqtt::paho::session::PahoPersistence;
use paho_mqtt as mqtt;
use std::time::Duration;

/// Largest remaining length of an MQTT packet, less what a header may need.
pub(crate) const MAX_PACKET: usize = 268_435_455 - 70_000;

/// What Paho sends as 0 (off) in the sixteen bits of CONNECT. It cannot be told 0: it makes 1 of it.
const KEEP_ALIVE_OFF: Duration = Duration::from_secs(65_536);

/// For how long a broker keeps a session without a connection (MQTT 5; else it is the broker's choice).
const EXPIRY_SECS: i32 = 24 * 60 * 60;

/// What CONNECT says of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// It begins and ends with the connection.
    Clean,
    /// It goes on, and lasts. (Not a new one that lasts, which MQTT 5 has: Mosquitto 2.0.11 does not keep that over a restart.)
    Resumed,
}

/// A client that connects to the tunnel, and where it keeps packets of a session that lasts.
pub(crate) fn client(
    settings: &Broker,
    port: u16,
    window: usize,
    packets: Option<PahoPersistence>,
) -> Result<mqtt::AsyncClient, mqtt::Error> {
    let options = mqtt::CreateOptionsBuilder::new();
    let options = match packets {
        Some(packets) => options.user_persistence(packets),
        None => options.persistence(mqtt::PersistenceType::None),
    };
    options
        .server_uri(format!("tcp://127.0.0.1:{port}"))
        .client_id(settings.client_id.clone())
        .mqtt_version(version(settings.version))
        .send_while_disconnected(false)
        // It counts while connected, too; the window is ours.
        .max_buffered_messages(i32::try_from(2 * window).unwrap_or(i32::MAX))
        .create_client()
}

/// How to connect, and what the broker is to say when it loses us.
pub(crate) fn connect(
    settings: &Broker,
    last_will: Option<&LastWill>,
    limits: Limits,
    start: Start,
    factor: u32,
) -> mqtt::ConnectOptions {
    let mut options = mqtt::ConnectOptionsBuilder::with_mqtt_version(version(settings.version));
    match settings.version {
        MqttVersion::V5 => {
            let mut properties = mqtt::Properties::new();
            // It takes any number.
            let mut tell = |code, number| drop(properties.push_int(code, number));
            if start == Start::Resumed {
                tell(mqtt::PropertyCode::SessionExpiryInterval, EXPIRY_SECS);
            }
            // A broker that sends messages to us, who subscribe to nothing, is kept from filling our line.
            tell(mqtt::PropertyCode::ReceiveMaximum, RECEIVE_MAXIMUM as i32);
            tell(mqtt::PropertyCode::MaximumPacketSize, MAX_PACKET_SIZE as i32);
            options.properties(properties);
            options.clean_start(start == Start::Clean)
        }
        MqttVersion::V31 | MqttVersion::V311 => options.clean_session(start == Start::Clean),
    };
    options
        .keep_alive_interval(if settings.keep_alive.is_zero() { KEEP_ALIVE_OFF } else { settings.keep_alive })
        .max_inflight(i32::try_from(limits.window).unwrap_or(i32::MAX))
        // The tunnel's own limits come first and know why.
        .connect_timeout(2 * factor * (limits.connect + limits.answer));
    if let Some(login) = &settings.login {
        options.user_name(login.username.clone()).password(login.password.expose());
    }
    if let Some(LastWill { topic, payload }) = last_will {
        options.will_message(status(topic, payload.clone()));
    }
    options.finalize()
}

/// A status message: retained, at QoS 1.
pub(crate) fn status(topic: &str, payload: impl Into<Vec<u8>>) -> mqtt::Message {
    mqtt::Message::new_retained(topic, payload, mqtt::QoS::AtLeastOnce)
}

fn version(version: MqttVersion) -> u32 {
    match version {
        MqttVersion::V31 => 3,
        MqttVersion::V311 => 4,
        MqttVersion::V5 => 5,
    }
}

pub(crate) fn qos(qos: Qos) -> mqtt::QoS {
    match qos {
        Qos::AtMostOnce => mqtt::QoS::AtMostOnce,
        Qos::AtLeastOnce => mqtt::QoS::AtLeastOnce,
        Qos::ExactlyOnce => mqtt::QoS::ExactlyOnce,
    }
}
