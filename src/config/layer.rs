//! One settings file, read by itself so that every problem in it is found, whatever is wrong with the others.

use super::credentials;
use super::files;
use super::nearest::{nearest, question};
use super::salvage::salvage;
use super::{FileError, FileProblem, Ignored, RawConfig, SECRETS, SETTINGS, setting};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Which secret file of each key counts.
pub(super) type Generations = BTreeMap<&'static str, u64>;

/// The table in the state file that names the secret files.
pub(super) const SECRETS_TABLE: &str = "secrets";

/// What the file may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Packaged or written by people: no secrets.
    Packaged,
    /// Written by the service: may name secret files.
    State,
}

/// The good part of one file, and what was wrong with the rest.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) path: PathBuf,
    /// Settings of the right type.
    pub(super) values: toml::Table,
    pub(super) generations: Generations,
    /// The credentials that hold its secrets.
    pub(super) credentials: BTreeMap<&'static str, PathBuf>,
    pub(super) problems: Vec<FileProblem>,
    /// Whether there is such a file.
    pub(super) exists: bool,
    /// Whether the file could be read at all, so that it is known what it holds.
    pub(super) readable: bool,
    /// What is not for this version, in the state file only.
    pub(super) ignored: Ignored,
    /// The file, if it is none of TOML: the good part is what could be salvaged.
    pub(super) damaged: Option<Vec<u8>>,
    /// Why the file could not be read, though it is there.
    pub(super) unreadable: Option<FileError>,
}

impl Layer {
    /// No file: an empty layer.
    pub(super) fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), readable: true, ..Self::default() }
    }

    /// The file that holds this setting, if it is in this layer.
    pub(super) fn holder(&self, key: &str) -> Option<&Path> {
        let named = self.values.contains_key(key) || self.generations.contains_key(key);
        named.then_some(&*self.path).or_else(|| self.credentials.get(key).map(PathBuf::as_path))
    }

    /// A file that people wrote.
    pub(super) fn read(path: &Path) -> Self {
        match files::read(path) {
            Ok(bytes) => Self::of_bytes(path, bytes, Kind::Packaged),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::empty(path),
            Err(error) => Self::unreadable(path, error),
        }
    }

    /// A file that is there and cannot be read.
    pub(super) fn unreadable(path: &Path, error: io::Error) -> Self {
        let mut layer = Self { exists: true, ..Self::empty(path) };
        layer.cannot_read(path, error);
        layer
    }

    /// It, or a file of it, is there and cannot be read.
    pub(super) fn cannot_read(&mut self, path: &Path, error: io::Error) {
        self.mark_unreadable(FileProblem::of_file(path, "a readable file", error.kind().to_string()));
        self.unreadable = Some(FileError { path: path.to_owned(), source: error });
    }

    /// A file with these bytes.
    pub(super) fn of_bytes(path: &Path, bytes: Vec<u8>, kind: Kind) -> Self {
        let mut layer = Self { exists: true, ..Self::empty(path) };
        match parse(path, &bytes) {
            Ok(table) => layer.sort(table, kind),
            Err(problem) if kind == Kind::State => {
                layer.sort(salvage(&bytes), kind);
                layer.problems.insert(0, problem);
                layer.damaged = Some(bytes);
            }
            Err(problem) => layer.mark_unreadable(problem),
        }
        layer
    }

    pub(super) fn mark_unreadable(&mut self, problem: FileProblem) {
        self.readable = false;
        self.problems.push(problem);
    }

    /// Takes the good values and notes a problem for each other one.
    fn sort(&mut self, table: toml::Table, kind: Kind) {
        let (mut good, mut problems) = (toml::Table::new(), Vec::new());
        for (key, value) in table {
            if kind == Kind::State && key == SECRETS_TABLE {
                if !value.is_table() {
                    let expected = "a table of secret names and file numbers";
                    problems.push(FileProblem::of_key(&self.path, &key, expected, None));
                }
                let (named, strange) = generations(value);
                problems.extend(strange.keys().map(|name| {
                    FileProblem::of_key(
                        &self.path,
                        &format!("{SECRETS_TABLE}.{name}"),
                        "a known secret and a file number",
                        None,
                    )
                }));
                (self.generations, self.ignored.secrets) = (named, strange);
                continue;
            }
            let (expected, found) = match setting(&key).filter(|s| s.key == key) {
                Some(s) if s.is_secret() => {
                    let (name, place) = (s.name, credentials::name(s.key));
                    (
                        format!("not in this file: it is a secret, set {name} over D-Bus or in the credential {place}"),
                        None,
                    )
                }
                Some(_) if type_fits(&key, &value) => {
                    good.insert(key, value);
                    continue;
                }
                Some(s) => (s.expected.to_owned(), Some(found(&key, &value))),
                None => ("a known key".to_owned(), suggestion(&key)),
            };
            problems.push(FileProblem::of_key(&self.path, &key, expected, found));
            if kind == Kind::State {
                self.ignored.settings.insert(key, value);
            }
        }
        self.values = good;
        self.problems = problems;
    }

    /// Leaves out one of its settings or secrets, which is not to be used by this version. False if it has none of this key.
    pub(super) fn ignore(&mut self, key: &str) -> bool {
        if let Some(value) = self.values.remove(key) {
            self.ignored.settings.insert(key.to_owned(), value);
            return true;
        }
        match self.generations.remove_entry(key) {
            Some((key, number)) => {
                self.ignored.secrets.insert(key.to_owned(), toml::Value::Integer(number as i64));
                true
            }
            None => false,
        }
    }

    /// Keys of all that it holds.
    pub(super) fn keys(&self) -> Vec<String> {
        let secrets = self.generations.keys().map(|key| (*key).to_owned());
        self.values.keys().cloned().chain(secrets).collect()
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::from("TOML file", self.path.as_path())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let dict = Value::serialize(&self.values)?.into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

/// A figment error text may hold a value and the parser's `Display` shows the line: only its message is passed on.
fn parse(path: &Path, bytes: &[u8]) -> Result<toml::Table, FileProblem> {
    let text = std::str::from_utf8(bytes).map_err(|_| FileProblem::of_file(path, "UTF-8 text", "found other bytes"))?;
    text.parse::<toml::Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut problem = FileProblem::of_file(path, "TOML", error.message().replace('\n', ", "));
        problem.place = Some((line, column));
        problem
    })
}

/// The files of the secrets that are known, and the rest of the table.
fn generations(value: toml::Value) -> (Generations, toml::Table) {
    let (mut named, mut strange) = (Generations::new(), toml::Table::new());
    let toml::Value::Table(table) = value else { return (named, strange) };
    for (name, value) in table {
        let known = SECRETS.iter().find(|s| s.key == name).map(|s| s.key);
        match (known, value.as_integer().and_then(|n| u64::try_from(n).ok())) {
            (Some(key), Some(number)) => drop(named.insert(key, number)),
            _ => drop(strange.insert(name, value)),
        }
    }
    (named, strange)
}

fn suggestion(key: &str) -> Option<String> {
    question(&nearest(key, SETTINGS.iter().map(|s| s.key)))
}

/// Whether a value is of a setting's type. Not asked of figment, which takes `[1, "FF", 2]` for a pair.
fn type_fits(key: &str, value: &toml::Value) -> bool {
    toml::Table::from_iter([(key.to_owned(), value.clone())]).try_into::<RawConfig>().is_ok()
}

/// The kind of a value that has the wrong type.
fn found(key: &str, value: &toml::Value) -> String {
    let same_kind = RawConfig::default().to_table().get(key).is_some_and(|default| default.same_type(value));
    let kind = match value {
        toml::Value::String(_) => "a string",
        toml::Value::Integer(_) if same_kind => "an integer out of range",
        toml::Value::Integer(_) => "an integer",
        toml::Value::Float(_) => "a float",
        toml::Value::Boolean(_) => "a boolean",
        toml::Value::Datetime(_) => "a date or time",
        toml::Value::Array(_) if same_kind => "an array with items of another type",
        toml::Value::Array(_) => "an array",
        toml::Value::Table(_) => "a table",
    };
    format!("found {kind}")
}
