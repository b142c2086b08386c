//! Tests on a real kernel and a real bluetoothd with virtual controllers: each
//! test boots a guest of its own. See README.md.

// The Guest offers what later tests need too.
#![allow(dead_code)]

mod bench;
mod bluez;
#[path = "../support/broker_certificates.rs"]
#[allow(unreachable_pub)]
mod certificates;
mod guest;
mod process;
mod rig;
mod service;

mod adapter;
mod demo;
mod discovery;
mod faults;
mod journal;
mod service_adapters;
mod service_adapters_faults;
mod service_cases;
mod service_chains;
mod service_clock;
mod service_connections;
mod service_damage;
mod service_duty;
mod service_exact;
mod service_factory;
mod service_faults;
mod service_health;
mod service_ladder;
mod service_long;
mod service_modes;
mod service_others;
mod service_quiet;
mod service_router;
mod service_starts;
mod service_unit;
mod service_words;
mod systemd;
#[path = "../support/variants.rs"]
#[allow(unreachable_pub)]
mod variants;
