//! One settings file, read by itself so that every problem in it is found, whatever is wrong with the others.

use super::factory;
use super::nearest::{nearest, question};
use super::rows::type_fits;
use super::{FileProblem, SECRETS, SETTINGS, setting};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::io::ErrorKind;
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
    pub(super) legible: bool,
}

impl Layer {
    /// No file: an empty layer.
    pub(super) fn empty(path: &Path) -> Self {
        let (path, values, generations) = (path.to_owned(), toml::Table::new(), Generations::new());
        let (credentials, problems) = (BTreeMap::new(), Vec::new());
        Self { path, values, generations, credentials, problems, exists: false, legible: true }
    }

    /// The file that holds this setting, if it is in this layer.
    pub(super) fn holder(&self, key: &str) -> Option<&Path> {
        let named = self.values.contains_key(key) || self.generations.contains_key(key);
        named.then_some(&*self.path).or_else(|| self.credentials.get(key).map(PathBuf::as_path))
    }

    pub(super) fn read(path: &Path, kind: Kind) -> Self {
        match std::fs::read(path) {
            Ok(bytes) => Self::of_bytes(path, bytes, kind),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::empty(path),
            Err(error) => {
                let mut layer = Self { exists: true, ..Self::empty(path) };
                layer.give_up(FileProblem::of_file(path, "a readable file", error.kind().to_string()));
                layer
            }
        }
    }

    /// A file with these bytes.
    pub(super) fn of_bytes(path: &Path, bytes: Vec<u8>, kind: Kind) -> Self {
        let mut layer = Self { exists: true, ..Self::empty(path) };
        match parse(path, bytes) {
            Ok(table) => layer.sort(table, kind),
            Err(problem) => layer.give_up(problem),
        }
        layer
    }

    pub(super) fn give_up(&mut self, problem: FileProblem) {
        self.legible = false;
        self.problems.push(problem);
    }

    /// Takes the good values and notes a problem for each other one.
    fn sort(&mut self, table: toml::Table, kind: Kind) {
        let (mut good, mut problems) = (toml::Table::new(), Vec::new());
        for (key, value) in table {
            let mut refuse = |expected: &str, found: Option<String>| {
                problems.push(FileProblem::of_key(&self.path, &key, expected, found));
            };
            match setting(&key).filter(|s| s.key == key) {
                Some(s) if s.secret => {
                    let place = factory::name(s.key);
                    refuse(
                        &format!(
                            "not in this file: it is a secret, set {} over D-Bus or in the credential {place}",
                            s.name
                        ),
                        None,
                    )
                }
                Some(_) if type_fits(&key, &value) => {
                    good.insert(key, value);
                }
                Some(s) => refuse(s.expected, Some(found(&key, &value))),
                None if key == SECRETS_TABLE && kind == Kind::State => match generations(&value) {
                    Some(named) => self.generations = named,
                    None => refuse("a table of secret names and file numbers", None),
                },
                None => refuse("a known key", suggestion(&key)),
            }
        }
        self.values = good;
        self.problems = problems;
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
fn parse(path: &Path, bytes: Vec<u8>) -> Result<toml::Table, FileProblem> {
    let text = String::from_utf8(bytes).map_err(|_| FileProblem::of_file(path, "UTF-8 text", "found other bytes"))?;
    text.parse::<toml::Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut problem = FileProblem::of_file(path, "TOML", error.message().replace('\n', ", "));
        problem.place = Some((line, column));
        problem
    })
}

fn generations(value: &toml::Value) -> Option<Generations> {
    let known = |name: &str| SECRETS.iter().find(|s| s.key == name).map(|s| s.key);
    let number = |value: &toml::Value| value.as_integer().and_then(|n| u64::try_from(n).ok());
    value.as_table()?.iter().map(|(name, value)| Some((known(name)?, number(value)?))).collect()
}

fn suggestion(key: &str) -> Option<String> {
    question(&nearest(key, SETTINGS.iter().map(|s| s.key)))
}

/// The kind of a value that has the wrong type.
fn found(key: &str, value: &toml::Value) -> String {
    let defaults = toml::Table::try_from(super::Form::default()).unwrap_or_default();
    let same_kind = defaults.get(key).is_some_and(|default| default.same_type(value));
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
