//! Level 4: the publish side against a real Mosquitto.

#[path = "../support/mod.rs"]
mod support;

mod hosts;
mod network;
mod outages;
mod packets_at_random;
mod qos;
mod reasons;
mod refusals;
mod refused_messages;
mod scenarios;
mod service;
mod sessions;
mod slow;
mod trial;
mod violations;
