//! Chaos: faults from a seed, one after another and in pairs, on the whole of it; afterwards the books must be right.
//! `run` runs many, and tells what is judged in `docs/reliability.md`.

#[path = "../support/mod.rs"]
mod support;
// Where the radio bench looks for it.
use support::variants;

// The radio bench, whose tests have a target of their own.
#[allow(dead_code)]
#[path = "../radio/bench.rs"]
mod bench;
#[allow(dead_code)]
#[path = "../radio/bluez.rs"]
mod bluez;
#[allow(dead_code)]
#[path = "../radio/guest.rs"]
mod guest;
#[allow(dead_code)]
#[path = "../radio/process.rs"]
mod process;
#[allow(dead_code)]
#[path = "../radio/rig.rs"]
mod rig;
#[allow(dead_code)]
#[path = "../radio/service.rs"]
mod service;

mod books;
mod broker_run;
mod broker_side;
mod net;
mod plan;
mod player;
mod radio_run;
mod recorder;
