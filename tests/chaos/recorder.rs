//! A subscriber that notes when each numbered advertisement arrived, and how often.

use crate::support::air::number;
use crate::support::broker::Mosquitto;
use crate::support::eventually;
use crate::support::process::{Process, run};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const ID: &str = "chaos-recorder";
const MARK: &str = "\"mark ";

/// One number's arrivals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arrivals {
    pub(crate) times: u32,
    pub(crate) first: Option<Instant>,
}

#[derive(Default)]
struct State {
    arrivals: Vec<Arrivals>,
    mark: String,
}

/// See the module.
pub(crate) struct Recorder {
    state: Arc<Mutex<State>>,
    port: u16,
    marks: u32,
    _process: Process,
}

impl Recorder {
    /// Subscribed when this returns. At QoS 0 the broker hands a message on at once, before it acknowledges it to who published it:
    /// what was acknowledged is in the subscriber's socket even when the broker is killed next.
    pub(crate) fn start(broker: &Mosquitto, topic: &str) -> Self {
        let port = broker.ports.anonymous;
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", &port.to_string(), "-i", ID, "-q", "0"]);
        let mut process = Process::spawn(command.args(["-t", topic]).stdin(Stdio::null()).stdout(Stdio::piped()));
        let state = Arc::<Mutex<State>>::default();
        let (stream, ours) = (process.child().stdout.take().expect("piped"), state.clone());
        std::thread::spawn(move || read(stream, &ours));
        eventually("the recorder is subscribed", || Self::subscriptions(broker) > 0);
        Self { state, port, marks: 0, _process: process }
    }

    /// How often it subscribed: after each restart of the broker once more.
    pub(crate) fn subscriptions(broker: &Mosquitto) -> usize {
        broker.log.count(&format!("Sending SUBACK to {ID}"))
    }

    /// Waits until everything that the broker had before this is here.
    pub(crate) fn catch_up(&mut self, topic: &str) {
        self.marks += 1;
        let mark = format!("{MARK}{}\"", self.marks);
        let port = self.port.to_string();
        run("mosquitto_pub", ["-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", topic, "-m", &mark]);
        eventually("the mark arrives", || self.state.lock().expect("no panic").mark == mark);
    }

    /// For each number.
    pub(crate) fn arrivals(&self) -> Vec<Arrivals> {
        self.state.lock().expect("no panic").arrivals.clone()
    }
}

fn read(stream: impl Read, state: &Mutex<State>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let mut state = state.lock().expect("no panic");
        if line.starts_with(MARK) {
            state.mark = line;
            continue;
        }
        let items: Vec<Value> = serde_json::from_str(&line).expect("a JSON array");
        for item in items {
            let number = number(item["adData"].as_str().expect("adData")) as usize;
            if state.arrivals.len() <= number {
                state.arrivals.resize(number + 1, Arrivals::default());
            }
            let arrivals = &mut state.arrivals[number];
            arrivals.times += 1;
            arrivals.first.get_or_insert_with(Instant::now);
        }
    }
}
