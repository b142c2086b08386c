//! Settings to a file and back.

use crate::ctl::{ctl, done, fed};
use crate::samples::SETTINGS;
use crate::started;
use crate::support::busctl::CONFIG;
use crate::support::identities::Who;
use std::fs;

#[test]
fn import_restores_what_was_exported_and_reset() {
    let (bus, service) = started();
    for (name, right, _, _) in SETTINGS {
        bus.set(Who::Admin, name, right).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    bus.set(Who::Admin, "Password", &["s", "hush"]).expect("set");
    let file = done(&bus, Who::Nobody, &["export"]);
    let secrets = "# Secrets are not in it. Set are: Password.\n";
    assert!(file.contains(&format!("{secrets}scan_mode = \"active\"\n")) && !file.contains("hush"), "{file}");
    let settings = file.replace(secrets, "");
    done(&bus, Who::Admin, &["reset", "--all"]);
    assert_ne!(done(&bus, Who::Nobody, &["export"]), settings);
    let said = fed(&bus, &["import", "-"], &file);
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    assert_eq!(said.out.lines().count(), SETTINGS.len());
    assert_eq!(done(&bus, Who::Nobody, &["export"]), settings);
    // As the settings of a site it is as good.
    done(&bus, Who::Admin, &["reset", "--all"]);
    service.stop();
    fs::write(bus.layer("site"), &file).expect("written");
    let checked = bus.check_config();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let _service = bus.start_service();
    assert_eq!(done(&bus, Who::Nobody, &["export"]), settings);
    assert_eq!(done(&bus, Who::Nobody, &["show", "--changed"]), "", "it is what is packaged now");
}

#[test]
fn import_changes_what_the_file_has_and_nothing_else() {
    let (bus, _service) = started();
    done(&bus, Who::Admin, &["set", "Port=7", "ScanQos=1"]);
    let file = bus.directory().join("some.toml");
    fs::write(&file, "# A comment.\nscan_qos = 2\nfilter_names = ['a,b']\n").expect("written");
    let file = file.display().to_string();
    let psk = bus.directory().join("psk");
    fs::write(&psk, "12\n").expect("written");
    let secret = format!("Psk={}", psk.display());
    assert_eq!(done(&bus, Who::Admin, &["import", "--dry-run", &file]), "Apply would take it.\n");
    assert_eq!(bus.value(CONFIG, "ScanQos"), 1);
    done(&bus, Who::Admin, &["import", &file, "--secret-from", &secret]);
    assert_eq!(
        done(&bus, Who::Nobody, &["export", "--changed"]).lines().skip(1).collect::<Vec<_>>(),
        ["# Secrets are not in it. Set are: Psk.", "port = 7", "scan_qos = 2", "filter_names = [\"a,b\"]"]
    );
}

#[test]
fn import_of_a_file_with_an_error_changes_nothing() {
    let (bus, _service) = started();
    let refused = |text: &str, status: i32, expected: &str| {
        let said = fed(&bus, &["import", "-"], text);
        assert_eq!((said.status, &*said.out), (status, ""), "{said:?}");
        assert!(said.err.contains(expected) && !said.err.contains("hush"), "{expected}: {said:?}");
    };
    refused("port = 7\nscan_qso = 2\n", 2, "scan_qso: expected the name of a setting (did you mean ScanQos?)");
    refused("port = 7\nscan_qos = 'hush'\n", 2, "ScanQos: expected 0, 1 or 2");
    refused("port = 7\npassword = 'hush'\n", 2, "password: expected not in a settings file: it is a secret");
    refused("port = 7\npsk = hush\n", 2, "-:2: expected TOML: ");
    refused("port = 7\nprotocol = 'mqtt'\n", 1, "Host: expected a DNS name");
    refused("port = 7\nscan_qos = 3\n", 1, "ScanQos: expected 0, 1 or 2");
    assert_eq!(ctl(&bus, Who::Admin, &["import", "/nowhere/at/all"]).status, 2);
    assert_eq!(done(&bus, Who::Nobody, &["show", "--changed"]), "");
}
