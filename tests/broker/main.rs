//! Level 4: the publish side against a real Mosquitto.

#[path = "../support/mod.rs"]
mod support;

mod network;
mod outages;
mod refusals;
mod scenarios;
mod service;
