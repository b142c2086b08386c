//! `mosquitto_sub`, with everything that it received.

use super::broker::Mosquitto;
use super::eventually;
use super::process::{Lines, Process, output, run};
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

/// The retained message of a topic, as a subscriber gets it that comes late.
pub fn retained(broker: &Mosquitto, topic: &str) -> Option<String> {
    retained_at(broker.ports.anonymous, topic, &[]).filter(|(qos, _)| *qos == 1).map(|(_, payload)| payload)
}

/// The same at the MQTT port of any broker on this machine, with its QoS; with more options of mosquitto_sub.
pub fn retained_at(port: u16, topic: &str, options: &[&str]) -> Option<(u8, String)> {
    let mut command = Command::new("mosquitto_sub");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-C", "1", "-W", "1"]).args(options);
    let output = output(command.args(["-q", "1", "-F", "%q %r %p", "-t", topic]));
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (qos, rest) = line.split_once(' ')?;
    Some((qos.parse().ok()?, rest.strip_prefix("1 ")?.to_owned()))
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

    /// With a session of its own at QoS 2, so that it misses nothing of a broker that restarts.
    pub fn lasting(broker: &Mosquitto, filter: &str) -> Self {
        let lines = Lines::default();
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &broker.ports.anonymous.to_string(), "-c", "-i", "lasting"]);
        command.args(["-q", "2", "-F", "%q %t %p", "-t", filter]);
        let process = Process::start(&mut command, &lines, &Lines::default());
        eventually("mosquitto_sub is subscribed", || broker.log.contains("Sending SUBACK to lasting"));
        Self { lines, _process: process }
    }

    /// The same at the MQTT port of any broker on this machine: subscribed when a message arrived.
    pub fn at(port: u16, filter: &str) -> Self {
        Self::with_options(port, filter, 1, &[])
    }

    /// The same with this QoS, and options that mosquitto_sub and mosquitto_pub have in common.
    pub fn with_options(port: u16, filter: &str, qos: u8, options: &[&str]) -> Self {
        let lines = Lines::default();
        let id = format!("subscriber-{port}");
        let (port, qos, ready) = (port.to_string(), qos.to_string(), format!("{READY}{id}"));
        let broker = [&["-h", "127.0.0.1", "-p", &port], options].concat();
        let mut command = Command::new("mosquitto_sub");
        command.args(&broker).args(["-i", &id, "-q", &qos, "-F", "%q %t %p", "-t", filter, "-t", &ready]);
        let process = Process::start(&mut command, &lines, &Lines::default());
        eventually("mosquitto_sub is subscribed", || {
            run("mosquitto_pub", broker.iter().chain(&["-t", &ready, "-m", "?"]));
            lines.len() > 0
        });
        Self { lines, _process: process }
    }

    /// All messages so far.
    pub fn received(&self) -> Vec<Received> {
        let parse = |line: &String| {
            let mut parts = line.splitn(3, ' ');
            let mut part = || parts.next().expect("three parts").to_owned();
            Received { qos: part().parse().expect("0-2"), topic: part(), payload: part() }
        };
        self.lines.all().iter().filter(|line| is_message(line)).map(parse).collect()
    }

    /// How many messages.
    pub fn count(&self) -> usize {
        self.lines.with(|lines| lines.iter().filter(|line| is_message(line)).count())
    }
}

/// Topics of the messages that show that a subscription stands.
const READY: &str = "ready/";

fn is_message(line: &str) -> bool {
    !line.get(2..).is_some_and(|topic| topic.starts_with(READY))
}
