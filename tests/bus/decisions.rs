//! The decision records describe the code as it is.

use crate::support::ROOT;
use std::fs;
use std::path::Path;

/// All names of files and all that is written in these sources, in one text.
fn library(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        match entry.path() {
            // The programs have arguments for tests, which are no part of what is decided.
            path if path.is_dir() && !path.ends_with("src/bin") => text += &library(&path),
            path if path.extension().is_some_and(|ending| ending == "rs") => {
                text += &path.to_string_lossy();
                text += &fs::read_to_string(path).expect("a source");
            }
            _ => {}
        }
    }
    text
}

#[test]
fn decisions_name_files_and_identifiers_that_are_there() {
    let root = Path::new(ROOT);
    let source = library(&root.join("src")) + &library(&root.join("tests"));
    let (mut judged, mut stale) = (0, Vec::new());
    for entry in fs::read_dir(root.join("docs/decisions")).expect("decisions").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a decision");
        for name in text.split('`').skip(1).step_by(2) {
            let plain =
                |also: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || also.contains(c));
            let there = if plain("_/.-") && name.contains('/') && !name.starts_with('/') {
                let begins = |path: &Path| {
                    let (directory, begin) = (path.parent().expect("a parent"), path.file_name().expect("a name"));
                    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
                    entries.into_iter().any(|e| e.file_name().as_encoded_bytes().starts_with(begin.as_encoded_bytes()))
                };
                begins(&root.join(name)) || begins(&root.join("src").join(name))
            } else if plain("_") && name.contains('_') {
                source.contains(name)
            } else {
                continue;
            };
            judged += 1;
            if !there {
                stale.push(format!("{}: {name}", entry.file_name().display()));
            }
        }
    }
    assert!(judged > 10, "{judged}");
    assert_eq!(stale, [""; 0]);
}
