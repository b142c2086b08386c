//! `show`, `set`, `reset`, `describe`: every setting, by the types that the service tells.

use crate::ctl::{ctl, done, fed};
use crate::samples::{CERTIFICATE, SECRETS, SETTINGS};
use crate::started;
use crate::support::busctl::CONFIG;
use crate::support::eventually;
use crate::support::identities::Who;
use serde_json::Value;

/// A sample of the tests with busctl as words of a person.
fn word(name: &str, words: &[&str]) -> String {
    let text = match words {
        ["as", _, items @ ..] => items.join(","),
        ["a(is)", _, items @ ..] => items.chunks(2).map(|pair| pair.join(":")).collect::<Vec<_>>().join(","),
        [_, value] => (*value).to_owned(),
        other => panic!("a sample of another form: {other:?}"),
    };
    format!("{name}={text}")
}

#[test]
fn settings_are_set_as_they_are_shown() {
    let (bus, _service) = started();
    for (name, right, expected, _) in SETTINGS {
        done(&bus, Who::Admin, &["set", &word(name, right)]);
        let expected = if expected.is_empty() { Value::from(CERTIFICATE) } else { expected.parse().expect("JSON") };
        // A file's last line end is left out; here there is none but the value's own.
        assert_eq!(bus.value(CONFIG, name), expected, "{name}");
        let shown = done(&bus, Who::Nobody, &["show", "--value", name]);
        assert!(!shown.is_empty(), "{name}");
        done(&bus, Who::Admin, &["set", &format!("{name}={}", shown.strip_suffix('\n').expect("a line"))]);
        assert_eq!(bus.value(CONFIG, name), expected, "{name} as it was shown");
    }
}

#[test]
fn settings_that_are_refused_change_nothing() {
    let (bus, _service) = started();
    let all = |words: &[&str]| ctl(&bus, Who::Admin, &[&["set", "Timestamp=true"], words].concat());
    for (name, _, _, wrong) in SETTINGS {
        // Any value is a text, and Username takes all of them.
        if ["Username", "PskIdentity", "Timestamp", "Beacon"].contains(name) {
            continue;
        }
        let said = all(&[&word(name, wrong)]);
        assert!([1, 2].contains(&said.status), "{name}: {said:?}");
        assert!(said.err.contains(&format!("{name}: expected ")) && !said.err.contains("hush"), "{said:?}");
    }
    // Two problems, both told; and the service's own words for what it refuses.
    let said = all(&["Hots=x", "ScanQos=many"]);
    assert_eq!((said.status, said.err.lines().count()), (2, 2), "{said:?}");
    assert!(said.err.contains("Hots: expected the name of a setting (did you mean Host?)"), "{said:?}");
    let said = all(&["protocol=mqtt"]);
    assert_eq!(
        (said.status, &*said.err),
        (1, "cassia-bypassctl: Host: expected a DNS name or an IP address, not empty while Protocol is mqtt\n")
    );
    assert_eq!(bus.value(CONFIG, "Timestamp"), false);
    assert_eq!(done(&bus, Who::Nobody, &["show", "--changed"]), "");
}

#[test]
fn settings_of_one_command_are_one_transaction() {
    let (bus, _service) = started();
    let shown = done(&bus, Who::Admin, &["set", "Protocol=mqtt", "host=broker.example", "FilterValues=-1:FF,3:0a"]);
    assert_eq!(
        shown,
        "Protocol                  none -> mqtt\n\
         Host                      - -> broker.example\n\
         FilterValues              - -> -1:FF, 3:0a\n"
    );
    assert_eq!(
        done(&bus, Who::Nobody, &["show", "--changed"]),
        "* Protocol                  mqtt  (default: none)\n\
         * Host                      broker.example  (default: -)\n\
         * FilterValues              -1:FF, 3:0a  (default: -)\n"
    );
    assert_eq!(done(&bus, Who::Admin, &["set", "Protocol=mqtt"]), "Protocol                  mqtt  (unchanged)\n");
    assert_eq!(bus.log().matches("settings changed").count(), 1);
    // One without the other cannot be.
    assert_eq!(ctl(&bus, Who::Admin, &["reset", "Host"]).status, 1);
    done(&bus, Who::Admin, &["reset", "Host", "protocol"]);
    assert_eq!(done(&bus, Who::Nobody, &["show", "--value", "Host", "Protocol"]), "\nnone\n");
    done(&bus, Who::Admin, &["reset", "--all"]);
    assert_eq!(done(&bus, Who::Nobody, &["show", "--changed"]), "");
}

#[test]
fn settings_are_checked_without_being_changed() {
    let (bus, _service) = started();
    let file = bus.directory().join("certificate.pem");
    std::fs::write(&file, CERTIFICATE).expect("written");
    let certificate = format!("ClientCertificate=@{}", file.display());
    let said = ctl(&bus, Who::Admin, &["set", "--dry-run", &certificate, "RequireClientCertificate=yes"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("RequireClientCertificate: expected "), "{said:?}");
    assert!(said.out.starts_with("ClientCertificate   CN=") && said.out.contains(" days left"), "{said:?}");
    assert_eq!(bus.value(CONFIG, "ClientCertificate"), "");
    // And made: the file's text is the value.
    let shown = done(&bus, Who::Admin, &["set", &certificate]);
    assert!(shown.contains("ClientCertificate         - -> CERTIFICATE, "), "{shown}");
    assert_eq!(bus.value(CONFIG, "ClientCertificate"), CERTIFICATE.trim_end());
}

#[test]
fn settings_are_shown_and_described_in_the_order_of_the_manual() {
    let (bus, _service) = started();
    let shown = done(&bus, Who::Nobody, &["show"]);
    let names: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names.len(), SETTINGS.len() + SECRETS.len());
    let manual = include_str!("../../dbus/README.md");
    let places: Vec<_> = names.iter().map(|name| manual.find(&format!("\n| `{name}` | "))).collect();
    assert!(places.is_sorted() && !places.contains(&None), "{places:?}");
    assert!(shown.contains("\n  Psk                       not set\n"), "{shown}");
    let described = done(&bus, Who::Nobody, &["describe"]);
    assert!(names.iter().all(|name| described.contains(&format!("{name} ("))), "{described}");
    assert!(
        described.contains("\nScanQos (scan_qos)\n") && described.contains("\n    Expected: 0, 1 or 2\n"),
        "{described}"
    );
}

#[test]
fn settings_that_protect_little_get_a_hint() {
    let (bus, _service) = started();
    let psk = |digits: usize| fed(&bus, &["set", "--secret-from", "Psk=-"], &"1".repeat(digits));
    let words = ["set", "Host=broker.example", "Username=me", "Protocol=mqtt", "--secret-from", "Password=-"];
    let said = fed(&bus, &words, "hush");
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.err.is_empty() && said.out.contains("\nhint: Password goes to broker.example in the clear"),
        "{said:?}"
    );
    assert_eq!(said.out.matches("hint: ").count(), 1);
    done(&bus, Who::Admin, &["set", "ScanQos=1"]);
    assert!(done(&bus, Who::Admin, &["set", "--dry-run", "ScanQos=0"]).contains("hint: Password goes to"));
    assert!(done(&bus, Who::Admin, &["diagnose"]).contains("  - Password goes to broker.example in the clear"));
    let journal = || bus.log().matches("Password goes to broker.example in the clear").count();
    eventually("said in the journal", || journal() > 0);
    assert_eq!(journal(), 1, "once");
    // On this machine nobody is on the way.
    for host in ["127.0.0.1", "localhost", "::1"] {
        let said = fed(&bus, &["set", &format!("Host={host}"), "--secret-from", "Password=-"], "hush");
        assert!(said.status == 0 && !said.out.contains("hint: "), "{said:?}");
    }
    assert_eq!(
        fed(&bus, &["set", "EncryptionMode=psk", "PskIdentity=me", "Psk=@/dev/stdin", "Password="], "12").status,
        0
    );
    for (digits, bytes) in [(1, Some(1)), (4, Some(2)), (15, Some(8)), (32, None)] {
        let said = psk(digits);
        assert_eq!((said.status, said.out.matches("hint: ").count()), (0, usize::from(bytes.is_some())), "{said:?}");
        assert!(bytes.is_none_or(|bytes| said.out.contains(&format!("\nhint: Psk has {bytes} bytes"))), "{said:?}");
    }
}
