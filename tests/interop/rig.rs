//! The program as shipped, on a bus of its own, with adverts from the other end of a socket.

use crate::support::air::Air;
use crate::support::bus::Bus;
use crate::support::busctl::STATS;
use crate::support::identities::Who;
use crate::support::service::Service;
use rustix::fd::AsRawFd;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// For what takes a moment, and longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A setting: its name, its D-Bus type, its value.
pub(crate) type Setting<'a> = (&'a str, &'a str, String);

pub(crate) struct Rig {
    pub(crate) service: Service,
    air: Air,
    bus: Bus,
    next: u32,
}

fn start(bus: &Bus) -> (Service, Air) {
    let (air, theirs) = Air::new();
    (bus.start_service_with(&["--monitor-fd", &theirs.as_raw_fd().to_string()]), air)
}

impl Rig {
    pub(crate) fn start() -> Self {
        let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
        let (service, air) = start(&bus);
        Self { service, air, bus, next: 0 }
    }

    /// Its power is cut, and comes back when it is told to.
    pub(crate) fn kill(&mut self) {
        self.service.kill_now();
    }

    pub(crate) fn start_again(&mut self) {
        (self.service, self.air) = start(&self.bus);
    }

    /// Changes settings all at once.
    pub(crate) fn apply(&self, settings: &[Setting<'_>]) {
        let count = settings.len().to_string();
        let mut words = vec!["a{sv}", &count];
        for (name, kind, value) in settings {
            words.extend([*name, *kind]);
            // An array has its length before its values.
            words.extend(if *kind == "as" { value.split(' ').collect() } else { vec![value.as_str()] });
        }
        self.bus.call(Who::Root, "Apply", &words).unwrap_or_else(|error| panic!("Apply: {error}"));
    }

    /// Plays so many adverts; their numbers.
    pub(crate) fn play(&mut self, count: u32) -> Range<u32> {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        self.air.play(numbers.clone(), 7);
        numbers
    }

    /// All counts at one moment; fails the test if they do not add up, or if the service has ended.
    pub(crate) fn ledger(&mut self) -> BTreeMap<String, u64> {
        assert!(self.service.runs(), "the service ended: {}", self.bus.log());
        self.bus.ledger()
    }

    pub(crate) fn stat(&self, property: &str) -> Value {
        self.bus.value(STATS, property)
    }

    pub(crate) fn word(&self, property: &str) -> String {
        self.stat(property).as_str().expect("a text").to_owned()
    }

    /// Waits until LinkState is this word, and looks at the books meanwhile.
    pub(crate) fn await_link(&mut self, word: &str) -> Result<(), String> {
        awaited(&format!("LinkState {word}"), || {
            self.ledger();
            let now = self.word("LinkState");
            if now == word { Ok(()) } else { Err(now) }
        })
    }
}

/// Polls until something is there. What a broker does not do is a result, and ends no test.
pub(crate) fn awaited<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(instead) if Instant::now() >= end => return Err(format!("{what} expected, found {instead}")),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
