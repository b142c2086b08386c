//! The interface as it is written down: XML, manual, unit.

use crate::started;
use crate::support::ROOT;
use crate::support::busctl::{CONFIG, STATS};
use crate::support::identities::{Identities, Who};
use crate::support::introspection::{self, Property};
use crate::support::process::output;
use cassia_bypass::config::{RawConfig, SECRETS, SETTINGS, SettingSpec};
use cassia_bypass::dbus::names::{HEALTH_REASONS, STATUS_REASONS};
use cassia_bypass::model::{
    Capability, CaptureKind, DropReason, FilterKind, HealthState, LastError, LinkState, MalformedReason, RadioState,
    RecoveryAction, SpoolState,
};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// What the source says of an interface as a whole; zbus has it nowhere else.
fn about(interface: &str) -> String {
    let sources =
        [include_str!("../../src/dbus/config_interface.rs"), include_str!("../../src/dbus/stats_interface.rs")];
    let attribute = format!("#[zbus::interface(name = \"{interface}\")]");
    let source = sources.into_iter().find_map(|source| source.split_once(&attribute)).expect("the interface").0;
    let lines = source.trim_end().lines().rev().map_while(|line| line.trim().strip_prefix("///"));
    let mut lines: Vec<&str> = lines.collect();
    lines.reverse();
    lines.join("\n")
}

#[test]
fn xml_files_are_the_introspection_of_the_service() {
    let (bus, _service) = started();
    let live = bus.introspect(Who::Nobody).expect("introspection");
    for interface in [CONFIG, STATS] {
        let path = format!("{ROOT}/dbus/{interface}.xml");
        let now = introspection::document(&live, interface, &about(interface));
        if std::env::var_os("UPDATE_XML").is_some() {
            fs::write(&path, &now).expect("write");
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), now, "{path}: run the test with UPDATE_XML=1");
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(format!("{ROOT}/dbus/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A row of the manual for each setting. Texts are those of the table, in one line.
fn rows(settings: &[SettingSpec]) -> Vec<String> {
    let defaults = serde_json::to_value(RawConfig::default()).expect("defaults");
    let row = |s: &SettingSpec| {
        let third = match defaults.get(s.key).map(ToString::to_string) {
            Some(default) if default == "\"\"" => default,
            Some(default) => default.trim_matches('"').to_owned(),
            None => s.read_name.to_owned(),
        };
        let help = s.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("| `{}` | `{}` | `{third}` | {help} | {} |", s.name, s.signature, s.expected)
    };
    settings.iter().map(row).collect()
}

#[test]
fn manual_has_the_settings_of_the_table() {
    for settings in [SETTINGS, SECRETS] {
        let (rows, name) = (rows(settings), format!("| `{}` | `s` | ", settings[0].name));
        let manual = shipped("README.md");
        let lines: Vec<&str> = manual.lines().collect();
        let begin = lines.iter().position(|line| line.starts_with(&name)).expect("a table");
        let end = begin + lines[begin..].iter().position(|line| !line.starts_with("| `")).expect("its end");
        if std::env::var_os("UPDATE_XML").is_some() {
            let now = [&lines[..begin], &rows.iter().map(String::as_str).collect::<Vec<_>>(), &lines[end..]].concat();
            fs::write(format!("{ROOT}/dbus/README.md"), now.join("\n") + "\n").expect("write");
        } else {
            assert_eq!(lines[begin..end], rows, "dbus/README.md: run the test with UPDATE_XML=1");
        }
    }
}

#[test]
fn readme_names_every_setting() {
    let readme = shipped("../README.md");
    for setting in SETTINGS.iter().chain(SECRETS) {
        let name = format!("`{}`", setting.name);
        assert!(readme.lines().any(|line| line.starts_with("| `") && line.contains(&name)), "no row for {name}");
    }
}

#[test]
fn manual_has_every_statistic() {
    let (manual, xml) = (shipped("README.md"), shipped(&format!("{STATS}.xml")));
    let manual = manual.split("\n## ").find(|section| section.starts_with("Stats")).expect("a section");
    let mut count = 0;
    for Property { name, signature: kind, emits } in introspection::properties(&xml) {
        let signal = match &*emits {
            "const" => "const",
            "false" => "no",
            _ => "yes",
        };
        let line = manual.lines().find(|line| line.starts_with(&format!("| `{name}` | `{kind}` | ")));
        let line = line.unwrap_or_else(|| panic!("{name} is not in the manual"));
        assert!(line.contains(&format!(" | {signal} | ")), "{name} is {signal}: {line}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn manuals_have_every_code_and_message_id() {
    let manual = shipped("README.md") + &shipped("../docs/payload.md");
    for word in [
        &LinkState::ALL.map(LinkState::as_str)[..],
        &RadioState::ALL.map(RadioState::as_str),
        &RecoveryAction::ALL.map(RecoveryAction::as_str),
        &CaptureKind::ALL.map(CaptureKind::as_str),
        &SpoolState::ALL.map(SpoolState::as_str),
        &DropReason::ALL.map(DropReason::as_str),
        &MalformedReason::ALL.map(MalformedReason::as_str),
        &FilterKind::ALL.map(FilterKind::as_str),
        &HealthState::ALL.map(HealthState::as_str),
        &LastError::ALL.map(LastError::as_str),
        &Capability::ALL.map(Capability::as_str),
        &HEALTH_REASONS,
        &STATUS_REASONS,
    ]
    .concat()
    {
        assert!(manual.lines().any(|line| line.starts_with(&format!("| `{word}` | "))), "{word} is not explained");
    }
    let read = |name: &str| fs::read_to_string(format!("{ROOT}/src/{name}")).expect("a source");
    let log = ["log.rs", "log/broker.rs", "log/calls.rs", "log/radio.rs"].map(read).concat();
    let ids = fs::read_to_string(format!("{ROOT}/src/log/id.rs")).expect("src/log/id.rs");
    let names = ids.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    let names: Vec<&str> = names.collect();
    let ids: Vec<&str> = ids.lines().filter(|l| l.contains("pub const ")).filter_map(|l| l.split('"').nth(1)).collect();
    assert!(ids.len() >= 19);
    let (manual, catalog) = (shipped("../docs/journal.md"), shipped("cassia-bypass.catalog"));
    for (place, id) in ids.iter().enumerate() {
        assert!(!ids[..place].contains(id), "{id} is there twice");
        assert!(manual.lines().any(|line| line.starts_with(&format!("| `{id}` | "))), "{id} is not explained");
        assert!(catalog.contains(&format!("\n-- {id}\nSubject: ")), "{id} is not in the catalog");
    }
    assert_eq!(catalog.matches("\n-- ").count(), ids.len(), "the catalog has no others");
    // Each one is emitted somewhere, at the levels that the manual has.
    for (name, id) in names.iter().zip(&ids) {
        let mut levels = BTreeSet::new();
        for (at, _) in log.match_indices(&format!("message_id = id::{name},")) {
            let call = log[..at].trim_end().strip_suffix('(').expect("a call of a macro");
            let number = [("error!", "3"), ("warn!", "4"), ("info!", "6")];
            levels.extend(number.iter().find(|(end, _)| call.ends_with(end)).map(|(_, number)| *number));
        }
        assert!(!levels.is_empty(), "{name} is never said");
        let levels: Vec<_> = levels.into_iter().collect();
        let row = manual.lines().find(|line| line.starts_with(&format!("| `{id}` | `"))).expect("a row");
        assert_eq!(row.split(" | ").nth(2), Some(levels.join(", ").as_str()), "the levels of {name}: {row}");
    }
}

#[test]
fn catalog_is_one_that_journald_takes() {
    let root = tempfile::tempdir().expect("temporary directory");
    let place = root.path().join("usr/lib/systemd/catalog");
    fs::create_dir_all(&place).expect("directory");
    fs::create_dir_all(root.path().join("var/lib/systemd/catalog")).expect("directory");
    fs::write(place.join("cassia-bypass.catalog"), shipped("cassia-bypass.catalog")).expect("write");
    let root = format!("--root={}", root.path().display());
    let made = output(Command::new("journalctl").args(["--update-catalog", &root]));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let listed = output(Command::new("journalctl").args(["--list-catalog", &root]));
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("a6dec4b8d846666d465c3eda5aee39e0 cassia-bypass: Adverts were lost"), "{listed}");
}

#[test]
fn unit_is_one_that_systemd_takes() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let unit = directory.path().join("cassia-bypass.service");
    // The program is not installed where the tests run.
    fs::write(&unit, shipped("cassia-bypass.service").replace("/usr/bin/cassia-bypassd", "/bin/true")).expect("write");
    let verified = output(Command::new("systemd-analyze").arg("verify").arg(&unit));
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // systemd before 254 has LoadCredential only and ignores the other.
    let newer = "Unknown key 'ImportCredential' in section [Service], ignoring.";
    let ours: Vec<&str> =
        said.lines().filter(|line| line.contains("cassia-bypass") && !line.ends_with(newer)).collect();
    assert!(ours.is_empty(), "{said}");
    // In tenths: how much an attacker who took over the service could reach.
    let judged =
        output(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=17"]).arg(&unit));
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
    assert!(shipped("cassia-bypass.service").lines().any(|line| line.starts_with("MemoryMax=")), "memory has a bound");
    let activation = shipped("com.cassianetworks.Bypass1.service");
    for line in ["Name=com.cassianetworks.Bypass1", "User=cassia-bypass", "SystemdService=cassia-bypass.service"] {
        assert!(activation.lines().any(|other| other == line), "{line}");
    }
}

#[test]
fn metrics_unit_and_timer_are_ones_that_systemd_takes() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let names = ["cassia-bypass-metrics.service", "cassia-bypass-metrics.timer"];
    let units = names.map(|name| {
        let unit = directory.path().join(name);
        fs::write(&unit, shipped(name).replace("/usr/bin/cassia-bypassctl", "/bin/true")).expect("write");
        unit
    });
    let verified = output(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units));
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(!said.lines().any(|line| line.contains("cassia-bypass")), "{said}");
    let judged =
        output(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=30"]).arg(&units[0]));
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
}

#[test]
fn directories_are_made_for_their_owners() {
    let root = tempfile::tempdir().expect("temporary directory");
    let identities = Identities::new(root.path());
    let place = root.path().join("usr/lib/tmpfiles.d");
    fs::create_dir_all(&place).expect("directory");
    fs::write(place.join("cassia-bypass.conf"), shipped("cassia-bypass.tmpfiles")).expect("write");
    // The second time all is there.
    for _ in 0..2 {
        let mut command = Command::new("systemd-tmpfiles");
        command.args([&format!("--root={}", root.path().display()), "--create", "cassia-bypass.conf"]);
        let made = output(&mut command);
        assert!(made.status.success() && made.stderr.is_empty(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    for (directory, who, mode) in
        [("etc/cassia-bypass", Who::Root, 0o755), ("var/lib/cassia-bypass", Who::Service, 0o700)]
    {
        let found = fs::metadata(root.path().join(directory)).expect(directory);
        assert_eq!(((found.uid(), found.gid()), found.mode() & 0o7777), (identities.ids(who), mode), "{directory}");
    }
}
