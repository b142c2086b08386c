//! `mosquitto_sub`, with everything that it received.

use super::broker::Mosquitto;
use super::eventually;
use super::process::{Lines, Process};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub qos: u8,
    pub topic: String,
    pub payload: String,
}

/// See the module.
pub struct Subscriber {
    lines: Lines,
    _process: Process,
}

impl Subscriber {
    /// Subscribed when this returns; to all topics that match the filter, on the anonymous listener.
    pub fn start(broker: &Mosquitto, filter: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (lines, errors) = (Lines::default(), Lines::default());
        let id = format!("subscriber-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &broker.ports.anonymous.to_string(), "-i", &id]);
        command.args(["-q", "2", "-F", "%q %t %p", "-t", filter]);
        let process = Process::start(&mut command, &lines, &errors);
        eventually("mosquitto_sub is subscribed", || broker.log.contains(&format!("Sending SUBACK to {id}")));
        Self { lines, _process: process }
    }

    /// All messages so far.
    pub fn received(&self) -> Vec<Received> {
        let parse = |line: &String| {
            let mut parts = line.splitn(3, ' ');
            let mut part = || parts.next().expect("three parts").to_owned();
            Received { qos: part().parse().expect("0-2"), topic: part(), payload: part() }
        };
        self.lines.all().iter().map(parse).collect()
    }

    /// How many messages.
    pub fn count(&self) -> usize {
        self.lines.len()
    }
}
