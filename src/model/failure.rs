//! A failure as it is reported: a stable word and a sentence.

use super::LastError;
use crate::printable::printable;

/// Why there is no connection, or why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For programs.
    pub code: LastError,
    /// For people; never a secret.
    pub detail: String,
}

impl Failure {
    /// A failure of this kind. What strangers say in the detail does nothing to a terminal.
    pub fn new(code: LastError, detail: impl Into<String>) -> Self {
        Self { code, detail: printable(&detail.into()) }
    }
}
