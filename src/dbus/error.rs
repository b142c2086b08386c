//! What a refused request is called on the bus.

use crate::config::UpdateError;
use zbus::{BoxDBusError, fdo};

/// Errors of our own.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "com.cassianetworks.Bypass1.Error")]
pub enum Error {
    /// The settings would not be right, or the request names what does not exist.
    InvalidConfig(String),
    /// The settings are right but would send a stored secret where it was not meant to go.
    SecretRequired(String),
    /// The settings are right but cannot be saved; the old ones stay in force.
    SaveFailed(String),
    /// As many tests of a broker run as may at a time.
    TooManyTests(String),
}

impl Error {
    /// What is wrong with the names and values of a call, if anything is.
    pub(super) fn unless_right(wrong: &[String]) -> Result<(), Self> {
        if wrong.is_empty() { Ok(()) } else { Err(Self::InvalidConfig(wrong.join("; "))) }
    }

    /// As the setter of a property says it, which answers with the standard name for a wrong value.
    pub(super) fn of_setter(self) -> BoxDBusError {
        match self {
            Self::InvalidConfig(text) => Box::new(fdo::Error::InvalidArgs(text)),
            other => Box::new(other),
        }
    }
}

impl From<Error> for BoxDBusError {
    fn from(error: Error) -> Self {
        Box::new(error)
    }
}

impl From<UpdateError> for Error {
    fn from(error: UpdateError) -> Self {
        let text = error.to_string();
        match error {
            UpdateError::Invalid(_) => Self::InvalidConfig(text),
            UpdateError::Withheld(_) => Self::SecretRequired(text),
            UpdateError::Save { .. } => Self::SaveFailed(text),
        }
    }
}
