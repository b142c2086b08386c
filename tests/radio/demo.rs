//! What `./demo` shows, on the bench and on an adapter of the machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use radio_controller::play::Play;

use crate::bench;
use crate::rig::ADDRESS;

/// Where the programs are: the demo takes them from one place.
fn programs() -> &'static Path {
    let programs = Path::new(env!("CARGO_BIN_EXE_cassia-bypassd")).parent().expect("a directory");
    assert!(programs.join("radio-controller").exists(), "run this first: cargo build --workspace --bins");
    programs
}

/// What the demo prints. It must end well.
fn shown(arguments: &[&str]) -> String {
    let mut command = Command::new(bench::directory().join("demo"));
    let done = command.arg(programs()).args(arguments).stdin(Stdio::null()).output().expect("the demo");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    said
}

/// The part of it under this title.
fn part<'a>(said: &'a str, title: &str) -> Vec<&'a str> {
    let part = said.split("\n== ").find(|part| part.starts_with(title)).unwrap_or_else(|| panic!("no {title}: {said}"));
    part.lines().skip(1).filter(|line| !line.is_empty()).collect()
}

fn judge(said: &str) {
    let set = part(said, "what is set");
    assert!(set.iter().any(|line| line.contains("Protocol") && line.contains("mqtt")), "{said}");
    let messages = part(said, "ten messages");
    assert_eq!(messages.iter().filter(|line| line.starts_with("message of ")).count(), 10, "{said}");
    let keyboard = |line: &&&str| line.contains("DC:2C:26:20:70:02") && line.contains("Desk Keyboard");
    let devices = part(said, "the devices");
    let heard = devices.iter().find(keyboard).unwrap_or_else(|| panic!("no keyboard: {said}"));
    assert!(heard.contains("public") && heard.contains("-41 dBm"), "{heard}");
    let adverts: u32 = heard.split_whitespace().last().expect("a count").parse().expect("a number");
    assert!(adverts > 0, "{heard}");
    // Nothing was lost, and nothing is said to be.
    let ledger = part(said, "where every advert went");
    assert!(ledger.iter().any(|line| line.contains("  dropped 0")), "{said}");
    assert!(ledger.iter().any(|line| line.contains("  published ") && !line.contains("  published 0")), "{said}");
}

#[test]
fn demo_shows_messages_devices_and_a_ledger_without_losses() {
    bench::run(|_guest| judge(&shown(&[])));
}

#[test]
fn demo_on_an_adapter_leaves_the_machine_as_it_was() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        // As on a machine that knows nothing of the service.
        let policies = Path::new("/etc/dbus-1/system.d");
        fs::remove_file(policies.join("com.cassianetworks.Bypass1.conf")).expect("the policy of the bench");
        let before = listing(policies);
        let play = Play { file: guest.adverts(), rate: 25, times: 0, described: true, force: false };
        let said = thread::scope(|scope| {
            scope.spawn(|| play.run(&radio.controller).expect("the adverts are played"));
            let said = shown(&["--adapter", "hci0"]);
            radio.controller.stop();
            said
        });
        judge(&said);
        assert!(said.contains(&format!("Adapters={ADDRESS}")), "{said}");
        assert_eq!(listing(policies), before);
        for program in ["cassia-bypassd", "mosquitto", "mosquitto_sub"] {
            assert!(!running(program), "{program} still runs");
        }
        crate::rig::wait_quiet(&radio.controller);
    });
}

fn listing(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn running(program: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes.filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok()).any(|name| name.trim() == program)
}
