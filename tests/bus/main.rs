//! The service on a real bus with the shipped policy, seen by busctl as several users. Needs root.
// The modules are one program.
#![allow(unreachable_pub)]

mod access;
mod bound_secrets;
mod client;
mod contract;
mod decisions;
mod describe;
mod events;
mod files;
mod flood;
mod flooder;
mod limits;
mod log_level;
mod power;
mod properties;
mod rollback;
mod samples;
mod secrets;
mod signals;
mod startup;
mod threads;
mod transactions;

#[path = "../support/mod.rs"]
mod support;

use support::DAEMON;
use support::bus::Bus;
use support::service::Service;

fn bus() -> Bus {
    Bus::start(DAEMON)
}

fn bus_broker() -> Bus {
    Bus::start_broker(DAEMON)
}

fn started() -> (Bus, Service) {
    let bus = bus();
    let service = bus.start_service();
    (bus, service)
}
