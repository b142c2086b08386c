//! Credentials as a layer.

use super::Disk;
use crate::config::{Secret, Secrets};

const PASSWORD: &str = "credentials/cassia-bypass.password";
const PSK: &str = "credentials/cassia-bypass.psk";
const CONFIG: &str = "credentials/cassia-bypass.config";

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

#[test]
fn credentials_lie_between_vendor_and_site() {
    let disk = Disk::new();
    disk.write("vendor.toml", "host = 'vendor'\nport = 1\nscan_qos = 1\n");
    disk.write(CONFIG, "port = 2\nscan_qos = 2\nusername = 'router-17'\n").write("site.toml", "scan_qos = 0\n");
    disk.write(PASSWORD, "hush\n").write(PSK, "12\r\n").write("credentials/other", "of another program");
    let (store, candidate, config) = disk.load();
    let raw = &candidate.raw;
    assert_eq!((&*raw.host, raw.port, raw.scan_qos, &*raw.username), ("vendor", 2, 0, "router-17"));
    let given = Secrets { password: secret("hush"), psk: secret("12"), ..Secrets::default() };
    assert_eq!((&candidate.secrets, &store.base().secrets), (&given, &given));
    assert_eq!(config.stored_secrets, ["password", "psk"]);
}

#[test]
fn secrets_lie_on_those_of_the_factory_until_a_reset() {
    let disk = Disk::new();
    disk.write(PASSWORD, "factory").write(PSK, "12");
    let (mut store, mut candidate, _) = disk.load();
    candidate.secrets.password = secret("set");
    // None, although there is one.
    candidate.secrets.psk = Secret::default();
    store.save(&candidate).expect("save");
    assert_eq!(disk.names("state/secrets"), ["password.1"], "nothing of the factory is copied");
    drop(store);
    let (mut store, loaded, config) = disk.load();
    assert_eq!(loaded, candidate);
    assert_eq!(config.stored_secrets, ["password"]);
    for name in ["Password", "Psk"] {
        candidate.copy(name, store.base());
    }
    store.save(&candidate).expect("save");
    assert!(disk.names("state/secrets").is_empty());
    drop(store);
    disk.write(PASSWORD, "another one");
    let (_, candidate, _) = disk.load();
    assert_eq!((candidate.secrets.password.expose(), candidate.secrets.psk.expose()), ("another one", "12"));
}

#[test]
fn secrets_outlive_a_factory_without_them() {
    let disk = Disk::new();
    disk.write(PSK, "12");
    let (mut store, mut candidate, _) = disk.load();
    candidate.secrets.psk = secret("34");
    candidate.secrets.password = secret("set");
    store.save(&candidate).expect("save");
    drop(store);
    std::fs::remove_dir_all(disk.root.path().join("credentials")).expect("removed");
    assert_eq!(disk.load().1, candidate);
}

#[test]
fn credentials_have_an_answer_for_each_damage_without_a_value() {
    let disk = Disk::new();
    disk.write(CONFIG, "pasword = 'hush'\nport = 70000\npsk = '12'\n");
    disk.write(PSK, "0xdeadbeef\n").write(PASSWORD, "\n").write("credentials/cassia-bypass.client-key", "hush");
    disk.write("credentials/cassia-bypass.client_key", "");
    std::fs::write(disk.root.path().join("credentials/cassia-bypass.client_key"), b"hush\xFF").expect("write");
    let problems = disk.problems();
    assert_eq!(
        problems,
        [
            "credentials/cassia-bypass.config: pasword: expected a known key",
            "credentials/cassia-bypass.config: port: expected 0 (standard port) or a TCP port, 1-65535 (found an integer out of range)",
            "credentials/cassia-bypass.config: psk: expected not in this file: it is a secret, set Psk over D-Bus or in the credential cassia-bypass.psk",
            "credentials/cassia-bypass.password: password: expected UTF-8 text of at most 65535 bytes without NUL (it is empty)",
            "credentials/cassia-bypass.client_key: client_key: expected PEM text of at most 16384 bytes with one unencrypted private key that matches ClientCertificate (found other bytes than UTF-8 text)",
            "credentials/cassia-bypass.client-key: client-key: expected a known credential (did you mean cassia-bypass.client_key?)",
        ]
    );
    disk.write(CONFIG, "encryption_mode = 'psk'\n").write(PASSWORD, "hush");
    for name in ["client-key", "client_key"] {
        std::fs::remove_file(disk.root.path().join(format!("credentials/cassia-bypass.{name}"))).expect("removed");
    }
    assert_eq!(
        disk.problems(),
        [
            "credentials/cassia-bypass.psk: psk: expected 1-512 hexadecimal digits without 0x",
            "credentials/cassia-bypass.config: psk_identity: expected UTF-8 text of at most 128 bytes without control characters, not empty while EncryptionMode is psk",
        ]
    );
    assert!(super::load(disk.paths()).is_err(), "it is for people to mend");
}
