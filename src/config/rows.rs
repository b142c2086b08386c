//! What is done with a setting by its name, generated from the table.

use super::schema::{for_each_secret, for_each_setting};
use super::{Candidate, RawConfig, SECRETS, SETTINGS};

macro_rules! define_rows {
    ($($(#[$doc:meta])* $key:ident $setter:ident $name:ident: $type:ty = $default:expr, $expected:literal;)*) => {
        /// Whether a value is of a setting's type. Not asked of figment, which takes `[1, "FF", 2]` for a pair.
        pub(super) fn type_fits(key: &str, value: &toml::Value) -> bool {
            match key {
                $(stringify!($key) => value.clone().try_into::<$type>().is_ok(),)*
                _ => false,
            }
        }

        impl RawConfig {
            /// D-Bus names of the settings that differ.
            pub fn changed(&self, other: &Self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$key != other.$key { names.push(stringify!($name)); })*
                names
            }

            fn copy(&mut self, name: &str, from: &Self) {
                match name {
                    $(stringify!($name) => self.$key = from.$key.clone(),)*
                    _ => {}
                }
            }
        }
    };
}
for_each_setting!(define_rows);

macro_rules! define_secret_rows {
    ($($(#[$doc:meta])* $key:ident $setter:ident $is_set:ident $name:ident, $expected:literal;)*) => {
        impl Candidate {
            /// D-Bus names of the settings that differ, secrets among them.
            pub fn changed(&self, other: &Self) -> Vec<&'static str> {
                let mut names = self.raw.changed(&other.raw);
                $(if self.secrets.$key != other.secrets.$key { names.push(stringify!($name)); })*
                self.name_forgotten(other, names)
            }

            /// Takes the value of one setting, by its D-Bus name, from another candidate.
            pub fn copy(&mut self, name: &str, from: &Self) {
                self.ignored.forget(name);
                match name {
                    $(stringify!($name) => self.secrets.$key = from.secrets.$key.clone(),)*
                    _ => self.raw.copy(name, &from.raw),
                }
            }
        }
    };
}
for_each_secret!(define_secret_rows);

impl Candidate {
    /// Somebody sets the setting with this D-Bus name: what is kept of it for another version goes.
    pub fn touch(&mut self, name: &str) {
        self.ignored.forget(name);
    }

    /// Adds the settings whose kept value went: a change, although the value in force may be the same.
    fn name_forgotten(&self, other: &Self, mut names: Vec<&'static str>) -> Vec<&'static str> {
        for setting in SETTINGS.iter().chain(SECRETS) {
            let kept = |candidate: &Self| {
                (
                    candidate.ignored.settings.get(setting.key).cloned(),
                    candidate.ignored.secrets.get(setting.key).cloned(),
                )
            };
            if kept(self) != kept(other) && !names.contains(&setting.name) {
                names.push(setting.name);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_change_is_seen_and_undone() {
        let (before, mut after) = (Candidate::default(), Candidate::default());
        after.raw.port = 1;
        after.secrets.psk = Secret::from("12".to_owned());
        assert_eq!(after.changed(&before), ["Port", "Psk"]);
        for setting in SETTINGS.iter().chain(SECRETS) {
            after.copy(setting.name, &before);
        }
        assert_eq!(after, before);
    }
}
