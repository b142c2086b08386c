//! Links between the documents.

use crate::markdown::{self, Document};
use crate::support::ROOT;
use crate::tree;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Every document of the checkout, by its path.
pub fn documents() -> BTreeMap<String, Document> {
    tree::ending(".md").into_iter().map(|path| (path.clone(), markdown::read(&tree::text(&path)))).collect()
}

/// A link of this document that leads nowhere, and why.
fn broken(documents: &BTreeMap<String, Document>, from: &str, link: &str) -> Option<String> {
    // What is elsewhere is not asked.
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { PathBuf::from(from) } else { beside(from, path) };
    if !Path::new(ROOT).join(&target).exists() {
        return Some(format!("{from}: {link}: there is no {}", target.display()));
    }
    let anchor = anchor?;
    let known = documents.get(target.to_str()?).is_some_and(|document| document.anchors.iter().any(|a| a == anchor));
    (!known).then(|| format!("{from}: {link}: {} has no heading #{anchor}", target.display()))
}

/// A path from the top for one that is written in a document.
fn beside(from: &str, path: &str) -> PathBuf {
    let mut target = PathBuf::new();
    for part in Path::new(from).parent().expect("a file").join(path).components() {
        match part {
            Component::ParentDir => drop(target.pop()),
            part => target.push(part),
        }
    }
    target
}

#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let all = documents.iter().flat_map(|(from, document)| document.links.iter().map(move |link| (from, link)));
    let all: Vec<_> = all.collect();
    let problems: Vec<_> = all.iter().filter_map(|(from, link)| broken(&documents, from, link)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(all.len() > 40, "{all:?}");
    // What is looked for is found.
    for wrong in ["nowhere.md", "README.md#nowhere", "#nowhere", "dbus/../nowhere"] {
        assert!(broken(&documents, "README.md", wrong).is_some(), "{wrong}");
    }
    for right in ["dbus/README.md#credentials", "#settings", "dbus", "https://nowhere.example/"] {
        assert_eq!(broken(&documents, "README.md", right), None, "{right}");
    }
}
