//! What the service says of itself while the radio comes and goes: on D-Bus, and to whoever asks the broker late.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::bench;
use crate::guest::{Guest, eventually};
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};

const LONG: Duration = Duration::from_secs(120);
const TOPIC: &str = "status";

/// Waits until both say so: state and reason.
fn wait_health(rig: &Rig<'_>, state: &str, reason: &str) -> Value {
    rig.wait_stat("Health", state);
    rig.wait_stat("HealthReason", reason);
    let message = eventually(SOON, &format!("the broker has {state} {reason}"), || {
        let message = late(rig.guest);
        (message["state"] == state && message["reason"] == reason).then_some(message)
    });
    println!("[rig] {message}");
    message
}

/// The retained message, as one who comes late gets it.
fn late(guest: &Guest) -> Value {
    let subscriber = guest.subscribe(TOPIC);
    eventually(SOON, "a retained message", || subscriber.json_lines().into_iter().next())
}

#[test]
fn health_is_degraded_while_the_radio_is_in_trouble() {
    bench::run_within(LONG, |guest| {
        let mut radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "passive");
        rig.set(&["StatusTopic", "s", TOPIC]);
        wait_scan(&radio.controller, "passive", |scan| !scan.active);
        rig.wait_state("scanning");
        // Nobody is heard, and all is well.
        let message = wait_health(&rig, "online", "");
        assert_eq!(message["adapters"][0]["state"], "scanning");
        rig.flows(&radio.controller);

        radio.controller.unplug();
        let message = wait_health(&rig, "degraded", "adapter-missing");
        assert!(message["ledger"]["Published"].as_u64() > Some(0), "{message}");
        radio.controller.replug().expect("plugged in");
        wait_health(&rig, "online", "");
        rig.flows(&radio.controller);

        radio.bluetoothd.end(Signal::KILL);
        wait_health(&rig, "degraded", "no-bluez");
        radio.bluetoothd = guest.bluetoothd(&["-E"]);
        wait_health(&rig, "online", "");

        rig.mode("off");
        wait_health(&rig, "degraded", "off");
        rig.mode("active");
        wait_health(&rig, "online", "");
        rig.flows(&radio.controller);
        rig.ledger();
    });
}

/// The scan is started anew again and again, without anything being wrong.
#[test]
fn health_of_a_quiet_site_stays_online() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "passive");
        let told = guest.subscribe(TOPIC);
        rig.set(&["StatusTopic", "s", TOPIC]);
        rig.wait_state("scanning");
        wait_health(&rig, "online", "");
        let (before, starts) = (told.json_lines().len(), radio.controller.state().scan.starts);
        eventually(Duration::from_secs(50), "another scan", || radio.controller.state().scan.starts > starts);
        rig.wait_state("scanning");
        let said: Vec<Value> = told.json_lines().split_off(before);
        assert!(said.iter().all(|message| message["state"] == "online"), "{said:?}");
        rig.wait_stat("Health", "online");
    });
}
