//! Files of another version, damaged ones, and such that cannot be read.

use super::*;
use crate::config::LoadError;

/// Settings as a later version may write them: a key, a word and a range that are new, a secret of a new kind.
const NEWER: &str = "host = \"broker\"\nport = 1884\nprotocol = \"mqtt\"\nscan_mode = \"auto\"\nproxy = \"http://proxy:3128\"\n\
                     push_batch_size = 5000\nscan_qos = \"two\"\n\n[secrets]\npassword = 2\nproxy_password = 1\n";

fn newer() -> Disk {
    let disk = Disk::new();
    disk.write("state/settings.toml", NEWER)
        .write("state/secrets/password.2", "hush")
        .write("state/secrets/password.1", "old")
        .write("state/secrets/proxy_password.1", "new kind");
    disk
}

fn table(text: &str) -> toml::Table {
    text.parse().expect("TOML")
}

#[test]
fn settings_of_a_later_version_are_used_as_far_as_they_are_known() {
    let disk = newer();
    let (store, candidate, config) = disk.load();
    assert_eq!((&*candidate.raw.host, candidate.raw.port, &*candidate.raw.protocol), ("broker", 1884, "mqtt"));
    assert!(config.mqtt.is_some(), "the router goes on publishing");
    assert_eq!(candidate.secrets.password.expose(), "hush");
    // What is refused falls back alone.
    let base = store.base();
    assert_eq!(candidate.raw.scan_mode, base.raw.scan_mode);
    assert_eq!((candidate.raw.push_batch_size, candidate.raw.scan_qos), (base.raw.push_batch_size, base.raw.scan_qos));
    assert_eq!(candidate.ignored.names(), ["ScanMode", "ScanQos", "PushBatchSize", "proxy", "proxy_password"]);
    // It is as it was, but for a checksum before it; the file of a value that does not count is gone.
    assert!(disk.read("state/settings.toml").ends_with(&format!("\n{NEWER}")));
    assert_eq!(disk.names("state"), ["secrets", "secrets.good", "settings.toml", "settings.toml.good"]);
    assert_eq!(disk.names("state/secrets"), ["password.2", "proxy_password.1"]);
}

#[test]
fn settings_of_a_later_version_are_still_there_when_it_comes_back() {
    let disk = newer();
    let (mut store, mut candidate, _) = disk.load();
    candidate.raw.username = "operator".into();
    candidate.touch("Username");
    candidate.secrets.password = Secret::from("changed".to_owned());
    candidate.touch("Password");
    store.save(&candidate).expect("save");
    let mut expected = table(NEWER);
    expected.insert("username".into(), "operator".into());
    expected["secrets"]["password"] = toml::Value::Integer(3);
    assert_eq!(table(&disk.read("state/settings.toml")), expected);
    assert_eq!(disk.names("state/secrets"), ["password.3", "proxy_password.1"]);
    // And once more, from what was written.
    drop(store);
    assert_eq!(disk.load().1, candidate);
}

#[test]
fn settings_that_are_set_anew_replace_what_was_kept() {
    let disk = newer();
    let (mut store, mut candidate, _) = disk.load();
    let before = candidate.clone();
    candidate.raw.scan_mode = "active".into();
    candidate.touch("ScanMode");
    // To the value that is in force already, or back to the packaged one.
    candidate.touch("ScanQos");
    candidate.copy("PushBatchSize", store.base());
    assert_eq!(candidate.changed(&before), ["ScanMode", "ScanQos", "PushBatchSize"]);
    store.save(&candidate).expect("save");
    let kept = table(&disk.read("state/settings.toml"));
    assert_eq!(kept["scan_mode"].as_str(), Some("active"));
    assert!(!kept.contains_key("scan_qos") && !kept.contains_key("push_batch_size"), "{kept}");
    assert_eq!(candidate.ignored.names(), ["proxy", "proxy_password"]);
}

#[test]
fn settings_that_only_others_make_wrong_go_last() {
    // In each case: what is set, and what of it is ignored.
    for (text, ignored) in [
        // A rule that is new to this version.
        ("host = \"bro ker\"\nprotocol = \"mqtt\"\nport = 7\n", &["Protocol", "Host"][..]),
        ("protocol = \"mqtt\"\nport = 7\n", &["Protocol"]),
        (
            "host = \"b\"\nprotocol = \"mqtt\"\nport = 7\nrequire_client_certificate = true\n",
            &["RequireClientCertificate"],
        ),
        ("encryption_mode = \"quantum\"\nhost = \"b\"\nport = 7\n", &["EncryptionMode"]),
    ] {
        let disk = Disk::new();
        disk.write("state/settings.toml", text);
        let (_, candidate, _) = disk.load();
        assert_eq!(candidate.raw.port, 7, "{text}");
        assert_eq!(candidate.ignored.names().iter().map(String::as_str).collect::<Vec<_>>(), ignored, "{text}");
        assert!(disk.read("state/settings.toml").ends_with(text));
    }
}

#[test]
fn secrets_that_are_refused_or_gone_fall_back_alone() {
    let disk = Disk::new();
    disk.write("state/settings.toml", "port = 7\n\n[secrets]\npassword = 4\npsk = 2\nclient_key = -1\n")
        .write("state/secrets/psk.2", "no hex")
        .write("credentials/cassia-bypass.password", "of the factory");
    let (mut store, mut candidate, _) = disk.load();
    assert_eq!((candidate.raw.port, candidate.secrets.password.expose()), (7, "of the factory"));
    assert!(candidate.secrets.psk.is_empty());
    assert_eq!(candidate.ignored.names(), ["Password", "Psk", "ClientKey"]);
    assert_eq!(disk.names("state/secrets"), ["psk.2"], "another version may take it");
    candidate.secrets.psk = Secret::from("12".to_owned());
    candidate.touch("Psk");
    store.save(&candidate).expect("save");
    assert_eq!(disk.names("state/secrets"), ["psk.3"]);
}

#[test]
fn settings_that_are_no_toml_are_copied_aside_and_what_can_be_read_is_used() {
    for (damage, port, host) in [
        ("port = 8\nhost = ", 8, ""),
        ("port = \nhost = 'broker'\n[secrets]\npassword = 1\n", 7, "broker"),
        ("host = 'broker'\nport = 8\0\n[secrets]\npassword = 1\n", 7, "broker"),
        ("\0\0\0\0\0\0\0\0", 7, ""),
    ] {
        let disk = Disk::new();
        disk.write("vendor.toml", "port = 7\n")
            .write("state/settings.toml", damage)
            .write("state/secrets/password.1", "p")
            .write("state/secrets/psk.1", "12");
        let (mut store, mut candidate, _) = disk.load();
        assert_eq!((candidate.raw.port, &*candidate.raw.host), (port, host), "{damage:?}");
        assert_eq!(disk.read("state/settings.toml.bad"), damage);
        assert_eq!(disk.names("state/secrets"), ["password.1", "psk.1"], "it may yet be repaired");
        let named = damage.contains("password");
        assert_eq!(candidate.secrets.password.expose(), if named { "p" } else { "" }, "{damage:?}");
        // The next start finds what was used, and a good file.
        drop(store);
        assert_eq!(check_config(&disk.paths()), (vec![], true));
        (store, ..) = disk.load();
        assert_eq!(disk.names("state/secrets"), ["password.1", "psk.1"]);
        candidate.secrets.psk = Secret::from("34".to_owned());
        store.save(&candidate).expect("save");
        drop(store);
        assert_eq!(disk.load().1, candidate);
    }
}

#[test]
fn settings_that_cannot_be_read_are_left_as_they_are() {
    for unreadable in ["state/settings.toml", "state/secrets/password.1"] {
        let disk = Disk::new();
        disk.write("state/settings.toml", "port = 8\n\n[secrets]\npassword = 1\n")
            .write("state/secrets/password.1", "p");
        let path = disk.root.path().join(unreadable);
        // Reading a directory fails with EISDIR, whoever reads.
        let aside = path.with_extension("kept");
        std::fs::rename(&path, &aside).expect("rename");
        std::fs::create_dir(&path).expect("directory");
        assert!(matches!(load(disk.paths()), Err(LoadError::Unreadable(error)) if error.path == path), "{unreadable}");
        assert!(disk.problems().concat().contains("expected a readable file"), "{:?}", disk.problems());
        std::fs::remove_dir(&path).expect("nothing was put there");
        std::fs::rename(&aside, &path).expect("rename");
        let (_, candidate, _) = disk.load();
        assert_eq!((candidate.raw.port, candidate.secrets.password.expose()), (8, "p"));
    }
}
