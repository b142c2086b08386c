//! The decision records describe the code as it is.

use crate::support::ROOT;
use std::collections::{BTreeMap, BTreeSet};
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

/// The records: number and name of the file, and the text.
fn records() -> BTreeMap<String, String> {
    let entries = fs::read_dir(Path::new(ROOT).join("docs/decisions")).expect("decisions").flatten();
    let files = entries.map(|entry| {
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, fs::read_to_string(entry.path()).expect("a decision"))
    });
    files.filter(|(name, _)| name != "README.md").collect()
}

/// What is wrong with the form of a record.
fn misformed(name: &str, text: &str) -> Option<String> {
    let number = name.get(..4).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(number) = number.filter(|_| name[4..].starts_with('-') && name.ends_with(".md")) else {
        return Some(format!("{name}: expected a name such as 0001-slug.md"));
    };
    let lines: Vec<&str> = text.lines().collect();
    let title = lines.first().and_then(|line| line.strip_prefix(&format!("# {number} ")));
    if title.is_none_or(str::is_empty) {
        return Some(format!("{name}: expected \"# {number} Title\" in the first line"));
    }
    let status = |line: &&str| line.starts_with("Status: accepted.") || line.starts_with("Status: superseded by ");
    if lines.get(1) != Some(&"") || !lines.get(2).is_some_and(status) || lines.get(3) != Some(&"") {
        return Some(format!(
            "{name}: expected \"Status: accepted.\" or \"Status: superseded by NNNN\" below the title"
        ));
    }
    let headings: Vec<&str> =
        lines.iter().copied().filter(|line| line.starts_with("# ") || line.starts_with("## ")).collect();
    if headings[1..] != ["## Context", "## Decision", "## Consequences"] {
        return Some(format!("{name}: expected Context, Decision and Consequences, not {:?}", &headings[1..]));
    }
    let empty = text.split("\n## ").skip(1).any(|section| section.lines().skip(1).all(str::is_empty));
    empty.then(|| format!("{name}: a section has no text"))
}

#[test]
fn decisions_have_one_form() {
    let records = records();
    let problems: Vec<_> = records.iter().filter_map(|(name, text)| misformed(name, text)).collect();
    assert_eq!(problems, [""; 0]);
    let numbers: BTreeSet<&str> = records.keys().map(|name| &name[..4]).collect();
    assert_eq!(numbers.len(), records.len(), "two records have one number");
    // What is looked for is found.
    let (name, right) = records.first_key_value().expect("a record");
    for (from, to) in [
        ("# 0001 ", "# 1. "),
        ("Status: accepted.", "**Decided.**"),
        ("## Context", "## Why"),
        ("## Decision\n", "## Decision\n\n## Traps\n"),
        ("## Consequences", "### Consequences"),
    ] {
        assert!(misformed(name, &right.replacen(from, to, 1)).is_some(), "{from}");
    }
    assert!(misformed("1-tunnel.md", right).is_some());
    assert!(misformed(name, &format!("{}\n", right.split_once("## Consequences").expect("a section").0)).is_some());
}

#[test]
fn decisions_have_an_index() {
    let index = fs::read_to_string(Path::new(ROOT).join("docs/decisions/README.md")).expect("the index");
    let rows: Vec<&str> = index.lines().filter(|line| line.starts_with("| [")).collect();
    let records = records();
    assert_eq!(rows.len(), records.len(), "a row for each record, and no other");
    // In the order of the numbers, each with the record's title and a line about it.
    for (row, (name, text)) in rows.iter().zip(&records) {
        let (number, title) = text.lines().next().and_then(|line| line[2..].split_once(' ')).expect("a title");
        let begin = format!("| [{number}]({name}) | {title} | ");
        assert!(row.strip_prefix(&begin).is_some_and(|decided| decided.len() > 20), "expected {begin}, not {row}");
    }
}
