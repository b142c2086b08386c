//! What any publisher costs: `mosquitto_pub -l` with the very same payloads.

use crate::cell::BATCH;
use crate::generator::pace;
use crate::receiver::Receiver;
use crate::rig;
use crate::support::process::Process;
use crate::support::{eventually, within};
use crate::traffic::Traffic;
use crate::usage;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floor {
    /// Adverts a second.
    pub(crate) rate: f64,
    /// Microseconds on a processor for each advert.
    pub(crate) micros: f64,
    /// The rate that was asked for, if one was.
    pub(crate) paced: Option<u64>,
}

/// Publishes these payloads, again and again: at this rate of adverts, or, without one, as fast as it can.
pub(crate) fn mosquitto_pub(payloads: &[Vec<u8>], rate: Option<u64>, seconds: u64) -> Floor {
    let broker = rig::broker();
    // Only to see that it publishes.
    let traffic = Traffic::new(0);
    let _receiver = Receiver::start(&broker, "reference", 0, traffic.clone());
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", "127.0.0.1", "-p", &broker.ports.anonymous.to_string(), "-t", "reference", "-l"]);
    let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()));
    let pid = process.id();
    let mut stdin = process.child().stdin.take().expect("a pipe");
    let mut line = |number: u64| {
        let payload = &payloads[number as usize % payloads.len()];
        stdin.write_all(&[payload, &b"\n"[..]].concat()).expect("mosquitto_pub reads");
    };
    // Its start is not charged: neither is ours.
    line(0);
    eventually("mosquitto_pub publishes", || traffic.messages() > 0);
    let (start, before) = (Instant::now(), usage::processor(pid));
    let (messages, paced) = match rate {
        Some(rate) => {
            let messages = rate * seconds / BATCH;
            let (took, _) = pace(0..messages, rate / BATCH, &mut line);
            (messages, Some(took))
        }
        None => {
            (0..FLAT_OUT).for_each(&mut line);
            (FLAT_OUT, None)
        }
    };
    drop(stdin);
    // A zombie still tells what it used.
    within(Duration::from_secs(60), "mosquitto_pub ends", || {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    });
    let (took, used) = (paced.unwrap_or_else(|| start.elapsed()), usage::processor(pid) - before);
    let adverts = (messages * BATCH) as f64;
    Floor { rate: adverts / took.as_secs_f64(), micros: used.as_secs_f64() * 1e6 / adverts, paced: rate }
}

/// Messages when it goes as fast as it can.
const FLAT_OUT: u64 = 10_000;
