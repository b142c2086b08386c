//! What the service says, in a real journal and without one.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use radio_controller::{Controller, Load};
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
pub(crate) fn journald() -> Process {
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

/// The service's entries of this event.
pub(crate) fn entries(event: &str) -> Vec<Value> {
    let text = journalctl(&["--no-pager", "-o", "json", &format!("MESSAGE_ID={}", id(event))]);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The identifiers as the manual lists them: event and MESSAGE_ID.
fn id(event: &str) -> String {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journal.md");
    let manual = fs::read_to_string(manual).expect("the manual");
    let row = manual.lines().find(|line| line.contains(&format!("` | `{event}` |"))).expect("a row of the manual");
    row.split('`').nth(1).expect("an identifier").to_owned()
}

/// Waits for the newest entry of an event that is as wanted; checks what every entry has.
pub(crate) fn newest(event: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let entry = eventually(SOON, &format!("{event}: {what}"), || entries(event).into_iter().rev().find(&wanted));
    assert_eq!(entry["EVENT"], event);
    assert_eq!(entry["SYSLOG_IDENTIFIER"], "cassia-bypassd");
    assert!(entry["MESSAGE"].as_str().is_some_and(|message| !message.is_empty()), "{entry}");
    entry
}

const INFO: &str = "6";
pub(crate) const WARNING: &str = "4";
const ERROR: &str = "3";
const LONG: Duration = Duration::from_secs(180);
/// The disk is tried again each ten seconds.
const DISK: Duration = Duration::from_secs(40);
const STATE: &str = "/var/lib/cassia-bypass";

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
        assert!(
            changed["SENDER"].as_str().is_some_and(|sender| sender.starts_with("uid ") && sender.ends_with(", busctl")),
            "{changed}"
        );
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

/// What happens seldom, each made to happen.
#[test]
fn rare_events_with_their_fields() {
    bench::run_within(LONG, |guest| {
        let _journald = journald();
        let radio = guest.radio(ADDRESS);
        let state = Path::new(STATE);
        let owner = || Command::new("chown").args(["-R", "cassia-bypass:", STATE]).status().expect("chown");
        fs::create_dir_all(state.join("spool")).expect("a directory");
        fs::write(state.join("settings.toml"), "port = 'hush").expect("settings");
        // The last one may be torn, an earlier one not.
        for (segment, text) in [(1, "CBSPOOL1 and nothing that is a record"), (2, "CBSPOOL1")] {
            fs::write(state.join(format!("spool/{segment:016x}.seg")), text).expect("a segment");
        }
        assert!(owner().success());
        let service = || guest.service().env("JOURNAL_STREAM", "1:1");
        let next = Cell::new(0);
        // Another one each time: repeats are not reported.
        let play = |controller: &Controller| {
            let advert = Load { devices: 5, rate: 1, count: 0, evt: 3 }.advert(next.replace(next.get() + 1));
            drop(controller.report(&[advert], false));
        };
        let rig = Rig::start_service(guest, service(), "passive");

        let aside = newest("settings-aside", "damaged", |_| true);
        assert_eq!(aside["PRIORITY"], ERROR);
        assert!(aside["ERROR"].as_str().is_some_and(|why| why.contains("settings.toml:1:")), "{aside}");
        let damaged = newest("spool-damaged", "a segment", |_| true);
        assert_eq!((&damaged["PRIORITY"], &damaged["COUNT"]), (&ERROR.into(), &"1".into()));

        rig.wait_state("scanning");

        // The state directory becomes someone else's, and is ours again.
        let other = |mode| {
            std::os::unix::fs::chown(state, Some(0), Some(0)).expect("chown");
            fs::set_permissions(state, fs::Permissions::from_mode(mode)).expect("chmod");
        };
        other(0o755);
        let closed = newest("state-directory", "closed", |e| e["PRIORITY"] == WARNING);
        assert!(closed["ERROR"].as_str().is_some_and(|why| why.contains("Permission denied")), "{closed}");
        assert!(owner().success());
        newest("state-directory", "open", |e| e["PRIORITY"] == INFO);

        // A broker that does not take the status, a fallback, and the way home.
        let acl = guest.file("acl", "topic write scanTopic\n");
        let listener = |port: u16| format!("listener {port} 127.0.0.1\nallow_anonymous true\n");
        let broker = format!("{}acl_file {}\n", listener(1884), acl.display());
        let fallback = guest.mosquitto(1884, &broker);
        rig.apply(&["MqttVersion", "s", "5", "StatusTopic", "s", "status", "Protocol", "s", "mqtt"]);
        rig.set(&["FallbackHosts", "as", "1", "127.0.0.1:1884"]);
        rig.wait_stat("LinkState", "connected");
        rig.broker.end(Signal::TERM);
        let moved = newest("failover", "to the fallback", |_| true);
        assert_eq!((&moved["PRIORITY"], &moved["BROKER"]), (&WARNING.into(), &"127.0.0.1:1884".into()));
        let refused = newest("status-refused", "by the list", |_| true);
        assert_eq!((&refused["PRIORITY"], &refused["BROKER"]), (&WARNING.into(), &"127.0.0.1:1884".into()));
        assert!(refused["ERROR"].as_str().is_some_and(|why| !why.is_empty()), "{refused}");
        rig.set(&["ScanTopic", "s", "closed"]);
        let lost = eventually(SOON, "a loss", || {
            play(&radio.controller);
            entries("loss").pop()
        });
        assert_eq!((&lost["PRIORITY"], &lost["REASON"]), (&ERROR.into(), &"refused".into()));
        assert!(lost["COUNT"].as_str().is_some_and(|count| count != "0"), "{lost}");
        let first = guest.open_broker();
        fallback.end(Signal::TERM);
        let back = newest("home", "when the fallback ends", |_| true);
        assert_eq!((&back["PRIORITY"], &back["BROKER"]), (&INFO.into(), &"127.0.0.1:1883".into()));

        // Without a broker what waits goes to the disk at the stop; the next run finds it, and a disk that fails.
        first.end(Signal::TERM);
        rig.wait_stat("LinkState", "waiting");
        eventually(SOON, "adverts wait", || {
            play(&radio.controller);
            rig.ledger()["Queued"] > 0
        });
        assert!(rig.service.end(Signal::TERM).success());
        let again = service().start();
        let found = newest("spool-found", "of the run before", |_| true);
        assert_eq!(found["PRIORITY"], INFO);
        assert!(found["COUNT"].as_str().is_some_and(|count| count != "0"), "{found}");
        assert!(again.end(Signal::TERM).success());
        fs::rename(state.join("spool"), state.join("kept")).expect("renamed");
        fs::write(state.join("spool"), "no directory").expect("written");
        let _again = service().start();
        let failed = newest("spool", "cannot be used", |e| e["PRIORITY"] == WARNING);
        assert!(failed["ERROR"].as_str().is_some_and(|why| !why.is_empty()), "{failed}");
        fs::remove_file(state.join("spool")).expect("removed");
        eventually(DISK, "it can be used again", || entries("spool").into_iter().find(|e| e["PRIORITY"] == INFO));
    });
}

#[test]
fn journal_has_a_capture_that_is_not_byte_exact() {
    bench::run(|guest| {
        let _journald = journald();
        let _radio = guest.radio(ADDRESS);
        let service = guest.service().without_net_raw().env("JOURNAL_STREAM", "1:1");
        let rig = Rig::start_service(guest, service, "passive");
        rig.wait_stat("Capture", "signals");
        let capture = newest("capture", "signals", |_| true);
        assert_eq!((&capture["PRIORITY"], &capture["REASON"]), (&WARNING.into(), &"signals".into()));
        assert_eq!(capture["ERROR"], rig.text("CaptureReason"));
        assert_eq!(entries("capture").len(), 1);
    });
}

#[test]
fn journal_that_is_missing_leaves_lines_on_stderr() {
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
