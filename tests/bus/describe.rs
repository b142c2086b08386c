//! What a program needs to make a form: every setting described, and a change judged before it is made.

use crate::samples::{self, CERTIFICATE};
use crate::started;
use crate::support::bus::Bus;
use crate::support::busctl::CONFIG;
use crate::support::identities::Who;
use serde_json::{Value, json};

/// The dictionaries of `Describe`, as nobody sees them.
fn described(bus: &Bus) -> Vec<Value> {
    let answer = bus.call(Who::Nobody, "Describe", &[]).expect("Describe");
    answer["data"][0].as_array().expect("a list").clone()
}

/// Problems and certificates that `Check` answers with.
fn checked(bus: &Bus, words: &[&str]) -> (Value, Value) {
    let answer = bus.report(Who::Admin, "Check", words);
    (answer["Problems"].clone(), answer["Certificates"].clone())
}

#[test]
fn describe_has_every_setting_in_the_order_of_the_manual() {
    let (bus, _service) = started();
    let list = described(&bus);
    let manual = include_str!("../../dbus/README.md");
    let mut last = 0;
    for setting in &list {
        let name = setting["Name"]["data"].as_str().expect("a name");
        let place = manual.find(&format!("\n| `{name}` | `")).unwrap_or_else(|| panic!("{name} is not in the manual"));
        assert!(place > last, "{name} is out of order");
        last = place;
        let row = manual[place + 1..].lines().next().expect("a row");
        assert!(row.ends_with(&format!("| {} |", setting["Expected"]["data"].as_str().expect("text"))), "{row}");
        assert!(row.contains(&format!("| `{}` | ", setting["Type"]["data"].as_str().expect("text"))), "{row}");
        assert!(setting["Help"]["data"].as_str().is_some_and(|help| help.len() > 10), "{setting}");
        let secret = setting["Secret"]["data"] == true;
        assert_eq!(secret, setting.get("Default").is_none(), "{setting}");
        if !secret {
            assert_eq!(setting["Default"]["data"], bus.value(CONFIG, name), "{name}");
        }
    }
    assert_eq!(list.len(), samples::SETTINGS.len() + samples::SECRETS.len());
    let mode = list.iter().find(|s| s["Name"]["data"] == "EncryptionMode").expect("a setting");
    assert_eq!(mode["Choices"]["data"], json!(["none", "psk", "certificate"]));
    assert_eq!(mode["Key"]["data"], "encryption_mode");
}

#[test]
fn check_judges_a_change_as_apply_would_and_changes_nothing() {
    let (bus, _service) = started();
    assert_eq!(checked(&bus, &["a{sv}", "1", "Port", "q", "7"]), (json!([]), json!([])));
    let problem = |setting: &str, message: &str| json!({"Setting": setting, "Message": message});
    let (problems, _) = checked(
        &bus,
        &["a{sv}", "4", "Port", "s", "hush", "Prot", "q", "1", "ScanQos", "y", "3", "Protocol", "s", "mqtt"],
    );
    assert_eq!(
        problems,
        json!([
            problem("Port", "expected 0 (standard port) or a TCP port, 1-65535 (D-Bus type q, found s)"),
            problem("Prot", "expected the name of a setting (did you mean Protocol?)"),
            problem("Host", "expected a DNS name or an IP address, not empty while Protocol is mqtt"),
            problem("ScanQos", "expected 0, 1 or 2"),
        ])
    );
    for (name, right, _, wrong) in samples::SETTINGS {
        let count = |words: &[&str]| {
            let words = [&["a{sv}", "3", "Host", "s", "broker", "Port", "q", "0", name], words].concat();
            checked(&bus, &words).0.as_array().expect("a list").iter().filter(|p| p["Setting"] == *name).count()
        };
        if !["Host", "Port"].contains(name) {
            assert_eq!((count(right), count(wrong)), (0, 1), "{name}");
        }
    }
    assert_eq!(bus.value(CONFIG, "Port"), 0);
    assert!(!bus.state().join("settings.toml").exists());
}

#[test]
fn check_reads_a_pasted_certificate_before_it_is_saved() {
    let (bus, _service) = started();
    // Whatever else is wrong.
    let words = ["a{sv}", "2", "ClientCertificate", "s", CERTIFICATE, "RequireClientCertificate", "b", "true"];
    let (problems, certificates) = checked(&bus, &words);
    assert_eq!(problems[0]["Setting"], "RequireClientCertificate");
    assert_eq!(certificates.as_array().map(Vec::len), Some(1));
    let row = &certificates[0];
    assert_eq!(row["Setting"], "ClientCertificate");
    for part in ["Subject", "Issuer"] {
        assert!(row[part].as_str().is_some_and(|name| name.starts_with("CN=")), "{row}");
    }
    let millis = |part: &str| row[part].as_u64().expect("a time");
    assert!(millis("NotBefore") < millis("NotAfter") && row["DaysLeft"].is_i64(), "{row}");
    assert_eq!(bus.value(CONFIG, "ClientCertificate"), "");
    let refusal = bus.call(Who::Nobody, "Check", &["a{sv}", "0"]).expect_err("not for nobody");
    assert!(refusal.contains("Access denied"), "{refusal}");
}
