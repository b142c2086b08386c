//! The program as shipped against the brokers of others: real ones, each in a process of its own on the loopback interface. `cargo
//! test --test interop` tries three that install quickly; `tests/interop/run` tries all with everything, and writes docs/interop.md.

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod brokers;
mod cases;
mod matrix;
mod outcome;
mod rig;
mod table;

use brokers::{ALL, MOSQUITTO_2_0_11};
use matrix::{Extent, run};

#[track_caller]
fn judge(name: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{name}:\n{}", problems.join("\n"));
}

#[test]
fn mosquitto_is_understood() {
    judge("Mosquitto", &run(&MOSQUITTO_2_0_11, Extent::Quick).problems);
}

#[test]
fn aedes_is_understood() {
    judge("aedes", &run(&brokers::AEDES, Extent::Quick).problems);
}

#[test]
fn nats_is_understood() {
    judge("NATS", &run(&brokers::NATS_2_9, Extent::Quick).problems);
}

/// All of them, or those that INTEROP_BROKERS names; their rows of the table are written.
#[test]
#[ignore = "takes minutes: tests/interop/run"]
fn brokers_are_all_understood() {
    let wanted = std::env::var("INTEROP_BROKERS").unwrap_or_default().to_lowercase();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let is_wanted = |label: &str| wanted.is_empty() || wanted.iter().any(|word| label.to_lowercase().contains(word));
    let chosen: Vec<_> = ALL.iter().filter(|kind| is_wanted(&kind.label())).collect();
    assert!(!chosen.is_empty(), "INTEROP_BROKERS: expected one of {:?}", ALL.map(|kind| kind.label()));
    let mut results = Vec::new();
    for kind in &chosen {
        eprintln!("== {}", kind.label());
        let result = run(kind, Extent::Full);
        eprintln!("{}", table::detail(&result));
        results.push(result);
    }
    table::write(&results);
    let problems: Vec<_> =
        results.iter().flat_map(|r| r.problems.iter().map(|p| format!("{}: {p}", r.label))).collect();
    judge("brokers", &problems);
}
