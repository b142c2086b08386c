//! A device as the factory leaves it: what it was given in systemd's credential stores is enough to publish. With dbus-broker as
//! the system bus, as some distributions have it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::bench;
use crate::certificates::{Authority, Pair, Subject};
use crate::guest::eventually;
use crate::process::Process;
use crate::rig::{ADDRESS, BUS, PATH, wait_scan};
use crate::systemd::{Systemd, WAIT, drop_in, flows, get, install, set};

const LONG: Duration = Duration::from_secs(240);
const PASSWORD: &str = "Xyzzy-Factory-0815";
const PSK: &str = "0badc0de5ec2e7f00815";
const BROKER: &str = "user root\nper_listener_settings true\nlistener 1883 127.0.0.1\nallow_anonymous true\n\
                      listener 8883 127.0.0.1\nallow_anonymous false\npassword_file /run/bench/passwords\npsk_hint bench\n\
                      psk_file /run/bench/psk\n";
const CONFIG: &str = "protocol = 'mqtt'\nhost = '127.0.0.1'\nencryption_mode = 'psk'\npsk_identity = 'router'\nusername = 'tester'\n\
                      scan_qos = 1\nclient_id = 'router-0815'\n";

/// A credential in a store, for root alone.
fn plant(name: &str, text: &str) {
    fs::create_dir_all("/etc/credstore").expect("a store");
    let path = format!("/etc/credstore/cassia-bypass.{name}");
    fs::write(&path, text).expect(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect(name);
}

/// Entries of the journal about this setting's certificate.
fn warnings(systemd: &Systemd, setting: &str) -> Vec<Value> {
    // Read while it compiles: systemd mounts a /tmp of its own, in which a checkout may lie.
    let manual = include_str!("../../docs/journal.md");
    let row = manual.lines().find(|line| line.contains("` | `certificate` |")).expect("a row");
    let id = format!("MESSAGE_ID={}", row.split('`').nth(1).expect("an identifier"));
    // Without an entry it fails.
    let (text, _) = systemd.ask(&["journalctl", "--no-pager", "-o", "json", &id, &format!("PROPERTY={setting}")]);
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn credentials_are_enough() {
    bench::run_within(LONG, |guest| {
        install();
        let alias = "/etc/systemd/system/dbus.service";
        // It is there already where the machine itself has dbus-broker.
        drop(fs::remove_file(alias));
        symlink("/lib/systemd/system/dbus-broker.service", alias).expect("the bus");
        let controller = guest.controller(ADDRESS);
        guest.file("psk", &format!("router:{PSK}\n"));
        let passwords = guest.file("passwords", &format!("tester:{PASSWORD}\n"));
        assert!(Command::new("mosquitto_passwd").arg("-U").arg(passwords).status().expect("hashes").success());
        let _broker = guest.mosquitto(1883, BROKER);
        let subscriber = guest.subscribe("scanTopic");
        let messages = || subscriber.json_lines().len();

        // The key is encrypted for this device. Before 254 a line in the unit says so, later the name of the store.
        plant("config", CONFIG);
        plant("password", &format!("{PASSWORD}\n"));
        fs::create_dir_all("/etc/credstore.encrypted").expect("a store");
        let encrypted = "/etc/credstore.encrypted/cassia-bypass.psk";
        guest.file("plain", PSK);
        drop_in("encrypted", "[Service]\nLoadCredentialEncrypted=cassia-bypass.psk\n");
        let systemd = Systemd::boot();
        systemd.run(&[
            "systemd-creds",
            "encrypt",
            "--with-key=host",
            "--name=cassia-bypass.psk",
            "/run/bench/plain",
            encrypted,
        ]);
        assert!(!fs::read_to_string(encrypted).expect("encrypted").contains(PSK));

        // dbus-broker starts it for its name.
        assert_eq!(
            systemd.run(&["systemctl", "show", "--value", "-p", "Id", "dbus.service"]).trim(),
            "dbus-broker.service"
        );
        let pid = systemd.pid().to_string();
        let mut monitor = Command::new("nsenter");
        monitor.args([
            "--pid",
            "--mount",
            "--target",
            &pid,
            "stdbuf",
            "-oL",
            "busctl",
            "monitor",
            "--match=type=signal",
        ]);
        let monitor = Process::start("monitor", &mut monitor);
        eventually(WAIT, "signals are watched", || monitor.lines().iter().any(|line| line.contains("Monitoring")));
        systemd.run(&["busctl", "--timeout=30", "get-property", BUS, PATH, &format!("{BUS}.Stats"), "Version"]);
        wait_scan(&controller, "passive", |_| true);
        flows(&controller, "adverts arrive with what the factory gave", messages);
        for (property, value) in
            [("PasswordSet", Value::from(true)), ("PskSet", true.into()), ("Username", "tester".into())]
        {
            assert_eq!(get(&systemd, "Config", property), value, "{property}");
        }
        let interface = format!("{BUS}.Config");
        let nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
        let refused = [&nobody[..], &["busctl", "set-property", BUS, PATH, &interface, "Port", "q", "7"]].concat();
        assert!(systemd.ask(&refused).0.contains("Access denied"), "not for nobody");

        // None over D-Bus, and back to the factory's.
        set(&systemd, &[["Password", "s", ""]]);
        eventually(WAIT, "the broker refuses it", || get(&systemd, "Stats", "LastError") == "auth");
        assert_eq!(get(&systemd, "Config", "PasswordSet"), false);
        systemd.run(&["systemctl", "restart", "cassia-bypass"]);
        eventually(WAIT, "it is still without", || get(&systemd, "Stats", "LastError") == "auth");
        systemd.run(&["busctl", "call", BUS, PATH, &interface, "Reset", "as", "1", "Password"]);
        flows(&controller, "adverts arrive after the reset", messages);

        certificates_that_end(&systemd);
        nothing_is_seen(&systemd, &monitor);

        // A damaged one is told by file and key.
        plant("password", "\n");
        assert!(!systemd.ask(&["systemctl", "restart", "cassia-bypass"]).1);
        eventually(WAIT, "it gave up", || systemd.property("ActiveState") == "failed");
        assert_eq!((systemd.property("ExecMainStatus"), systemd.property("NRestarts")), ("78".into(), "0".into()));
        let answer = "/cassia-bypass.service/cassia-bypass.password: password: expected UTF-8 text of at most 65535 bytes without \
                      NUL (it is empty)";
        // The journal may have it a moment later than systemd has the end. By the unit's name it has the reason and the event.
        for transport in ["_TRANSPORT=stdout", "_TRANSPORT=journal"] {
            eventually(WAIT, transport, || {
                systemd
                    .ask(&["journalctl", "--no-pager", "-u", "cassia-bypass", "-o", "cat", transport])
                    .0
                    .contains(answer)
            });
        }
    });
}

/// A warning while there is time, and one at the end, once the clock is known to be right.
fn certificates_that_end(systemd: &Systemd) {
    let ca = Authority::new("Bench CA");
    let issue = |days| ca.issue(Subject { common_name: "router", days: Some(days), ..Subject::default() });
    let (soon, ended): (Pair, Pair) = (issue((-10, 5)), issue((-10, -1)));
    set(systemd, &[["ClientCertificate", "s", &soon.certificate], ["CaCertificate", "s", &ended.certificate]]);
    eventually(WAIT, "they are known", || {
        get(systemd, "Stats", "Certificates").as_array().is_some_and(|all| all.len() == 2)
    });
    assert_eq!(get(systemd, "Stats", "ClockSynchronised"), false);
    assert!(warnings(systemd, "ClientCertificate").is_empty(), "a wrong clock knows nothing of dates");
    fs::create_dir_all("/run/systemd/timesync").expect("a directory");
    fs::write("/run/systemd/timesync/synchronized", "").expect("the mark of systemd-timesyncd");
    for (setting, count, end) in
        [("ClientCertificate", "4", "ends in 4 days"), ("CaCertificate", "-2", "is out of date")]
    {
        let found = eventually(WAIT, setting, || warnings(systemd, setting).pop());
        assert_eq!(
            (&found["COUNT"], &found["PRIORITY"], &found["EVENT"]),
            (&count.into(), &"4".into(), &"certificate".into())
        );
        assert!(found["MESSAGE"].as_str().is_some_and(|text| text.ends_with(end) && text.contains("CN")), "{found}");
        assert_eq!(warnings(systemd, setting).len(), 1, "once");
    }
    let hints = || systemd.run(&["busctl", "call", BUS, PATH, &format!("{BUS}.Config"), "Diagnose"]);
    assert!(hints().contains("ClientCertificate ends in 4 days. Renew it."), "{}", hints());
    set(systemd, &[["CaCertificate", "s", &issue((5, 10)).certificate]]);
    eventually(WAIT, "one that has not begun is told", || hints().contains("CaCertificate holds from "));
}

/// Looks for the secrets wherever someone else could.
fn nothing_is_seen(systemd: &Systemd, signals: &Process) {
    let process = format!("/proc/{}", systemd.main_pid().as_raw_nonzero());
    let read = |name: &str| String::from_utf8_lossy(&fs::read(format!("{process}/{name}")).expect(name)).into_owned();
    let environment = read("environ");
    assert!(environment.contains("CREDENTIALS_DIRECTORY=/run/credentials/cassia-bypass.service"), "{environment}");
    let all = |interface: &str| {
        let words = ["busctl", "call", BUS, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", interface];
        systemd.run(&words)
    };
    let said = signals.lines().join("\n");
    assert!(said.contains("PropertiesChanged"), "signals were seen");
    let places = [
        ("arguments", read("cmdline")),
        ("environment", environment),
        ("journal", systemd.run(&["journalctl", "--no-pager", "-o", "export"])),
        ("settings", all(&format!("{BUS}.Config"))),
        ("statistics", all(&format!("{BUS}.Stats"))),
        ("diagnosis", systemd.run(&["busctl", "call", BUS, PATH, &format!("{BUS}.Config"), "Diagnose"])),
        ("unit", systemd.run(&["systemctl", "show", "cassia-bypass"])),
        ("signals", said),
    ];
    for secret in [PASSWORD, PSK] {
        for (place, text) in &places {
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{place}: {secret}");
        }
        // What everybody may read, but the broker's files.
        let look =
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "grep", "-rslF", "--exclude-dir=bench"];
        let found = systemd
            .ask(&[&look[..], &["--", secret, "/etc", "/run", "/tmp", "/var/lib/cassia-bypass", "/var/log"]].concat());
        assert_eq!(found.0, "", "{secret}");
        // Nothing of the factory is copied, either.
        let kept = systemd.ask(&["grep", "-rsl", secret, "/var/lib/cassia-bypass"]);
        assert_eq!(kept.0, "", "{secret}");
    }
}
