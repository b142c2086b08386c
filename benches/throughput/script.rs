//! `reference.py` on the stand-in for BlueZ, measured as the service is.

use crate::bluez::{Bluez, OpenBus};
use crate::cell::BATCH;
use crate::receiver::Receiver;
use crate::rig::{self, TOPIC};
use crate::support::eventually;
use crate::support::process::{Process, run};
use crate::traffic::{Latency, Traffic};
use crate::usage::{self, Memory};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tokio::time::Instant;

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) addresses: u16,
    /// Microseconds on a processor for each advert.
    pub(crate) micros: f64,
    pub(crate) memory: Memory,
    pub(crate) latency: Latency,
    pub(crate) lost: u64,
    /// Of what.
    pub(crate) versions: String,
}

const PACKAGES: [&str; 2] = ["bleak==3.1.0", "paho-mqtt==2.2.0"];
const WARM_UP: u64 = 25 * BATCH;

/// Python with what the script needs: made once, outside the checkout.
fn python() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).expect("HOME is set");
    let cache = std::env::var_os("CASSIA_CACHE").map_or(cache.join("cassia-bypass"), PathBuf::from);
    let directory = cache.join(format!("python-{}", PACKAGES.join("-").replace('=', "")));
    let (python, done) = (directory.join("bin/python"), directory.join("done"));
    if !done.exists() {
        run("python3", ["-m".as_ref(), "venv".as_ref(), directory.as_os_str()]);
        let python = python.to_str().expect("a path in UTF-8");
        run(python, [&["-m", "pip", "install", "--quiet"], &PACKAGES[..]].concat());
        std::fs::write(done, "").expect("written");
    }
    python
}

/// Plays adverts of 200 devices to it.
pub(crate) fn measure(rate: u64, seconds: u64, addresses: u16) -> Script {
    let python = python();
    let (bus, broker) = (OpenBus::start(), rig::broker());
    let sent = (rate * seconds).next_multiple_of(BATCH);
    let traffic = Traffic::new(WARM_UP + sent);
    let _receiver = Receiver::start(&broker, TOPIC, 0, traffic.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bluez = runtime.block_on(Bluez::start(&bus, addresses));
    let mut command = Command::new(&python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reference.py"));
    command.arg(broker.ports.anonymous.to_string()).env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let process = Process::spawn(command.stderr(log.reopen().expect("the file")));
    let play = |numbers: std::ops::Range<u64>, rate: u64| {
        runtime.block_on(async {
            let start = Instant::now();
            for number in numbers.clone() {
                let due = Duration::from_secs_f64((number - numbers.start) as f64 / rate as f64);
                tokio::time::sleep_until(start + due).await;
                traffic.send(number);
                bluez.hear(number as u32).await;
            }
        });
        let all = || traffic.count() >= numbers.end || traffic.quiet() > Duration::from_secs(5);
        eventually("everything arrives, or nothing more", all);
    };
    runtime.block_on(bluez.scanned());
    play(0..WARM_UP, 200);
    let said = || std::fs::read_to_string(log.path()).unwrap_or_default();
    assert_eq!(traffic.count(), WARM_UP, "the script does not work: {:.2000}", said());
    let before = usage::processor(process.id());
    play(WARM_UP..WARM_UP + sent, rate);
    let used = usage::processor(process.id()) - before;
    let list = run(python.to_str().expect("a path in UTF-8"), ["-m", "pip", "list", "--format=freeze"]);
    let wanted =
        |line: &&str| line.starts_with("bleak=") || line.starts_with("paho-mqtt=") || line.starts_with("dbus-fast=");
    let version = run(python.to_str().expect("a path in UTF-8"), ["--version"]);
    let versions: Vec<&str> = [version.trim()].into_iter().chain(list.lines().filter(wanted)).collect();
    Script {
        addresses,
        micros: used.as_secs_f64() * 1e6 / sent as f64,
        memory: usage::memory(process.id()),
        latency: traffic.latency(WARM_UP),
        lost: WARM_UP + sent - traffic.count(),
        versions: versions.join(", ").replace("==", " "),
    }
}
