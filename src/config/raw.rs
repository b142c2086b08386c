//! The flat form of the settings, as files and D-Bus hold them: every key optional, nothing checked but its type.

use super::Ignored;
use super::pem;
use super::schema::{for_each_secret, for_each_setting};
use super::secret::Secret;
use crate::model::Certificate;
use serde::{Deserialize, Serialize};

/// What is known of a setting besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The key in the TOML files.
    pub key: &'static str,
    /// The D-Bus property.
    pub name: &'static str,
    /// What a right value looks like.
    pub expected: &'static str,
    /// Whether it is write-only.
    pub secret: bool,
}

macro_rules! define_form {
    ($($(#[$doc:meta])* $key:ident $setter:ident $name:ident: $type:ty = $default:expr, $expected:literal;)*) => {
        /// Every setting that may be read back, with its default.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct RawConfig { $($(#[$doc])* pub $key: $type,)* }

        impl Default for RawConfig {
            fn default() -> Self { Self { $($key: $default,)* } }
        }

        /// The settings that may be read back, in the order of the manual.
        pub const SETTINGS: &[Setting] =
            &[$(Setting { key: stringify!($key), name: stringify!($name), expected: $expected, secret: false },)*];
    };
}
for_each_setting!(define_form);

macro_rules! define_secrets {
    ($($(#[$doc:meta])* $key:ident $setter:ident $is_set:ident $name:ident, $expected:literal;)*) => {
        /// The write-only settings; an empty one is unset.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Secrets { $($(#[$doc])* pub $key: Secret,)* }

        impl Secrets {
            /// Each secret with its key.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
                [$((stringify!($key), &self.$key),)*].into_iter()
            }

            /// The secret with this key.
            pub fn get_mut(&mut self, key: &str) -> Option<&mut Secret> {
                match key { $(stringify!($key) => Some(&mut self.$key),)* _ => None }
            }
        }

        /// The write-only settings, in the order of the manual.
        pub const SECRETS: &[Setting] =
            &[$(Setting { key: stringify!($key), name: stringify!($name), expected: $expected, secret: true },)*];
    };
}
for_each_secret!(define_secrets);

/// The setting with this TOML key or D-Bus name.
pub fn setting(key_or_name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().chain(SECRETS).find(|s| s.key == key_or_name || s.name == key_or_name)
}

impl RawConfig {
    /// The certificates of `CaCertificate` and `ClientCertificate`, used or not.
    pub fn certificates(&self) -> (Vec<Certificate>, Vec<Certificate>) {
        let read = |pem: &str| {
            let list = if pem.is_empty() { Vec::new() } else { pem::certificates(pem).unwrap_or_default() };
            list.iter().map(|certificate| Certificate::of(certificate)).collect()
        };
        (read(&self.ca_certificate), read(&self.client_certificate))
    }
}

/// A whole set of settings that has not been checked yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate {
    /// What may be read back.
    pub raw: RawConfig,
    /// The write-only settings.
    pub secrets: Secrets,
    /// What is kept for another version.
    pub ignored: Ignored,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_camel_case_of_the_keys() {
        for s in SETTINGS.iter().chain(SECRETS) {
            let camel: String = s.key.split('_').map(|w| w[..1].to_uppercase() + &w[1..]).collect();
            assert_eq!(camel, s.name);
        }
    }
}
