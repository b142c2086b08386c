//! The answer of `Describe`: the table of settings, for programs that make a form or a help text of it.

use super::vardict::{VarDict, put};
use crate::config::schema::{Limit, all};
use crate::config::{RawConfig, SettingSpec};
use serde::{Serialize, Serializer};
use std::sync::Arc;
use zbus::Type;

fn described(setting: &SettingSpec, base: &RawConfig) -> VarDict {
    let choices = if let Limit::OneOf(words) = setting.limit { words } else { &[] };
    let mut row = VarDict::new();
    put(&mut row, "Name", setting.name);
    put(&mut row, "Key", setting.key);
    put(&mut row, "Type", setting.signature.to_string());
    put(&mut row, "Help", setting.doc.lines().map(str::trim).collect::<Vec<_>>().join(" "));
    put(&mut row, "Expected", setting.expected);
    put(&mut row, "Choices", choices.to_vec());
    put(&mut row, "Secret", setting.is_secret());
    if let Some(default) = setting.value(base) {
        put(&mut row, "Default", default);
    }
    row
}

/// Every setting in the order of the manual; `base` has what a reset goes back to. It is the same as long as the service runs.
#[derive(Clone, Type)]
#[zbus(signature = "aa{sv}")]
pub(super) struct Description(Arc<[VarDict]>);

impl Description {
    pub(super) fn new(base: &RawConfig) -> Self {
        Self(all().map(|setting| described(setting, base)).collect())
    }
}

impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Candidate, Config};
    use crate::dbus::values::assign;

    /// What the check says of a word as the value of a setting.
    fn refused(name: &str, word: &str) -> bool {
        let mut candidate = Candidate::default();
        assign(&mut candidate, name, &word.into()).expect("an enumeration is text");
        // Some choices want other settings, which is another detail of the same setting.
        Config::check(&candidate).is_err_and(|problems| problems.iter().any(|p| p.name == name && p.detail.is_none()))
    }

    #[test]
    fn settings_take_each_of_their_words_and_no_other() {
        let mut enumerations = 0;
        for setting in all() {
            let Limit::OneOf(words) = setting.limit else { continue };
            for word in words {
                assert!(!refused(setting.name, word), "{}: {word}", setting.name);
            }
            assert!(refused(setting.name, "hush"), "{}", setting.name);
            enumerations += 1;
        }
        assert_eq!(enumerations, 8);
        let encryption = described(crate::config::setting("EncryptionMode").expect("known"), &RawConfig::default());
        let choices = Vec::<String>::try_from(encryption["Choices"].try_clone().expect("no descriptors")).expect("as");
        assert_eq!(choices, ["none", "psk", "certificate"]);
        let qos = described(crate::config::setting("ScanQos").expect("known"), &RawConfig::default());
        assert_eq!(*qos["Choices"], zbus::Variant::from(Vec::<String>::new()));
    }
}
