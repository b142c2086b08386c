//! What the service says, in a real journal and without one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::bench;
use crate::guest::eventually;
use crate::process::Process;
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};

const PASSWORD: &str = "Xyzzy-Password-4711";
const PSK: &str = "0badc0de5ec2e7f00d1e";
/// The address that `Rig::flows` plays.
const DEVICE: &str = "C0:FF:EE:0F:10:35";

/// The guest's own systemd-journald.
fn journald() -> Process {
    for directory in ["/sys/fs/cgroup", "/run/systemd/journal", "/run/log/journal"] {
        fs::create_dir_all(directory).expect(directory);
    }
    let mut mount = Command::new("mount");
    assert!(mount.args(["-t", "cgroup2", "none", "/sys/fs/cgroup"]).status().expect("mount").success());
    fs::create_dir_all("/sys/fs/cgroup/init.scope").expect("a control group");
    let daemon = Process::start("journald", &mut Command::new("/lib/systemd/systemd-journald"));
    eventually(SOON, "the journal's socket", || Path::new("/run/systemd/journal/socket").exists());
    daemon
}

fn journalctl(words: &[&str]) -> String {
    let output = Command::new("journalctl").args(words).stdin(Stdio::null()).output().expect("journalctl");
    // Without an entry it fails.
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The service's entries with this identifier.
fn entries(id: &str) -> Vec<Value> {
    let text = journalctl(&["--no-pager", "-o", "json", &format!("MESSAGE_ID={id}")]);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The identifiers as the manual lists them: event and MESSAGE_ID.
fn id(event: &str) -> String {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbus/README.md");
    let manual = fs::read_to_string(manual).expect("the manual");
    let row = manual.lines().find(|line| line.contains(&format!("` | `{event}` |"))).expect("a row of the manual");
    row.split('`').nth(1).expect("an identifier").to_owned()
}

/// Waits for the newest entry of an event that is as wanted; checks what every entry has.
fn newest(event: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let entry = eventually(SOON, &format!("{event}: {what}"), || entries(&id(event)).into_iter().rev().find(&wanted));
    assert_eq!(entry["EVENT"], event);
    assert_eq!(entry["SYSLOG_IDENTIFIER"], "cassia-bypassd");
    assert!(entry["MESSAGE"].as_str().is_some_and(|message| !message.is_empty()), "{entry}");
    entry
}

const INFO: &str = "6";
const WARNING: &str = "4";

#[test]
fn events_with_their_fields() {
    bench::run(|guest| {
        let _journald = journald();
        let radio = guest.radio(ADDRESS);
        let service = guest.service().env("JOURNAL_STREAM", "1:1");
        let rig = Rig::start_service(guest, service, "passive");
        rig.wait_state("scanning");
        rig.flows(&radio.controller);

        let started = newest("started", "once", |_| true);
        assert_eq!(started["PRIORITY"], INFO);
        assert_eq!(started["_COMM"], "cassia-bypassd");
        let scanning = newest("radio", "scanning", |e| e["REASON"] == "scanning");
        assert_eq!((&scanning["PRIORITY"], &scanning["ADAPTER"]), (&INFO.into(), &"hci0".into()));
        let up = newest("link-up", "connected", |_| true);
        assert_eq!((&up["PRIORITY"], &up["BROKER"]), (&INFO.into(), &"127.0.0.1:1883".into()));
        let changed = newest("settings-changed", "by Apply", |e| e["PROPERTY"] != "");
        let names = changed["PROPERTY"].as_str().expect("names");
        assert!(["Host", "Protocol", "ScanQos"].iter().all(|name| names.split(' ').any(|n| n == *name)), "{names}");
        assert!(changed["SENDER"].as_str().is_some_and(|sender| sender.starts_with(':')), "{changed}");
        assert_eq!(changed["PRIORITY"], INFO);

        radio.controller.unplug();
        let missing = newest("radio", "missing", |e| e["REASON"] == "adapter-missing");
        assert_eq!(missing["PRIORITY"], WARNING);
        assert_eq!(missing["ERROR"], rig.text("RadioDetail"));
        radio.controller.replug().expect("plugged in");
        wait_scan(&radio.controller, "again", |_| true);
        let retry = newest("recovery", "a retry", |e| e["REASON"] == "retry");
        assert_eq!(retry["PRIORITY"], INFO);
        assert!(retry["ERROR"].as_str().is_some_and(|why| !why.is_empty()), "{retry}");

        // Secrets, one of them wrong for a broker that then goes away.
        rig.apply(&[
            "Username",
            "s",
            "tester",
            "Password",
            "s",
            PASSWORD,
            "Psk",
            "s",
            PSK,
            "PskIdentity",
            "s",
            "someone",
        ]);
        rig.broker.end(Signal::TERM);
        let down = newest("link-down", "refused", |e| e["REASON"] == "refused");
        assert_eq!((&down["PRIORITY"], &down["BROKER"]), (&WARNING.into(), &"127.0.0.1:1883".into()));
        assert!(down["ERROR"].as_str().is_some_and(|error| !error.is_empty()), "{down}");

        assert!(rig.service.end(Signal::TERM).success());
        let stopping = newest("stopping", "by SIGTERM", |_| true);
        assert_eq!((&stopping["PRIORITY"], &stopping["REASON"]), (&INFO.into(), &"SIGTERM".into()));
        assert_eq!(rig.service.lines(), [""; 0], "all is in the journal");

        // The whole journal, of everyone.
        let all = journalctl(&["--no-pager", "-o", "export"]);
        assert!(all.contains("EVENT=stopping"), "the journal is there");
        for secret in [PASSWORD, PSK, DEVICE, "0F:10:35", "0F_10_35"] {
            for form in [secret.to_owned(), secret.to_lowercase(), secret.to_uppercase()] {
                assert!(!all.contains(&form), "{secret} is in the journal");
            }
        }
        let fields = |line: &&str| line.starts_with("EVENT=") || line.starts_with("MESSAGE_ID=");
        println!("{} fields of events", all.lines().filter(fields).count());
    });
}

#[test]
fn a_capture_that_is_not_byte_exact() {
    bench::run(|guest| {
        let _journald = journald();
        let _radio = guest.radio(ADDRESS);
        let service = guest.service().without_net_raw().env("JOURNAL_STREAM", "1:1");
        let rig = Rig::start_service(guest, service, "passive");
        rig.wait_stat("Capture", "signals");
        let capture = newest("capture", "signals", |_| true);
        assert_eq!((&capture["PRIORITY"], &capture["REASON"]), (&WARNING.into(), &"signals".into()));
        assert_eq!(capture["ERROR"], rig.text("CaptureReason"));
        assert_eq!(entries(&id("capture")).len(), 1);
    });
}

#[test]
fn without_a_journal_lines_go_to_stderr() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        // Without JOURNAL_STREAM, and with one but no journal.
        for stream in [None, Some("1:1")] {
            let service = stream.map_or(guest.service(), |stream| guest.service().env("JOURNAL_STREAM", stream));
            let rig = Rig::start_service(guest, service, "passive");
            rig.wait_state("scanning");
            rig.flows(&radio.controller);
            rig.apply(&["Username", "s", "tester", "Password", "s", PASSWORD, "Psk", "s", PSK]);
            assert!(rig.service.end(Signal::TERM).success());
            eventually(SOON, "its last line", || rig.said("INFO", "stopping: SIGTERM") == 1);
            assert_eq!(rig.said("INFO", "cassia-bypassd"), 1);
            assert_eq!(rig.said("INFO", "radio scanning hci0"), 1);
            for line in rig.service.lines() {
                assert!(!line.contains('\u{1b}'), "no colours: {line:?}");
                assert!([PASSWORD, PSK, DEVICE].iter().all(|secret| !line.contains(secret)), "{line}");
            }
        }
    });
}
