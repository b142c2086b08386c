//! `cassia-bypassctl` on a real bus with the shipped policy, as several users, beside a real broker. Needs root.
// The modules are one program, and the rig offers what other levels need, too.
#![allow(unreachable_pub, dead_code)]

mod access;
mod colours;
mod ctl;
mod failures;
mod generated;
mod json;
mod secrets;
mod settings;
mod status;
mod terminal;
mod transfer;
mod trial;
mod watch;

#[path = "../e2e/rig.rs"]
mod rig;
#[path = "../bus/samples.rs"]
mod samples;
#[path = "../support/mod.rs"]
mod support;

use support::bus::Bus;
use support::service::Service;

fn started() -> (Bus, Service) {
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    let service = bus.start_service();
    (bus, service)
}
