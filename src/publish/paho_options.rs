//! Our settings in Paho's terms.

use super::limits::Limits;
use crate::config::{Mqtt, MqttVersion, Qos};
use paho_mqtt as mqtt;
use std::time::Duration;

/// Largest remaining length of an MQTT packet, less what a header may need.
pub(super) const MAX_PACKET: usize = 268_435_455 - 70_000;

/// What Paho sends as 0 (off) in the sixteen bits of CONNECT. It cannot be told 0: it makes 1 of it.
const KEEP_ALIVE_OFF: Duration = Duration::from_secs(65_536);

/// A client that connects to the tunnel.
pub(super) fn client(settings: &Mqtt, port: u16, window: usize) -> Result<mqtt::AsyncClient, mqtt::Error> {
    mqtt::CreateOptionsBuilder::new()
        .server_uri(format!("tcp://127.0.0.1:{port}"))
        .client_id(settings.client_id.clone())
        .mqtt_version(version(settings.version))
        .persistence(mqtt::PersistenceType::None)
        .send_while_disconnected(false)
        // It counts while connected, too; the window is ours.
        .max_buffered_messages(i32::try_from(2 * window).unwrap_or(i32::MAX))
        .create_client()
}

/// How to connect.
pub(super) fn connect(settings: &Mqtt, limits: Limits) -> mqtt::ConnectOptions {
    let mut options = mqtt::ConnectOptionsBuilder::with_mqtt_version(version(settings.version));
    match settings.version {
        MqttVersion::V5 => options.clean_start(true),
        MqttVersion::V31 | MqttVersion::V311 => options.clean_session(true),
    };
    options
        .keep_alive_interval(if settings.keep_alive.is_zero() { KEEP_ALIVE_OFF } else { settings.keep_alive })
        .max_inflight(i32::try_from(limits.window).unwrap_or(i32::MAX))
        // The tunnel's own limits come first and know why.
        .connect_timeout(2 * (limits.connect + limits.answer));
    if let Some(login) = &settings.login {
        options.user_name(login.username.clone()).password(login.password.expose());
    }
    options.finalize()
}

fn version(version: MqttVersion) -> u32 {
    match version {
        MqttVersion::V31 => 3,
        MqttVersion::V311 => 4,
        MqttVersion::V5 => 5,
    }
}

pub(super) fn qos(qos: Qos) -> mqtt::QoS {
    match qos {
        Qos::AtMostOnce => mqtt::QoS::AtMostOnce,
        Qos::AtLeastOnce => mqtt::QoS::AtLeastOnce,
        Qos::ExactlyOnce => mqtt::QoS::ExactlyOnce,
    }
}
