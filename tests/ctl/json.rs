//! `--json`: the shapes that cassia-bypassctl(1) tells.

use crate::ctl::{ctl, done, fed};
use crate::samples::{SECRETS, SETTINGS};
use crate::started;
use crate::support::bus::Bus;
use crate::support::identities::Who;
use serde_json::{Value, json};

fn answer(bus: &Bus, words: &[&str]) -> Value {
    let said = ctl(bus, Who::Admin, &[words, &["--json"]].concat());
    assert_eq!((said.status, &*said.err), (0, ""), "{words:?}: {said:?}");
    said.json()
}

#[test]
fn settings() {
    let (bus, _service) = started();
    let set = answer(&bus, &["set", "ScanQos=1", "FilterValues=-1:FF", "Password=@/proc/sys/kernel/ostype"]);
    let expected = json!({
        "ScanQos": {"before": 0, "value": 1, "changed": true},
        "FilterValues": {"before": [], "value": [[-1, "FF"]], "changed": true},
        "Password": {"before": false, "set": true},
    });
    assert_eq!(set, expected);
    let again = answer(&bus, &["set", "ScanQos=1"]);
    assert_eq!(again, json!({"ScanQos": {"before": 1, "value": 1, "changed": false}}));
    let expected = json!({
        "ScanQos": {"value": 1, "default": 0, "differs": true},
        "FilterValues": {"value": [[-1, "FF"]], "default": [], "differs": true},
        "Password": {"set": true},
    });
    assert_eq!(answer(&bus, &["show", "--changed"]), expected);
    let all = answer(&bus, &["show"]);
    assert_eq!(all.as_object().expect("an object").len(), SETTINGS.len() + SECRETS.len());
    assert_eq!(all["Host"], json!({"value": "", "default": "", "differs": false}));
    assert_eq!(answer(&bus, &["reset", "scan_qos"]), json!({"ScanQos": {"before": 1, "value": 0, "changed": true}}));
    let exported = answer(&bus, &["export", "--changed"]);
    assert_eq!(exported, json!({"filter_values": [[-1, "FF"]]}));
    let imported = fed(&bus, &["import", "-", "--json"], "port = 7\n");
    assert_eq!(imported.json(), json!({"Port": {"before": 0, "value": 7, "changed": true}}));
    let described = answer(&bus, &["describe", "Port", "Psk"]);
    assert_eq!(described[0]["Key"], "port");
    assert_eq!(described[0]["Type"], "q");
    assert_eq!(described[0]["Default"], 0);
    assert_eq!((described[1]["Secret"].clone(), described[1].get("Default")), (true.into(), None));
}

#[test]
fn judgements_and_diagnoses() {
    let (bus, _service) = started();
    assert_eq!(answer(&bus, &["set", "--dry-run", "Port=7"]), json!({"Problems": [], "Hints": [], "Certificates": []}));
    let said = ctl(&bus, Who::Admin, &["set", "--dry-run", "--json", "Port=7", "ScanQos=3"]);
    assert_eq!((said.status, &*said.err), (1, ""), "{said:?}");
    assert_eq!(said.json()["Problems"], json!([{"Setting": "ScanQos", "Message": "expected 0, 1 or 2"}]));
    let diagnosis = answer(&bus, &["diagnose"]);
    assert!(diagnosis["Hints"].as_array().is_some_and(|hints| !hints.is_empty()), "{diagnosis}");
    assert_eq!(diagnosis["Health"], "offline");
    let trial = ctl(&bus, Who::Admin, &["test", "--json", "Host=127.0.0.1", "Port=1"]);
    assert_eq!((trial.status, &*trial.err), (1, ""), "{trial:?}");
    assert_eq!((&trial.json()["Verdict"], &trial.json()["FailedStep"]), (&json!("refused"), &json!("tcp")));
    let step = trial.json()["Steps"][1].clone();
    assert_eq!((&step["Step"], &step["Result"]), (&json!("tcp"), &json!("failed")));
    assert!(step["DurationMs"].is_f64(), "{step}");
    let watched = done(&bus, Who::Nobody, &["watch", "-n", "0.1", "-c", "3", "--json"]);
    assert_eq!(watched.lines().count(), 3);
    for line in watched.lines() {
        let stats: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&stats["Ledger"]["Received"], &stats["Health"]), (&json!(0), &json!("offline")));
    }
}

#[test]
fn failures() {
    let (bus, _service) = started();
    let failed = |who, words: &[&str]| {
        let said = ctl(&bus, who, &[words, &["--json"]].concat());
        let error = said.json()["error"].clone();
        let text = error["text"].as_str().expect("a text");
        assert_eq!(said.err, text.lines().map(|line| format!("cassia-bypassctl: {line}\n")).collect::<String>());
        (said.status, error["kind"].clone(), error["name"].clone())
    };
    let invalid = "com.cassianetworks.Bypass1.Error.InvalidConfig";
    assert_eq!(failed(Who::Admin, &["set", "ScanQos=3"]), (1, "failed".into(), invalid.into()));
    assert_eq!(failed(Who::Admin, &["show", "Hots", "Prot"]), (2, "usage".into(), "".into()));
    let denied = "org.freedesktop.DBus.Error.AccessDenied";
    assert_eq!(failed(Who::Nobody, &["reset", "--all"]), (4, "forbidden".into(), denied.into()));
    assert_eq!(failed(Who::Admin, &["show", "--address", "unix:path=/nowhere"]), (3, "unavailable".into(), "".into()));
}
