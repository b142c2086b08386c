//! What `settings.toml` holds that this version does not understand or does not take. A rollback brings such a file: it is kept for
//! the version that wrote it, and not used.

use super::schema::{all, setting};
use crate::printable::printable;
use toml::{Table, Value};

/// What is kept so. Names are D-Bus names of settings, or keys that are no setting of this version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ignored {
    pub(super) settings: Table,
    /// Of the table that names the files of secrets.
    pub(super) secrets: Table,
}

impl Ignored {
    /// Names, in the order of the manual, unknown ones last and without what could harm a terminal.
    pub fn names(&self) -> Vec<String> {
        let held = |key: &str| self.settings.contains_key(key) || self.secrets.contains_key(key);
        let known = all().filter(|s| held(s.key)).map(|s| s.name.to_owned());
        let unknown = self.settings.keys().chain(self.secrets.keys()).filter(|key| setting(key).is_none());
        known.chain(unknown.map(|key| printable(&key.chars().take(64).collect::<String>()))).collect()
    }

    /// Whether there is nothing of the kind.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.secrets.is_empty()
    }

    /// Somebody set this setting, by its D-Bus name, anew.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some(setting) = setting(name) {
            self.settings.remove(setting.key);
            self.secrets.remove(setting.key);
        }
    }

    /// Whether a file of a secret is kept for the version that wrote it.
    pub(super) fn keeps(&self, key: &str, generation: u64) -> bool {
        self.secrets.get(key).and_then(Value::as_integer) == i64::try_from(generation).ok()
    }
}
