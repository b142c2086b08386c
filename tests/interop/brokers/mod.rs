//! The brokers, a file for each project.

mod activemq;
mod aedes;
mod amqtt;
mod ejabberd;
mod mosquitto;
mod nats;
mod rabbitmq;
mod rumqttd;

use crate::broker::Kind;

pub(crate) use aedes::AEDES;
pub(crate) use mosquitto::MOSQUITTO_2_0_11;
pub(crate) use nats::NATS_2_9;

/// In the order of the table.
pub(crate) const ALL: [&Kind; 12] = [
    &MOSQUITTO_2_0_11,
    &mosquitto::MOSQUITTO_2_0_21,
    &mosquitto::MOSQUITTO_2_1,
    &rabbitmq::RABBITMQ_3,
    &rabbitmq::RABBITMQ_4,
    &AEDES,
    &amqtt::AMQTT,
    &rumqttd::RUMQTTD,
    &NATS_2_9,
    &nats::NATS_2_10,
    &ejabberd::EJABBERD,
    &activemq::ACTIVEMQ,
];
