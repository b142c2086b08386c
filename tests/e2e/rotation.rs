//! Credentials change while adverts flow: nothing is lost, and nothing secret is told.

use crate::rig::Rig;
use crate::support::broker::{PASSWORD, PSK, PSK_IDENTITY, Scenario, USER};
use crate::support::busctl::CONFIG;
use crate::support::eventually;
use crate::support::identities::Who;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Plays without end while the settings change.
fn while_playing(rig: &Rig, work: impl FnOnce()) -> u32 {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let player = scope.spawn(|| {
            let mut next = 0;
            while !over.load(Ordering::Relaxed) {
                rig.air.play(next..next + 5, 3);
                next += 5;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            next
        });
        work();
        over.store(true, Ordering::Relaxed);
        player.join().expect("no panic")
    })
}

#[test]
fn credentials_are_changed_without_a_loss() {
    let rig = Rig::start();
    rig.set("ScanQos", &["y", "1"]);
    rig.set("PushIntervalMs", &["u", "10"]);
    rig.configure(Scenario::ClientCertificate);
    rig.await_stat("LinkState", "connected");
    let (port, other) = (rig.broker.ports.client_certificate.to_string(), rig.broker.ports.psk.to_string());
    let apply = |settings: &[[&str; 3]]| {
        let count = settings.len().to_string();
        let words = [&["a{sv}", &*count][..], settings.as_flattened()].concat();
        rig.bus.call(Who::Admin, "Apply", &words).unwrap_or_else(|error| panic!("{error}"));
    };
    let count = while_playing(&rig, || {
        for round in 1..=4 {
            let published = rig.ledger()["Published"];
            // A password that the broker refuses: adverts wait.
            apply(&[["Password", "s", "old"]]);
            rig.await_stat("LastError", "auth");
            // Another way altogether, in one step.
            apply(&[
                ["Password", "s", PASSWORD],
                ["EncryptionMode", "s", "psk"],
                ["PskIdentity", "s", PSK_IDENTITY],
                ["Psk", "s", PSK],
                ["Port", "q", &other],
            ]);
            rig.await_stat("LinkState", "connected");
            // And back to certificates: elsewhere, so that the password is given with it.
            apply(&[["Password", "s", PASSWORD], ["EncryptionMode", "s", "certificate"], ["Port", "q", &port]]);
            eventually("adverts flow", || rig.ledger()["Published"] > published + round * 5);
            rig.await_stat("LinkState", "connected");
        }
    });
    let mut arrived = BTreeSet::new();
    eventually("all of it", || {
        arrived = rig.arrived("scanTopic").into_iter().collect();
        (arrived.len() as u32 >= count).then_some(()).ok_or_else(|| format!("{} of {count}", arrived.len()))
    });
    assert_eq!((arrived, rig.ledger()["Dropped"]), ((0..count).collect(), 0));
}

/// Every text under a directory that others than its owner could read.
fn readable(directory: &Path, texts: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        if metadata.permissions().mode() & 0o005 == 0 {
            continue;
        }
        if metadata.is_dir() {
            readable(&path, texts);
        } else if metadata.is_file() {
            texts.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
}

/// Planted secrets are looked for wherever somebody could look.
#[test]
fn secrets_appear_nowhere() {
    const PLANTED: [&str; 2] = ["Xyzzy-planted-4711", "0badc0de5ec2e7f00d1e"];
    let rig = Rig::start();
    let (_watcher, signals) = rig.bus.watch_signals();
    let key = rig.broker.certificates.client.key.clone();
    let line = key.lines().nth(1).expect("a line of the key").to_owned();
    rig.set("StatusTopic", &["s", "status"]);
    rig.configure(Scenario::ClientCertificate);
    rig.set("Password", &["s", PLANTED[0]]);
    rig.set("Psk", &["s", PLANTED[1]]);
    rig.await_stat("LastError", "auth");
    // Answers of every kind, errors among them.
    let mut told = vec![
        rig.bus.call(Who::Admin, "TestConnection", &["a{sv}", "0"]).expect("a trial").to_string(),
        rig.bus.call(Who::Admin, "Diagnose", &[]).expect("a diagnosis").to_string(),
        rig.bus
            .call(Who::Admin, "Apply", &["a{sv}", "2", "Psk", "s", PLANTED[1], "Port", "s", "x"])
            .expect_err("wrong"),
        rig.bus
            .call(Who::Admin, "Apply", &["a{sv}", "2", "Password", "s", PLANTED[0], "KeepAliveSecs", "q", "1"])
            .expect_err("wrong"),
        rig.bus
            .call(Who::Admin, "TestConnection", &["a{sv}", "2", "Psk", "s", PLANTED[1], "ScanQos", "y", "9"])
            .expect_err("wrong"),
    ];
    for interface in [CONFIG, crate::support::busctl::STATS] {
        let words = [
            "call",
            crate::support::busctl::NAME,
            crate::support::busctl::PATH,
            "org.freedesktop.DBus.Properties",
            "GetAll",
            "s",
            interface,
        ];
        told.push(rig.bus.busctl(Who::Root, &words).expect("GetAll").to_string());
    }
    rig.set("Password", &["s", PASSWORD]);
    rig.set("Username", &["s", USER]);
    rig.await_stat("LinkState", "connected");
    eventually("the status is there", || rig.messages().iter().any(|(topic, _): &(String, Value)| topic == "status"));
    told.extend(rig.messages().into_iter().map(|(_, message)| message.to_string()));
    told.push(rig.bus.log());
    eventually("signals were seen", || signals.contains("PasswordSet") && signals.contains("LinkState"));
    told.extend(signals.all());
    let process = Path::new("/proc").join(rig.service.id().to_string());
    for file in ["cmdline", "environ", "comm", "status", "limits"] {
        told.push(String::from_utf8_lossy(&fs::read(process.join(file)).expect(file)).into_owned());
    }
    // A process that makes no core dump is root's to look into (proc(5)).
    assert_eq!(fs::metadata(process.join("environ")).expect("a file").uid(), 0);
    let mut texts: Vec<_> = told.into_iter().map(|text| ("an answer".to_owned(), text.into_bytes())).collect();
    readable(rig.bus.directory(), &mut texts);
    assert!(texts.iter().any(|(path, _)| path.ends_with("/log")), "the log is readable, and was searched");
    for (place, text) in texts {
        for secret in [PLANTED[0], PLANTED[1], &line] {
            assert!(!text.windows(secret.len()).any(|window| window == secret.as_bytes()), "{place} holds a secret");
        }
    }
}
