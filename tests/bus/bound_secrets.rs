//! A stored secret goes where it was meant to go: an operator who does not know it cannot have it sent elsewhere. On both buses.

use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::output;
use crate::{bus, bus_broker};
use std::fs;
use std::io::{ErrorKind, Read};
use std::net::TcpListener;
use std::time::Duration;

const STORED: &str = "stored-and-secret";
const OWN: &str = "known-to-the-caller";
const NEEDED: &str = "Password: expected its value again in the same call, or root as the caller";

/// Somebody who waits for the password.
struct Listener(TcpListener);

impl Listener {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        Self(listener)
    }

    fn port(&self) -> String {
        self.0.local_addr().expect("an address").port().to_string()
    }

    fn got_nothing(&self) {
        assert_eq!(self.0.accept().expect_err("nobody came").kind(), ErrorKind::WouldBlock);
    }

    /// The first packet of the next client.
    fn packet(&self) -> Vec<u8> {
        let mut client = None;
        eventually("a client", || {
            client = self.0.accept().ok();
            client.is_some()
        });
        let (mut stream, _) = client.expect("one");
        stream.set_nonblocking(false).expect("set");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let mut packet = vec![0; 1024];
        let length = stream.read(&mut packet).expect("a packet");
        packet.truncate(length);
        packet
    }
}

fn holds(packet: &[u8], text: &str) -> bool {
    packet.windows(text.len()).any(|part| part == text.as_bytes())
}

fn provision(bus: &Bus) {
    let words = ["a{sv}", "4", "Host", "s", "127.0.0.1", "Port", "q", "1", "Username", "s", "router"];
    bus.call(Who::Root, "Apply", &[&words[..], &["Password", "s", STORED]].concat()).expect("Apply");
}

#[test]
fn secrets_stay_with_their_destination() {
    for bus in [bus(), bus_broker()] {
        stay(&bus);
    }
}

fn stay(bus: &Bus) {
    let _service = bus.start_service();
    provision(bus);
    let before = fs::read(bus.state().join("settings.toml")).expect("settings");
    let listener = Listener::new();
    let port = listener.port();
    let elsewhere = ["Host", "s", "127.0.0.1", "Port", "q", &port, "EncryptionMode", "s", "none"];
    for method in ["TestConnection", "Apply"] {
        let refusal = bus.call(Who::Admin, method, &[&["a{sv}", "3"], &elsewhere[..]].concat()).expect_err(method);
        assert!(refusal.contains(NEEDED) && refusal.contains("(Port would send"), "{method}: {refusal}");
    }
    let fallback = format!("127.0.0.1:{port}");
    let refusal = bus.set(Who::Admin, "FallbackHosts", &["as", "1", &fallback]).expect_err("Set");
    assert!(refusal.contains(NEEDED), "{refusal}");
    bus.set(Who::Admin, "Port", &["q", &port]).expect_err("Set");
    bus.call(Who::Admin, "Reset", &["as", "1", "Port"]).expect_err("Reset");
    let checked = bus.report(Who::Admin, "Check", &["a{sv}", "1", "Port", "q", &port]);
    assert_eq!(checked["Problems"][0]["Setting"], "Password", "{checked}");
    assert_eq!(
        bus.report(Who::Root, "Check", &["a{sv}", "1", "Port", "q", &port])["Problems"][0],
        serde_json::Value::Null
    );
    listener.got_nothing();
    assert_eq!(fs::read(bus.state().join("settings.toml")).expect("settings"), before, "nothing changed");

    // Who knows it, or gives another one, may send it where he likes; that is in the journal, with user and program.
    let admin = bus.identities().ids(Who::Admin).0;
    let trial = |who: Who, words: &[&str]| {
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| bus.report(who, "TestConnection", words));
            let packet = listener.packet();
            assert_eq!(asked.join().expect("an answer")["FailedStep"], "mqtt");
            packet
        })
    };
    let packet = trial(Who::Admin, &[&["a{sv}", "4"], &elsewhere[..], &["Password", "s", OWN]].concat());
    assert!(holds(&packet, OWN) && !holds(&packet, STORED));
    assert!(!holds(&trial(Who::Admin, &[&["a{sv}", "4"], &elsewhere[..], &["Password", "s", ""]].concat()), STORED));
    // root could read its file.
    assert!(holds(&trial(Who::Root, &[&["a{sv}", "3"], &elsewhere[..]].concat()), STORED));
    let log = bus.log();
    for uid in [admin, 0] {
        let line = format!("broker 127.0.0.1:{port} is tried by uid {uid}, busctl");
        assert!(log.contains(&line), "{line}: {log}");
    }
    // What was refused is told at once, and then once a minute.
    let told: Vec<&str> = log.lines().filter(|line| line.contains("it would have sent the stored Password")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&format!("uid {admin}, busctl")), "{told:?}");
    assert!(log.contains("settings changed: Host Port Username Password (by uid 0, busctl)"), "{log}");
    assert!(!log.contains(STORED) && !log.contains(OWN));

    // Programs know it by its name.
    let mut command = bus.command(Who::Admin);
    command.args(["dbus-send", "--system", "--print-reply", &format!("--dest={NAME}"), PATH]);
    command.args(["org.freedesktop.DBus.Properties.Set", &format!("string:{CONFIG}"), "string:Port"]);
    let answer = output(command.arg(format!("variant:uint16:{port}")));
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(said.starts_with("Error com.cassianetworks.Bypass1.Error.SecretRequired: Password: "), "{said}");

    // Other settings are the operator's as before.
    bus.set(Who::Admin, "ScanQos", &["y", "1"]).expect("Set");
    bus.call(Who::Admin, "Apply", &[&["a{sv}", "4"], &elsewhere[..], &["Password", "s", OWN]].concat()).expect("Apply");
    assert_eq!(bus.value(CONFIG, "Port").to_string(), port);
}

#[test]
fn secrets_of_the_factory_go_to_the_hosts_that_it_names() {
    let bus = bus();
    let listener = Listener::new();
    let directory = bus.directory().join("credentials");
    fs::create_dir(&directory).expect("a directory");
    let write =
        |name: &str, text: &str| fs::write(directory.join(format!("cassia-bypass.{name}")), text).expect("write");
    write("password", STORED);
    write("hosts", "# ours\nbroker.example\n\n127.0.0.1:1\n");
    let start = || bus.start_service_given(&directory);
    let words =
        |host: &'static str, port: &'static str| ["Host", "s", host, "Port", "q", port, "Username", "s", "router"];
    let apply = |words: &[&str]| bus.call(Who::Admin, "Apply", &[&["a{sv}", "3"], words].concat());
    let service = start();
    for (host, port) in [("127.0.0.1", "2"), ("evil.example", "1")] {
        let refusal = apply(&words(host, port)).expect_err("not named");
        assert!(refusal.contains(NEEDED), "{refusal}");
    }
    apply(&words("BROKER.example", "7")).expect("named");
    apply(&words("127.0.0.1", "1")).expect("named");
    assert_eq!(service.stop().code(), Some(0));
    // Without the list it stays where it is.
    fs::remove_file(directory.join("cassia-bypass.hosts")).expect("removed");
    let service = start();
    apply(&words("broker.example", "1")).expect_err("not named any more");
    bus.call(Who::Admin, "Reset", &["as", "0"]).expect("it is not in use then");
    apply(&words("broker.example", "1")).expect_err("first provisioning");
    bus.call(Who::Root, "Apply", &[&["a{sv}", "3"], &words("broker.example", "1")[..]].concat()).expect("root");
    assert_eq!(service.stop().code(), Some(0));
    listener.got_nothing();

    write("hosts", "broker.example\n-wrong-\n");
    let checked = output(bus.service().env("CREDENTIALS_DIRECTORY", &directory).arg("--check-config"));
    assert_eq!(checked.status.code(), Some(78));
    let told = String::from_utf8(checked.stdout).expect("text");
    assert!(
        told.ends_with("cassia-bypass.hosts: hosts: expected host or host:port, one a line (line 2 is none)\n"),
        "{told}"
    );
}
