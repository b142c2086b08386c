//! The files that rules look at, in memory, so that a test can break a copy.

use crate::support::ROOT;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// By path in the checkout.
#[derive(Clone, Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// The layer, and what it is compared with.
    pub fn load() -> Self {
        let mut files = Self::default();
        for part in [
            ".cargo",
            "CHANGELOG.md",
            "Cargo.lock",
            "Cargo.toml",
            "LICENSE",
            "dbus",
            "debian",
            "deny.toml",
            "kas",
            "meta-cassia",
            "packaging",
        ] {
            files.add(part);
        }
        files
    }

    fn add(&mut self, path: &str) {
        let here = Path::new(ROOT).join(path);
        if here.is_dir() {
            for entry in fs::read_dir(&here).expect("a directory") {
                let name = entry.expect("an entry").file_name();
                self.add(&format!("{path}/{}", name.to_str().expect("a name in UTF-8")));
            }
        } else {
            let text = fs::read(&here).unwrap_or_else(|error| panic!("{path}: {error}"));
            self.0.insert(path.to_owned(), String::from_utf8_lossy(&text).into_owned());
        }
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path) || self.under(&format!("{path}/")).next().is_some()
    }

    /// Empty if there is no such file.
    pub fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    pub fn under<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().map(String::as_str).filter(move |path| path.starts_with(start))
    }

    /// The recipes and what they include, but for the list of crates.
    pub fn recipes(&self) -> impl Iterator<Item = &str> {
        let ours = |path: &&str| path.ends_with(".bb") || path.ends_with(".inc") && !path.ends_with("-crates.inc");
        self.under("meta-cassia/").filter(|path| path.contains("/recipes-")).filter(ours)
    }

    /// A copy in which the first `from` in that file is `to`.
    #[track_caller]
    pub fn with(&self, path: &str, from: &str, to: &str) -> Self {
        assert!(self.text(path).contains(from), "{path} has no {from}");
        let mut files = self.clone();
        files.0.insert(path.to_owned(), self.text(path).replacen(from, to, 1));
        files
    }

    /// A copy without that file.
    #[track_caller]
    pub fn without(&self, path: &str) -> Self {
        let mut files = self.clone();
        files.0.remove(path).unwrap_or_else(|| panic!("no {path}"));
        files
    }
}

/// The value of a variable in a recipe's text: what is in quotes, with continued lines as one.
pub fn variable<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(at, _)| {
        let rest = text[at + name.len()..].trim_start_matches([' ', '?', '+', ':']).strip_prefix("= \"")?;
        let starts_line = at == 0 || text[..at].ends_with('\n');
        starts_line.then(|| rest.split('"').next().unwrap_or_default())
    })
}
