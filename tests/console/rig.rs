//! Everything for a test, and a script in the browser that asks for what happens outside of it.

use crate::cockpit::{Cockpit, modules, permit_sudo};
use crate::journald::{self, Journald};
use crate::support::air::Air;
use crate::support::broker::{Mosquitto, PASSWORD, PSK, PSK_IDENTITY, USER};
use crate::support::broker_subscriber::Subscriber;
use crate::support::bus::Bus;
use crate::support::identities::Who;
use crate::support::process::{Lines, Process};
use crate::support::service::Service;
use rustix::fd::AsRawFd;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) struct Rig {
    // Dropped in this order.
    cockpit: Cockpit,
    service: Option<Service>,
    air: Air,
    subscriber: Subscriber,
    broker: Mosquitto,
    _journald: Journald,
    bus: Bus,
}

/// Where a shell finds our programs, and the system's.
pub(crate) fn programs() -> String {
    let ours = Path::new(env!("CARGO_BIN_EXE_cassia-bypassctl")).parent().expect("a directory");
    format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", ours.display())
}

fn start_service(bus: &Bus) -> (Air, Service) {
    let (air, theirs) = Air::new();
    let service = bus.start_service_with(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
    (air, service)
}

impl Rig {
    /// The console is that of `who`.
    pub(crate) fn start(who: Who) -> Self {
        let broker = Mosquitto::start();
        let subscriber = Subscriber::start(&broker, "#");
        let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
        let journald = Journald::start(&bus);
        let (air, service) = start_service(&bus);
        let cockpit = Cockpit::start(&bus, who);
        Self { cockpit, service: Some(service), air, subscriber, broker, _journald: journald, bus }
    }

    /// Lets a user become root.
    pub(crate) fn permit_sudo(&self, who: Who) {
        permit_sudo(&self.bus, who);
    }

    /// What a script must know.
    fn facts(&self) -> Value {
        let (ports, certificates) = (self.broker.ports, &self.broker.certificates);
        json!({
            "url": format!("http://127.0.0.1:{}", self.cockpit.port),
            "modules": modules(),
            "pictures": concat!(env!("CARGO_TARGET_TMPDIR"), "/../console"),
            "user": USER, "password": PASSWORD, "psk": PSK, "pskIdentity": PSK_IDENTITY,
            "ports": { "anonymous": ports.anonymous, "psk": ports.psk, "clientCertificate": ports.client_certificate },
            "ca": certificates.ca.pem(),
            "otherKey": certificates.other_client.key,
            "client": { "certificate": certificates.client.certificate, "key": certificates.client.key },
        })
    }

    /// Runs a script to its end, which must be a good one.
    pub(crate) fn run(mut self, script: &str) {
        let path = format!("{}/tests/console/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("node");
        command.arg(path).env("FACTS", self.facts().to_string());
        let mut node = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let said = Lines::default();
        let child = node.child();
        let complaints = said.collect(child.stderr.take().expect("piped"));
        let (mut to, from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        for line in BufReader::new(from).lines() {
            let line = line.expect("text");
            let request: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a request: {line}"));
            let answer = self.answer(&request);
            // A script that ended in between tells why itself.
            drop(writeln!(to, "{answer}"));
        }
        let status = node.ended();
        complaints.join().expect("read");
        assert!(status.success(), "{script}: {status}\n{}", said.all().join("\n"));
    }

    /// What a script asks for: `[word, arguments...]`.
    fn answer(&mut self, request: &Value) -> Value {
        let number = |index: usize| u32::try_from(request[index].as_u64().expect("a number")).expect("small");
        let text = |index: usize| request[index].as_str().expect("text");
        match text(0) {
            "play" => self.air.play(number(1)..number(2), 3),
            "arrived" => return self.arrived().into(),
            "stop" => drop(self.service.take().map(Service::stop)),
            "start" => {
                let (air, service) = start_service(&self.bus);
                (self.air, self.service) = (air, Some(service));
            }
            "log" => journald::write(&self.bus, text(1)),
            "names" => return self.names(),
            "get" => return self.bus.value(text(1), text(2)),
            "set" => {
                let words: Vec<_> = request.as_array().expect("a list")[2..].iter().filter_map(Value::as_str).collect();
                self.bus.set(Who::Admin, text(1), &words).unwrap_or_else(|error| panic!("{request}: {error}"));
            }
            // A line for a shell, as an administrator types it.
            "shell" => {
                let mut command = self.bus.command(Who::Admin);
                let output = command.args(["sh", "-c", text(1)]).env("PATH", programs()).output().expect("a shell");
                return json!([output.status.code(), String::from_utf8_lossy(&output.stderr)]);
            }
            other => panic!("unknown request: {other}"),
        }
        Value::Null
    }

    /// All settings that there are.
    fn names(&self) -> Value {
        let answer = self.bus.call(Who::Nobody, "Describe", &[]).expect("Describe");
        answer["data"][0].as_array().expect("a list").iter().map(|setting| setting["Name"]["data"].clone()).collect()
    }

    /// Items that a subscriber got.
    fn arrived(&self) -> usize {
        let items = |payload: &str| serde_json::from_str::<Vec<Value>>(payload).expect("an array").len();
        self.subscriber.received().iter().map(|message| items(&message.payload)).sum()
    }
}
