//! The answer of `Describe`: the table of settings, for programs that make a form or a help text of it.

use super::report::{Report, put};
use crate::config::schema::{for_each_secret, for_each_setting};
use crate::config::{RawConfig, Setting, setting};
use serde::{Serialize, Serializer};
use std::sync::Arc;
use zbus::Type;

/// The words of an expectation that begins with `one of`, without what stands in parentheses; none of another.
fn choices(expected: &str) -> Vec<String> {
    let Some(list) = expected.strip_prefix("one of ") else { return Vec::new() };
    list.split(", ").map(|word| word.split(" (").next().unwrap_or(word).to_owned()).collect()
}

fn described(setting: &Setting, help: &[&str], signature: String) -> Report {
    let mut report = Report::new();
    put(&mut report, "Name", setting.name);
    put(&mut report, "Key", setting.key);
    put(&mut report, "Type", signature);
    put(&mut report, "Help", help.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "));
    put(&mut report, "Expected", setting.expected);
    put(&mut report, "Choices", choices(setting.expected));
    put(&mut report, "Secret", setting.secret);
    report
}

macro_rules! define_settings {
    ($($(#[doc = $doc:literal])* $key:ident $setter:ident $name:ident: $type:ty = $default:expr, $expected:literal;)*) => {
        fn settings(base: &RawConfig) -> Vec<Report> {
            let mut list = Vec::new();
            $(if let Some(row) = setting(stringify!($key)) {
                let mut report = described(row, &[$($doc),*], <$type>::SIGNATURE.to_string());
                put(&mut report, "Default", base.$key.clone());
                list.push(report);
            })*
            list
        }
    };
}
for_each_setting!(define_settings);

macro_rules! define_secrets {
    ($($(#[doc = $doc:literal])* $key:ident $setter:ident $is_set:ident $name:ident, $expected:literal;)*) => {
        fn secrets() -> Vec<Report> {
            let rows = [$((stringify!($key), &[$($doc),*][..])),*];
            let row = |(key, help)| setting(key).map(|row| described(row, help, String::SIGNATURE.to_string()));
            rows.into_iter().filter_map(row).collect()
        }
    };
}
for_each_secret!(define_secrets);

/// Every setting in the order of the manual; `base` has what a reset goes back to. It is the same as long as the service runs.
#[derive(Clone, Type)]
#[zbus(signature = "aa{sv}")]
pub(super) struct Description(Arc<[Report]>);

impl Description {
    pub(super) fn new(base: &RawConfig) -> Self {
        let mut list = settings(base);
        list.extend(secrets());
        Self(list.into())
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
    use crate::config::{Candidate, Config, SETTINGS};
    use crate::dbus::values::assign;
    use zbus::{OwnedVariant, Variant};

    /// What the check says of a word as the value of a setting.
    fn refused(name: &str, word: &str) -> bool {
        let mut candidate = Candidate::default();
        let value = OwnedVariant::try_from(Variant::from(word)).expect("no descriptors");
        assign(&mut candidate, name, &value).expect("an enumeration is text");
        // Some choices want other settings, which is another detail of the same setting.
        Config::check(&candidate).is_err_and(|problems| problems.iter().any(|p| p.name == name && p.detail.is_none()))
    }

    #[test]
    fn every_choice_is_one_and_others_are_none() {
        let mut enumerations = 0;
        for setting in SETTINGS {
            for word in choices(setting.expected) {
                assert!(!refused(setting.name, &word), "{}: {word}", setting.name);
            }
            if !choices(setting.expected).is_empty() {
                assert!(refused(setting.name, "hush"), "{}", setting.name);
                enumerations += 1;
            }
        }
        assert_eq!(enumerations, 8);
        assert_eq!(
            choices("one of none, psk (needs Psk and PskIdentity), certificate"),
            ["none", "psk", "certificate"]
        );
        assert!(choices("0, 1 or 2").is_empty());
    }
}
