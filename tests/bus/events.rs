//! The event log as it is written down: no line of the service goes past it, and the manual names the fields that are written.

use crate::support::ROOT;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All files of the service's source.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        match entry.path() {
            path if path.is_dir() => sources(&path, found),
            path if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn events_are_all_said_by_the_event_log() {
    let mut files = Vec::new();
    sources(&Path::new(ROOT).join("src"), &mut files);
    assert!(files.len() > 100);
    let mut past = Vec::new();
    let log =
        |file: &Path| file.ends_with("src/log.rs") || file.parent().is_some_and(|parent| parent.ends_with("src/log"));
    for file in files.iter().filter(|file| !log(file)) {
        let text = fs::read_to_string(file).expect("a source");
        // Level debug is for whoever looks for a bug: it has no MESSAGE_ID.
        let macros = ["error!(", "warn!(", "info!(", "event!("];
        let line = |line: &&str| macros.iter().any(|name| line.contains(name));
        past.extend(text.lines().filter(line).map(|line| format!("{}: {}", file.display(), line.trim())));
    }
    assert_eq!(past, [""; 0], "write a function in src/log.rs or src/log/, with a MESSAGE_ID");
}

#[test]
fn events_have_the_fields_that_the_manual_names() {
    let read = |file: &str| fs::read_to_string(Path::new(ROOT).join(file)).expect("the log");
    let log =
        ["log.rs", "log/broker.rs", "log/calls.rs", "log/radio.rs"].map(|file| read(&format!("src/{file}"))).concat();
    let manual = fs::read_to_string(Path::new(ROOT).join("docs/journal.md")).expect("the manual");
    let line = manual.lines().find_map(|line| line.strip_prefix("Fields beside the standard ones: `"));
    let named: BTreeSet<String> =
        line.expect("a line").split('`').next().expect("names").split(' ').map(str::to_owned).collect();
    // `field = value,` or `field,` in a call of a macro.
    let mut written = BTreeSet::new();
    for call in log.split("message_id = id::").skip(1) {
        let call = call.split(");").next().expect("a call");
        for part in call.split([',', '\n']).map(str::trim) {
            let field = part.split(" = ").next().unwrap_or_default();
            let word = !field.is_empty() && field.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if word {
                written.insert(field.to_uppercase());
            }
        }
    }
    assert_eq!(written, named);
}
