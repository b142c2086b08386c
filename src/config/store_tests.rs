use super::*;
use crate::config::{Config, Secret};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

struct Disk {
    root: TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { root: tempfile::tempdir().expect("temporary directory") }
    }

    fn paths(&self) -> Paths {
        let at = |name: &str| self.root.path().join(name);
        Paths {
            vendor: at("vendor.toml"),
            credentials: Some(at("credentials")),
            site: at("site.toml"),
            state: at("state"),
        }
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.root.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        std::fs::write(path, text).expect("write");
        self
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.root.path().join(name)).unwrap_or_default()
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.path().join(directory)).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn load(&self) -> (Store, Candidate, Config) {
        load(self.paths()).expect("good files")
    }

    fn problems(&self) -> Vec<String> {
        let prefix = format!("{}/", self.root.path().display());
        check_config(&self.paths()).0.iter().map(|p| p.to_string().replace(&prefix, "")).collect()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

#[test]
fn settings_without_files_are_the_defaults() {
    let (_, candidate, config) = Disk::new().load();
    assert_eq!(candidate, Candidate::default());
    assert_eq!(config, Config::check(&Candidate::default()).expect("defaults"));
}

#[test]
fn layers_lie_on_earlier_ones() {
    let disk = Disk::new();
    disk.write("vendor.toml", "host = 'vendor'\nport = 1\nscan_qos = 1\n");
    disk.write("site.toml", "host = 'site'\nport = 2\nfilter_values = [[-1, 'FF']]\n");
    disk.write("state/settings.toml", "host = 'state'\n");
    let (store, candidate, _) = disk.load();
    assert_eq!((&*candidate.raw.host, candidate.raw.port, candidate.raw.scan_qos), ("state", 2, 1));
    assert_eq!(candidate.raw.filter_values, [(-1, "FF".to_owned())]);
    assert_eq!(store.base().raw.host, "site");
}

#[test]
fn layers_have_every_problem_found_with_file_and_key() {
    let disk = Disk::new();
    disk.write("vendor.toml", "port = 70000\nscan_qos = 'two'\nhosts = 'x'\npassword = 12345678\nfilter_names = [1]\n");
    disk.write(
        "site.toml",
        "scan_mode = 'hush-hush'\nprotocol = 'mqtt'\ntimestamp = 1\nfilter_values = [[1, 'FF', 2]]\n",
    );
    disk.write("state/settings.toml", "[secrets]\npsk = 4\n");
    assert_eq!(
        disk.problems(),
        [
            "vendor.toml: filter_names: expected a list of at most 64 names without control characters: exact, Prefix*, *Suffix or * (found an array with items of another type)",
            "vendor.toml: hosts: expected a known key (did you mean host?)",
            "vendor.toml: password: expected not in this file: it is a secret, set Password over D-Bus or in the credential cassia-bypass.password",
            "vendor.toml: port: expected 0 (standard port) or a TCP port, 1-65535 (found an integer out of range)",
            "vendor.toml: scan_qos: expected 0, 1 or 2 (found a string)",
            "site.toml: filter_values: expected a list of at most 64 pairs (offset -1 to 1649, hex bytes) (found an array with items of another type)",
            "site.toml: timestamp: expected true or false (found an integer)",
            "state/settings.toml: secrets.psk: expected the readable file state/secrets/psk.4 (entity not found)",
            "site.toml: scan_mode: expected one of off, passive, active",
            "site.toml: host: expected a DNS name or an IP address, not empty while Protocol is mqtt",
        ]
    );
}

#[test]
fn layers_have_syntax_errors_with_a_place_and_no_value() {
    let disk = Disk::new();
    disk.write("vendor.toml", "port = 1\n  password = hunter2\n")
        .write("site.toml", "scan_qos = 7\nprotocol = 'mqtt'\n");
    let problems = disk.problems();
    assert!(problems[0].starts_with("vendor.toml:2:14: expected TOML ("), "{problems:?}");
    assert!(!problems.concat().contains("hunter2"), "{problems:?}");
    assert_eq!(problems[1..], ["site.toml: scan_qos: expected 0, 1 or 2"]);
}

#[test]
fn layers_that_need_a_missing_setting_are_named() {
    let disk = Disk::new();
    disk.write("vendor.toml", "port = 1\n").write("site.toml", "protocol = 'mqtt'\n");
    disk.write("state/settings.toml", "username = 'u'\n");
    assert_eq!(
        disk.problems(),
        ["site.toml: host: expected a DNS name or an IP address, not empty while Protocol is mqtt"]
    );
    assert!(load(disk.paths()).is_err(), "a packaged layer is bad");
    assert_eq!(disk.names("state"), ["settings.toml"]);
}

#[test]
fn settings_and_secrets_are_saved_together() {
    let disk = Disk::new();
    disk.write("vendor.toml", "port = 1\n");
    let (mut store, mut candidate, _) = disk.load();
    candidate.raw.host = "broker".into();
    candidate.secrets.password = Secret::from("hush\n".to_owned());
    store.save(&candidate).expect("save");
    assert!(disk.read("state/settings.toml").ends_with("host = \"broker\"\n\n[secrets]\npassword = 1\n"));
    candidate.secrets.password = Secret::from("other".to_owned());
    candidate.secrets.psk = Secret::from("12".to_owned());
    store.save(&candidate).expect("save");
    assert_eq!(disk.names("state/secrets"), ["password.2", "psk.1"]);
    candidate.raw.port = 0;
    store.save(&candidate).expect("save");
    assert_eq!(disk.names("state/secrets"), ["password.2", "psk.1"]);
    assert_eq!(mode(&disk.root.path().join("state/secrets")), 0o700);
    assert_eq!(mode(&disk.root.path().join("state/secrets/psk.1")), 0o600);
    assert_eq!(mode(&disk.root.path().join("state/settings.toml")), 0o600);
    drop(store);
    assert_eq!(disk.load().1, candidate);
    candidate.secrets = Secrets::default();
    disk.load().0.save(&candidate).expect("save");
    assert!(disk.names("state/secrets").is_empty());
}

#[test]
fn settings_survive_an_interrupted_save_without_litter() {
    let disk = Disk::new();
    let (mut store, mut candidate, _) = disk.load();
    candidate.secrets.password = Secret::from("old".to_owned());
    store.save(&candidate).expect("save");
    drop(store);
    disk.write("state/secrets/password.2", "half")
        .write("state/settings.toml.new", "hal")
        .write("state/secrets/note", "");
    assert_eq!(disk.load().1, candidate);
    assert_eq!(disk.names("state/secrets"), ["note", "password.1"]);
    assert_eq!(disk.names("state"), ["secrets", "secrets.good", "settings.toml", "settings.toml.good"]);
}

#[test]
fn store_is_written_by_one_service() {
    let disk = Disk::new();
    disk.write("state/secrets/psk.9", "");
    let (mut first, mut candidate, _) = disk.load();
    disk.write("state/secrets/psk.9", "being written").write("state/settings.toml", "broken");
    let (mut second, ..) = disk.load();
    assert_eq!(disk.names("state/secrets"), ["psk.9"]);
    assert_eq!(disk.names("state"), ["secrets", "settings.toml"]);
    assert_eq!(disk.read("state/settings.toml"), "broken");
    let refused = second.save(&candidate).expect_err("the first has the directory").to_string();
    assert!(refused.contains("another cassia-bypassd uses"), "{refused}");
    assert!(second.probe(true).is_err() && second.probe(false).is_err());
    candidate.raw.port = 7;
    candidate.secrets.password = Secret::from("p".to_owned());
    first.save(&candidate).expect("save");
    drop(first);
    // What the first saved is not written over with what the second knows.
    let refused = second.save(&Candidate::default()).expect_err("it is out of date").to_string();
    assert!(refused.contains("restart this one"), "{refused}");
    drop(second);
    let (first, found, _) = disk.load();
    assert_eq!(found, candidate);
    // Of what nobody changed a second one takes over.
    let (mut second, ..) = disk.load();
    drop(first);
    candidate.raw.port = 8;
    second.save(&candidate).expect("save");
    drop(second);
    assert_eq!(disk.load().1, candidate);
}

#[test]
fn store_probe_writes_only_in_doubt() {
    let disk = Disk::new();
    let (mut store, ..) = disk.load();
    store.probe(true).expect("directory");
    store.probe(false).expect("a file");
    assert!(disk.names("state").is_empty());
    std::fs::remove_dir(disk.root.path().join("state")).expect("remove");
    assert!(store.probe(true).is_err());
}

#[path = "credentials_tests.rs"]
mod credentials;
#[path = "damage_tests.rs"]
mod damage;
#[path = "rollback_tests.rs"]
mod rollback;
