//! Damage, failing calls and changes by hand.

use super::*;
use crate::config::LoadError;
use crate::config::files::faults;

const GOOD: &str = "settings.toml.good";
const LINES: &str = include_str!("../../tests/bus/certificate.pem");

/// Settings, and a secret.
fn saved() -> (Disk, Candidate) {
    let disk = Disk::new();
    let (mut store, mut candidate, _) = disk.load();
    candidate.raw.host = "broker".into();
    candidate.raw.port = 1884;
    candidate.raw.protocol = "mqtt".into();
    candidate.raw.filter_values = vec![(-1, "FF".to_owned())];
    candidate.secrets.password = Secret::from("hush 1".to_owned());
    assert!(store.save(&candidate).expect("save").is_none());
    (disk, candidate)
}

impl Disk {
    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.root.path().join(name)).expect("a file")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.root.path().join(name), bytes).expect("write");
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.root.path().join(name)).expect("remove");
    }
}

/// Every byte of a file, with one bit changed, and with all.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let changes = (0..bytes.len()).flat_map(|at| [1, 1u8 << (at % 8), 0xFF].map(move |bits| (at, bits)));
    changes.map(|(at, bits)| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= bits;
        bytes
    })
}

#[test]
fn settings_hold_whichever_byte_of_a_file_is_damaged() {
    let (disk, candidate) = saved();
    let names = ["settings.toml", GOOD, "secrets/password.1", "secrets.good/password.1"];
    let whole = names.map(|name| disk.bytes(&format!("state/{name}")));
    for (name, bytes) in names.iter().zip(&whole) {
        for damage in damaged(bytes) {
            disk.put(&format!("state/{name}"), &damage);
            assert!(check_config(&disk.paths()).1);
            assert_eq!(disk.load().1, candidate, "{name}: {}", String::from_utf8_lossy(&damage));
            // Once it was said all is as it was; a line that is no checksum any more is a comment.
            let now = disk.bytes("state/settings.toml");
            assert!(now == whole[0] || now.ends_with(&damage), "{name}");
            for (name, bytes) in names.iter().zip(&whole).skip(2) {
                assert_eq!(disk.bytes(&format!("state/{name}")), *bytes, "{name}");
            }
            assert_eq!(disk.bytes("state/settings.toml.good"), now);
            assert_eq!(check_config(&disk.paths()), (vec![], true));
            names.iter().zip(&whole).for_each(|(name, bytes)| disk.put(&format!("state/{name}"), bytes));
        }
        // Wherever the file ends, and without it.
        for end in 0..bytes.len() {
            disk.put(&format!("state/{name}"), &bytes[..end]);
            assert_eq!(disk.load().1, candidate, "{name}: {end} bytes");
            names.iter().zip(&whole).for_each(|(name, bytes)| disk.put(&format!("state/{name}"), bytes));
        }
        disk.remove(&format!("state/{name}"));
        assert_eq!(disk.load().1, candidate, "{name} is gone");
        names.iter().zip(&whole).for_each(|(name, bytes)| disk.put(&format!("state/{name}"), bytes));
    }
}

#[test]
fn secret_of_several_lines_holds_whichever_byte_is_damaged() {
    let disk = Disk::new();
    let (mut store, mut candidate, _) = disk.load();
    candidate.secrets.password = Secret::from(LINES.to_owned());
    store.save(&candidate).expect("save");
    drop(store);
    let named = Generations::from([("password", 1)]);
    for name in ["state/secrets/password.1", "state/secrets.good/password.1"] {
        let whole = disk.bytes(name);
        for damage in damaged(&whole) {
            disk.put(name, &damage);
            let store = SecretStore::new(&disk.root.path().join("state"));
            let found = store.read(&Secrets::default(), &named, Path::new("settings.toml"), true).expect("readable");
            assert!(found.secrets.password.expose() == LINES && found.problems.is_empty());
            store.repair(&found.repairs).expect("repair");
            assert_eq!(disk.bytes(name), whole);
        }
    }
}

#[test]
fn settings_that_are_damaged_twice_are_salvaged() {
    let (disk, _) = saved();
    let text = disk.read("state/settings.toml").replace("port = 1884", "port = 18\u{1}4");
    disk.write("state/settings.toml", &text).write(&format!("state/{GOOD}"), &text);
    let (store, candidate, config) = disk.load();
    assert_eq!(
        (&*candidate.raw.host, candidate.raw.port, candidate.secrets.password.expose()),
        ("broker", 0, "hush 1")
    );
    assert!(config.mqtt.is_some());
    assert_eq!(disk.read("state/settings.toml.bad"), text);
    drop(store);
    assert_eq!(check_config(&disk.paths()), (vec![], true));
    // Both the secret and its copy.
    let (disk, candidate) = saved();
    for name in ["state/secrets/password.1", "state/secrets.good/password.1"] {
        let mut bytes = disk.bytes(name);
        *bytes.last_mut().expect("a secret") ^= if name.contains("good") { 2 } else { 1 };
        disk.put(name, &bytes);
    }
    let (_store, found, _) = disk.load();
    assert!(found.secrets.password.is_empty(), "never one that nobody set");
    assert_eq!(found.raw, candidate.raw);
    assert_eq!(found.ignored.names(), ["Password"]);
}

#[test]
fn settings_of_an_older_version_are_read_and_sealed() {
    // It knows no checksum: neither a reset nor a secret that it set anew is undone by what lies there.
    let (disk, _) = saved();
    let old = format!("{HEADER}port = 7\n\n[secrets]\npassword = 1\n");
    disk.write("state/settings.toml", &old).write("state/secrets/password.1", "set by it");
    let (store, candidate, _) = disk.load();
    assert_eq!((&*candidate.raw.host, candidate.raw.port, candidate.secrets.password.expose()), ("", 7, "set by it"));
    assert!(disk.read("state/settings.toml").ends_with(&old), "{}", disk.read("state/settings.toml"));
    drop(store);
    let mut flipped = disk.bytes("state/settings.toml");
    let at = flipped.len() - 3;
    flipped[at] ^= 1;
    disk.put("state/settings.toml", &flipped);
    assert_eq!(disk.load().1, candidate, "it is sealed since the first start");
    // All that it reset.
    disk.write("state/settings.toml", HEADER);
    assert_eq!(disk.load().1, Candidate::default());
    // The older version reads what this one writes: its keys, and the secret as the whole file.
    let (disk, candidate) = saved();
    let table: toml::Table = disk.read("state/settings.toml").parse().expect("TOML");
    assert_eq!((table["port"].as_integer(), table.len()), (Some(1884), 5));
    assert_eq!(table["secrets"].as_table().map(toml::Table::len), Some(1));
    assert_eq!(disk.read("state/secrets/password.1"), candidate.secrets.password.expose());
    assert!(!disk.read("state/settings.toml").contains(&format!("{:08x}", crc32fast::hash(b"hush 1"))));
    for name in ["state/secrets.good", "state/secrets"] {
        assert_eq!(mode(&disk.root.path().join(name)), 0o700);
        assert_eq!(mode(&disk.root.path().join(name).join("password.1")), 0o600);
    }
}

#[test]
fn settings_that_were_changed_by_hand_count_without_their_checksum() {
    let (disk, candidate) = saved();
    let by_hand = disk.read("state/settings.toml").replace("port = 1884", "port = 9\n# by hand");
    disk.write("state/settings.toml", &by_hand);
    assert_eq!(disk.load().1, candidate, "it looks like damage");
    assert_eq!(disk.read("state/settings.toml.bad"), by_hand, "it is not lost");
    let (line, rest) = by_hand.split_once('\n').expect("lines");
    assert!(line.contains("Remove this line"), "{line}");
    disk.write("state/settings.toml", rest);
    assert_eq!(disk.load().1.raw.port, 9);
    assert!(disk.read("state/settings.toml").ends_with(rest));
    assert_eq!(disk.load().1.raw.port, 9);
}

#[test]
fn settings_hold_at_the_next_start_after_a_read_that_failed() {
    use rustix::io::Errno;
    for errno in [Errno::IO, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::ACCESS] {
        let (disk, candidate) = saved();
        disk.write("credentials/cassia-bypass.psk", "1234").write("vendor.toml", "scan_qos = 1\n");
        let before = disk.names("state");
        let mut reads = 0;
        // The lock and what follows the reads is no matter here.
        for call in 1.. {
            let (loaded, reached) = faults::with(call, 1, errno.raw_os_error(), || load(disk.paths()));
            match loaded {
                Ok((_, found, _)) => {
                    // In force though it could not be read: the good one or the copy, or the vendor's file is not there.
                    let raw = (found.raw.host, found.raw.port, found.secrets.password);
                    assert!(
                        raw == (candidate.raw.host.clone(), 1884, candidate.secrets.password.clone()),
                        "{errno} {call}"
                    );
                }
                Err(LoadError::Unreadable(_)) => reads += 1,
                Err(LoadError::Wrong(problems)) => assert!(errno == Errno::ACCESS, "{errno} {call}: {problems:?}"),
            }
            assert_eq!(disk.names("state"), before, "{errno} {call}");
            let (_, found, _) = disk.load();
            assert_eq!((found.raw.port, found.raw.scan_qos, found.secrets.psk.expose()), (1884, 1, "1234"));
            assert_eq!(found.secrets.password.expose(), "hush 1");
            if !reached {
                assert!(call > 8, "{call}");
                break;
            }
        }
        assert!(reads >= 3, "{errno}: {reads}");
    }
}

#[test]
fn settings_that_a_medium_never_gives_again_are_the_last_good_ones() {
    let (disk, candidate) = saved();
    let before = disk.bytes("state/settings.toml");
    let file = StateFile::read(&disk.root.path().join("state/settings.toml"));
    assert!(file.restored.is_none() && file.sealed);
    let (file, _) = faults::with(0, 1, 5, || StateFile::read(&disk.root.path().join("state/settings.toml")));
    assert!(
        file.restored.is_some_and(|restored| restored.unreadable)
            && file.layer.values["port"].as_integer() == Some(1884)
    );
    assert_eq!(disk.bytes("state/settings.toml"), before);
    assert_eq!(disk.load().1, candidate);
}

/// What a save says, what is in memory and what the next start finds agree, whichever call of the system fails.
#[test]
fn settings_are_saved_or_not_whichever_call_of_the_system_fails() {
    for failing in [1, u32::MAX] {
        for call in 0.. {
            let (disk, old) = saved();
            let (mut store, mut candidate, _) = disk.load();
            candidate.raw.host = "other".into();
            candidate.secrets.password = Secret::from("changed".to_owned());
            candidate.secrets.psk = Secret::from("12".to_owned());
            let (result, reached) = faults::with(call, failing, 5, || store.save(&candidate));
            if !reached {
                assert!(call > 30, "{call} calls");
                break;
            }
            let expected = if result.is_ok() { &candidate } else { &old };
            assert!(store.saved == *expected, "call {call}: in memory");
            drop(store);
            let (mut store, found, _) = disk.load();
            assert!(found == *expected, "call {call}: {result:?}");
            store.save(&candidate).expect("the disk works again");
            drop(store);
            assert!(disk.load().1 == candidate, "call {call}");
            let files = ["password.2", "psk.1"];
            assert!(disk.names("state/secrets").iter().all(|name| !name.starts_with("password.1")), "call {call}");
            assert_eq!(disk.names("state/secrets").len(), files.len(), "call {call}");
            assert_eq!(disk.names("state/secrets"), disk.names("state/secrets.good"), "call {call}");
        }
    }
}
