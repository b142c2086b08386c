//! Settings by their names, before they are checked.

use super::pem;
use super::schema::all;
use super::{Config, Ignored, RawConfig, SECRETS, Secret, Secrets, SettingSpec, setting};
use crate::model::{Certificate, ConfiguredCertificate};
use zbus::Variant;

impl RawConfig {
    /// As a table of TOML.
    pub(super) fn to_table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("plain values under plain keys")
    }

    /// The certificates of `CaCertificate` and `ClientCertificate`, used or not. Of several CAs that ended one is no loss as long as
    /// another one holds; of a chain the first is the router's own.
    pub fn certificates(&self) -> Vec<ConfiguredCertificate> {
        let read = |pem: &str| {
            let list = if pem.is_empty() { Vec::new() } else { pem::certificates(pem).unwrap_or_default() };
            list.into_iter().map(|certificate| Certificate::of(&certificate))
        };
        let ca = read(&self.ca_certificate).max_by_key(|certificate| certificate.not_after);
        let own = read(&self.client_certificate).next();
        let of = |setting| move |certificate| ConfiguredCertificate { setting, certificate };
        ca.map(of("CaCertificate")).into_iter().chain(own.map(of("ClientCertificate"))).collect()
    }
}

impl Secrets {
    /// Each secret with its key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        SECRETS.iter().filter_map(|s| Some((s.key, self.get(s.key)?)))
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

impl Candidate {
    /// Sets a setting, for which nothing is kept for another version any more. False, and no change, if the value is of another type.
    pub fn set(&mut self, spec: &SettingSpec, value: &Variant<'_>) -> bool {
        let value = value.try_clone().ok().filter(|value| value.value_signature() == spec.signature);
        let Some(value) = value else { return false };
        let set = match (spec.access, self.secrets.get_mut(spec.key)) {
            (Some(access), _) => (access.set)(&mut self.raw, value),
            (None, Some(secret)) => String::try_from(value).map(|text| *secret = Secret::from(text)).is_ok(),
            (None, None) => false,
        };
        if set {
            self.touch(spec.name);
        }
        set
    }

    /// Takes the value of one setting, by its D-Bus name, from another candidate.
    pub fn copy(&mut self, name: &str, from: &Self) {
        self.touch(name);
        let Some(spec) = setting(name) else { return };
        if let Some(access) = spec.access {
            (access.set)(&mut self.raw, (access.get)(&from.raw));
        } else if let (Some(secret), Some(from)) = (self.secrets.get_mut(spec.key), from.secrets.get(spec.key)) {
            *secret = from.clone();
        }
    }

    /// Somebody sets the setting with this D-Bus name: what is kept of it for another version goes.
    pub fn touch(&mut self, name: &str) {
        self.ignored.forget(name);
    }

    /// D-Bus names of the settings that differ; last those whose kept value went, although the value in force may be the same.
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        let differs = |s: &SettingSpec| {
            s.value(&self.raw) != s.value(&other.raw) || self.secrets.get(s.key) != other.secrets.get(s.key)
        };
        let kept = |c: &Self, key: &str| (c.ignored.settings.get(key).cloned(), c.ignored.secrets.get(key).cloned());
        let (changed, same): (Vec<&SettingSpec>, Vec<&SettingSpec>) = all().partition(|s| differs(s));
        let forgotten = same.into_iter().filter(|s| kept(self, s.key) != kept(other, s.key));
        changed.into_iter().chain(forgotten).map(|s| s.name).collect()
    }
}

impl Config {
    /// What D-Bus reads of a setting: its value, or whether the secret is stored.
    pub(crate) fn reported(&self, spec: &SettingSpec) -> Variant<'static> {
        spec.value(&self.raw).unwrap_or_else(|| self.stored_secrets.contains(&spec.key).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_changed_are_seen_and_set_back() {
        let (before, mut after) = (Candidate::default(), Candidate::default());
        after.raw.port = 1;
        after.secrets.psk = Secret::from("12".to_owned());
        assert_eq!(after.changed(&before), ["Port", "Psk"]);
        for setting in all() {
            after.copy(setting.name, &before);
        }
        assert_eq!(after, before);
    }
}
