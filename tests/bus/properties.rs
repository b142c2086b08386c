//! Every property by itself: default and type, right and wrong values.

use crate::samples::{SECRETS, SETTINGS};
use crate::started;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::identities::Who;
use crate::support::introspection::properties;
use cassia_bypass::config::{self, RawConfig};
use serde_json::{Value, json};

#[test]
fn samples_cover_every_setting() {
    for setting in config::SETTINGS {
        assert!(SETTINGS.iter().any(|sample| sample.0 == setting.name), "{}", setting.name);
    }
    for secret in config::SECRETS {
        assert!(SECRETS.iter().any(|sample| sample.0 == secret.name), "{}", secret.name);
    }
}

#[test]
fn properties_have_their_default_and_type() {
    let (bus, _service) = started();
    let all = bus.busctl(Who::Nobody, &["call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", CONFIG]);
    let all = all.expect("GetAll")["data"][0].clone();
    let defaults = serde_json::to_value(RawConfig::default()).expect("defaults");
    for setting in config::SETTINGS {
        let sample = SETTINGS.iter().find(|sample| sample.0 == setting.name).expect("a sample");
        let expected = json!({"type": sample.1[0], "data": defaults[setting.key]});
        assert_eq!(all[setting.name], expected, "{}", setting.name);
        assert_eq!(bus.get(Who::Nobody, CONFIG, setting.name).expect("Get"), expected, "{}", setting.name);
    }
    for secret in config::SECRETS {
        assert_eq!(all[format!("{}Set", secret.name)], json!({"type": "b", "data": false}));
    }
    assert_eq!(all.as_object().expect("a dictionary").len(), config::SETTINGS.len() + config::SECRETS.len());
}

#[test]
fn properties_take_a_right_value_and_refuse_a_wrong_one() {
    let (bus, _service) = started();
    for (name, right, told, wrong) in SETTINGS {
        bus.set(Who::Admin, name, right).unwrap_or_else(|error| panic!("{name}: {error}"));
        let told = if told.is_empty() { json!(right[1]) } else { serde_json::from_str(told).expect("JSON") };
        assert_eq!(bus.value(CONFIG, name), told, "{name}");

        let refusal = bus.set(Who::Admin, name, wrong).expect_err(name);
        let expected = config::setting(name).expect("a setting").expected;
        assert!(refusal.contains(&format!(": {name}: expected {expected}")), "{name}: {refusal}");
        assert!(!refusal.contains("hush"), "a value was told: {refusal}");
        if wrong[0] != right[0] {
            assert!(refusal.ends_with(&format!("(D-Bus type {}, found {})", right[0], wrong[0])), "{refusal}");
        }
        assert_eq!(bus.value(CONFIG, name), told, "{name} after a refusal");
    }
}

#[test]
fn properties_refused_name_the_setting_that_would_be_missing() {
    let (bus, _service) = started();
    let refusal = bus.set(Who::Root, "Protocol", &["s", "mqtt"]).expect_err("no host");
    assert!(
        refusal.ends_with(": Host: expected a DNS name or an IP address, not empty while Protocol is mqtt"),
        "{refusal}"
    );
    let refusal = bus.set(Who::Root, "EncryptionMode", &["s", "psk"]).expect_err("no key");
    assert!(refusal.contains("PskIdentity: expected ") && refusal.contains("(Psk is not set)"), "{refusal}");
}

#[test]
fn statistics_have_their_types() {
    let (bus, _service) = started();
    let all = bus.busctl(Who::Nobody, &["call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", STATS]);
    let all = all.expect("GetAll")["data"][0].clone();
    let zero = json!({"type": "t", "data": 0});
    for name in [
        "Received",
        "Published",
        "Filtered",
        "Deduplicated",
        "Unpublished",
        "Dropped",
        "Queued",
        "InFlight",
        "Messages",
    ] {
        assert_eq!(all[name], zero, "{name}");
    }
    for name in [
        "Malformed",
        "CaptureLost",
        "Connects",
        "Failures",
        "Failovers",
        "Recovered",
        "DuplicatesEvicted",
        "Truncated",
        "TimestampsWithheld",
    ] {
        assert_eq!(all[name], zero, "{name}");
    }
    for name in ["ReceiveRate", "PublishRate"] {
        assert_eq!(all[name]["type"], "d", "{name}");
    }
    for name in ["Broker", "LastError", "LastErrorDetail", "RadioDetail", "CaptureReason"] {
        assert_eq!(all[name]["type"], "s", "{name}");
    }
    for name in ["Health", "HealthReason", "LinkState", "RadioState", "Capture", "Version", "Router"] {
        assert_eq!(all[name]["type"], "s", "{name}");
        assert_ne!(all[name]["data"], "", "{name}");
    }
    assert_eq!(all["Adapters"], json!({"type": "as", "data": []}));
    assert_eq!(all["AdapterAddresses"], json!({"type": "as", "data": []}));
    assert_eq!(all["Radios"]["type"], "aa{sv}");
    assert_eq!(all["Certificates"], json!({"type": "aa{sv}", "data": []}));
    assert_eq!(all["StateWritable"], json!({"type": "b", "data": true}));
    assert_eq!(all["Version"]["data"], env!("CARGO_PKG_VERSION"));
    let reasons =
        json!({"queue-full": 0, "refused": 0, "shutdown": 0, "spool-full": 0, "spool-age": 0, "spool-damaged": 0});
    assert_eq!(all["DroppedByReason"], json!({"type": "a{st}", "data": reasons}));
    let malformed = json!({"cut-short": 0, "invalid-value": 0, "no-report": 0, "trailing-bytes": 0, "signal": 0});
    assert_eq!(all["MalformedByReason"], json!({"type": "a{st}", "data": malformed}));
    let filters = json!({"rssi": 0, "mac": 0, "name": 0, "uuid": 0, "value": 0});
    assert_eq!(all["FilteredByReason"], json!({"type": "a{st}", "data": filters}));
    let rungs = ["capture", "retry", "power-on", "rescan", "power-cycle", "power-cycle-withheld", "discovery"];
    let recoveries = all["Recoveries"]["data"].as_object().expect("a dictionary");
    assert!(rungs.iter().all(|rung| recoveries.contains_key(*rung)) && recoveries.len() == rungs.len());
    assert_eq!(all["ClockSynchronised"]["type"], "b");
    assert_eq!(all["HealthSince"], json!({"type": "t", "data": 0}), "no time without a clock");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_millis() as u64;
    let started = all["StartedAt"]["data"].as_u64().expect("a number");
    assert!(started <= now && now - started < 60_000, "{started}");
    assert!(all["UptimeSecs"]["data"].as_u64().is_some_and(|secs| secs < 60));
    let written = properties(include_str!("../../dbus/com.cassianetworks.Bypass1.Stats.xml"));
    let mut promised: Vec<String> = written.into_iter().map(|property| property.name).collect();
    promised.sort_unstable();
    assert_eq!(all.as_object().expect("a dictionary").keys().cloned().collect::<Vec<_>>(), promised);
}

#[test]
fn ledger_adds_up() {
    let (bus, _service) = started();
    let ledger = bus.value(STATS, "Ledger");
    let count = |name: &str| ledger[name].as_u64().unwrap_or_else(|| panic!("{name} is missing: {ledger}"));
    let known: u64 =
        ["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"]
            .map(count)
            .iter()
            .sum();
    assert_eq!(count("Received") + count("Recovered"), known);
    let reasons = bus.value(STATS, "DroppedByReason");
    for reason in reasons.as_object().expect("a dictionary").keys() {
        count(&format!("Dropped.{reason}"));
    }
    let filters = bus.value(STATS, "FilteredByReason");
    let filtered = filters.as_object().expect("a dictionary").keys().map(|filter| count(&format!("Filtered.{filter}")));
    assert_eq!(filtered.sum::<u64>(), count("Filtered"));
    let malformed = bus.value(STATS, "MalformedByReason");
    for reason in malformed.as_object().expect("a dictionary").keys() {
        count(&format!("Malformed.{reason}"));
    }
    assert_eq!(ledger.as_object().map(serde_json::Map::len), Some(32));
}

#[test]
fn statistics_are_read_only() {
    let (bus, _service) = started();
    let refusal = bus.busctl(Who::Root, &["set-property", NAME, PATH, STATS, "Received", "t", "1"]);
    assert!(refusal.is_err());
    assert_eq!(bus.value(STATS, "Received"), Value::from(0));
}
