//! A secret goes in and never comes out.

use crate::bus;
use crate::samples::SECRETS;
use crate::started;
use crate::support::busctl::{CONFIG, NAME, PATH};
use crate::support::identities::Who;
use crate::support::process::output;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const PASSWORD: &str = "correct horse battery staple";
const PSK: &str = "123456789abcdef";

fn client_key() -> String {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let key = EcKey::generate(&group).expect("a key").private_key_to_pem().expect("PEM");
    String::from_utf8(key).expect("text")
}

#[test]
fn secrets_are_written_only() {
    let (bus, service) = started();
    let key = client_key();
    let secrets = [("Password", PASSWORD), ("Psk", PSK), ("ClientKey", &*key)];
    for (name, value) in secrets {
        bus.set(Who::Admin, name, &["s", value]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(bus.value(CONFIG, &format!("{name}Set")), true, "{name}");
        for who in [Who::Root, Who::Admin, Who::Nobody] {
            assert!(bus.get(who, CONFIG, name).is_err(), "{name}");
        }
    }
    let all = bus.busctl(Who::Root, &["call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", CONFIG]);
    let all = all.expect("GetAll")["data"][0].clone();
    let introspection = bus.introspect(Who::Nobody).expect("introspection");
    for (name, _) in secrets {
        assert!(all.get(name).is_none(), "{name}");
        assert!(introspection.contains(&format!("<property name=\"{name}\" type=\"s\" access=\"write\">")), "{name}");
    }
    // One more change, an error and a stop, so that all is said that may be said.
    bus.set(Who::Admin, "Port", &["q", "1"]).expect("Set");
    bus.call(Who::Admin, "Apply", &["a{sv}", "2", "Password", "s", PASSWORD, "Psk", "s", "0xdeadbeef"])
        .expect_err("hex");
    assert_eq!(service.stop().code(), Some(0));

    let settings = fs::read_to_string(bus.state().join("settings.toml")).expect("settings");
    let line = key.lines().nth(1).expect("a line of the key");
    for text in [&settings, &bus.log(), &all.to_string()] {
        for secret in [PASSWORD, PSK, line, "deadbeef"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(bus.log().contains("settings changed: Password"), "{}", bus.log());
}

#[test]
fn secrets_lie_in_files_of_their_own() {
    let (bus, _service) = started();
    bus.set(Who::Admin, "Password", &["s", "one"]).expect("Set");
    bus.set(Who::Admin, "Password", &["s", PASSWORD]).expect("Set");
    let directory = bus.state().join("secrets");
    let files: Vec<_> =
        fs::read_dir(&directory).expect("a directory").map(|entry| entry.expect("a file").path()).collect();
    assert_eq!(files, [directory.join("password.2")], "the old one is gone");
    assert_eq!(fs::read_to_string(&files[0]).expect("a file"), PASSWORD);
    let mode = |path| fs::metadata(path).expect("metadata").permissions().mode() & 0o7777;
    assert_eq!((mode(&directory), mode(&files[0])), (0o700, 0o600));
    assert_eq!(mode(&bus.state().join("settings.toml")), 0o600);
    bus.set(Who::Admin, "Password", &["s", ""]).expect("removed");
    assert_eq!(fs::read_dir(&directory).expect("a directory").count(), 0);
    assert_eq!(bus.value(CONFIG, "PasswordSet"), false);
}

#[test]
fn secret_that_is_refused_is_not_repeated() {
    let (bus, _service) = started();
    for (name, wrong) in SECRETS {
        let refusal = bus.set(Who::Admin, name, wrong).expect_err(name);
        assert!(refusal.contains(&format!(": {name}: expected ")), "{refusal}");
        assert!(!refusal.contains(wrong[1]), "{refusal}");
    }
    assert!(!bus.log().contains("deadbeef"));
}

#[test]
fn secret_in_a_settings_file_is_refused_unseen() {
    let bus = bus();
    fs::write(bus.layer("site"), format!("password = '{PASSWORD}'\npsk = 123456789\nhost = {PASSWORD}\n"))
        .expect("write");
    let unreadable = String::from_utf8(bus.check_config().stdout).expect("text");
    assert!(unreadable.contains("site.toml:3:"), "{unreadable}");
    fs::write(bus.layer("site"), format!("password = '{PASSWORD}'\npsk = 123456789\n")).expect("write");
    let told = String::from_utf8(bus.check_config().stdout).expect("text");
    assert!(told.contains("site.toml: psk: expected not in this file: it is a secret, set Psk over D-Bus or in the credential cassia-bypass.psk\n"), "{told}");
    let failed = bus.failed_start();
    assert_eq!(failed.status.code(), Some(78));
    for text in [unreadable, told, bus.log()] {
        assert!(!text.contains("battery") && !text.contains("123456789"), "{text}");
    }
}

#[test]
fn secret_in_a_damaged_credential_is_reported_unseen() {
    let bus = bus();
    let directory = bus.directory().join("credentials");
    fs::create_dir(&directory).expect("a directory");
    let check = || {
        let checked = output(bus.service().env("CREDENTIALS_DIRECTORY", &directory).arg("--check-config"));
        (checked.status.code(), String::from_utf8(checked.stdout).expect("text"))
    };
    fs::write(directory.join("cassia-bypass.psk"), "12\n").expect("write");
    fs::write(directory.join("cassia-bypass.config"), "encryption_mode = 'psk'\npsk_identity = 'router'\n")
        .expect("write");
    assert_eq!(check(), (Some(0), String::new()));
    fs::write(directory.join("cassia-bypass.psk"), "0xdeadbeef").expect("write");
    let told =
        format!("{}/cassia-bypass.psk: psk: expected 1-512 hexadecimal digits without 0x\n", directory.display());
    assert_eq!(check(), (Some(78), told));
}
