//! The service as it is shipped, from the capture's socket to a real Mosquitto, set through busctl and nothing else.

#[path = "../support/mod.rs"]
mod support;

mod age;
mod damage;
mod extended;
mod filters;
mod framing;
mod hostile_broker;
mod items;
mod live;
mod load;
mod payload;
mod refusals;
mod rig;
mod rotation;
mod scenarios;
mod spool;
mod status;
mod systemd;
mod trial;
mod two_services;
