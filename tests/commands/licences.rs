//! `packaging/licences`: what is compiled into the programs is named with its licence and its copyright.

use crate::support::ROOT;
use crate::support::process::run;
use std::collections::BTreeSet;

/// Parts that came without a text: their licence's is there, as another part's.
const WITHOUT: [&str; 2] = ["custom_debug", "custom_debug_derive"];

#[test]
fn licences_have_a_text_for_every_part() {
    let said = run(&format!("{ROOT}/packaging/licences"), [""; 0]);
    let (list, texts) = said.split_once("\n----").expect("texts");
    let parts: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert!(parts.len() > 100, "{parts:?}");
    // Each by name and version, in the line above a text.
    let named: BTreeSet<&str> = texts.lines().collect();
    let without: BTreeSet<&str> = parts
        .iter()
        .map(|part| part.split_once(": ").unwrap_or_else(|| panic!("{part} has no licence")).0)
        .filter(|part| !named.contains(part))
        .map(|part| part.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(without, BTreeSet::from(WITHOUT));
    for text in
        ["Eclipse Public License - v 2.0", "Permission is hereby granted", "UNICODE LICENSE V3", "Apache License"]
    {
        assert!(texts.contains(text), "{text}");
    }
    // What only tests need is not in the programs.
    for part in ["tempfile ", "proptest ", "pulldown-cmark ", "cmake "] {
        assert!(!parts.iter().any(|known| known.starts_with(part)), "{part}");
    }
}
