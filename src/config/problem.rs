//! What is wrong with a settings file, in words that never hold a value.

use super::Problem;
use crate::printable::printable;
use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is not as it should be in a settings file. Prints as `FILE: key: expected ... (found a string)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The file.
    pub file: PathBuf,
    /// Line and column, where the text itself cannot be read.
    pub place: Option<(usize, usize)>,
    /// The key, if it is about one.
    pub key: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What was found instead, never the value.
    pub found: Option<String>,
}

impl FileProblem {
    pub(super) fn of_file(file: &Path, expected: &str, found: impl Into<String>) -> Self {
        let found = Some(found.into());
        Self { file: file.to_owned(), place: None, key: None, expected: expected.to_owned(), found }
    }

    pub(super) fn of_key(file: &Path, key: &str, expected: impl Into<String>, found: Option<String>) -> Self {
        let (file, key) = (file.to_owned(), Some(key.to_owned()));
        Self { file, place: None, key, expected: expected.into(), found }
    }

    pub(super) fn of_check(file: &Path, problem: &Problem) -> Self {
        let detail = problem.detail.as_deref().map(str::to_owned);
        Self::of_key(file, problem.key, problem.expected, detail)
    }
}

/// Several problems in one line.
pub(crate) fn joined<T: ToString>(problems: &[T]) -> String {
    problems.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", printable(&self.file.to_string_lossy()))?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if let Some(key) = &self.key {
            write!(f, " {}:", printable(key))?;
        }
        write!(f, " expected {}", self.expected)?;
        self.found.as_ref().map_or(Ok(()), |found| write!(f, " ({})", printable(found)))
    }
}
