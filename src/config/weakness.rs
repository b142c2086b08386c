//! Settings that are right and protect little.

use super::{Config, Mqtt, Security};
use std::net::IpAddr;

/// Bytes of a pre-shared key below which it can be found by trying.
const SHORT_KEY: usize = 16;

/// What protects little, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// D-Bus name of the setting that it is about; the text begins with it.
    pub setting: &'static str,
    /// For people.
    pub text: String,
}

impl Config {
    /// What of these settings protects little; nothing while nothing is published.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let Some(Mqtt { broker, .. }) = &self.mqtt else { return Vec::new() };
        match &broker.security {
            Security::None => {
                if broker.login.as_ref().is_none_or(|login| login.password.is_empty()) {
                    return Vec::new();
                }
                let mut hosts = std::iter::once(&broker.host).chain(broker.fallbacks.iter().map(|(host, _)| host));
                let text = hosts.find(|host| !is_loopback(host)).map(|host| {
                    format!(
                        "Password goes to {host} in the clear, since EncryptionMode is none: everybody on the way can read it. Set \
                         EncryptionMode to certificate or psk."
                    )
                });
                text.into_iter().map(|text| Weakness { setting: "Password", text }).collect()
            }
            Security::Psk { key, .. } if key.0.len() < SHORT_KEY => {
                let bytes = key.0.len();
                let text = format!(
                    "Psk has {bytes} bytes: a key of less than {SHORT_KEY} can be found by trying. Use one of {SHORT_KEY} bytes ({} digits) or \
                     more, here and at the broker: openssl rand -hex 32 makes one.",
                    2 * SHORT_KEY
                );
                vec![Weakness { setting: "Psk", text }]
            }
            Security::Psk { .. } | Security::Certificate { .. } => Vec::new(),
        }
    }
}

/// Whether a host is this machine, so that nobody is on the way.
fn is_loopback(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761 section 6.3.
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Candidate, Secret};

    fn weaknesses(change: impl FnOnce(&mut Candidate)) -> Vec<Weakness> {
        let mut candidate = Candidate::default();
        (candidate.raw.protocol, candidate.raw.username) = ("mqtt".into(), "router".into());
        candidate.raw.psk_identity = "router".into();
        candidate.secrets.password = Secret::from("hush".to_owned());
        change(&mut candidate);
        Config::check(&candidate).expect("right").weaknesses()
    }

    #[test]
    fn weakness_of_a_password_in_the_clear_names_its_host() {
        for host in ["broker.example", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "localhost.example", "128.0.0.1"]
        {
            let found = weaknesses(|d| d.raw.host = host.into());
            assert_eq!(found.len(), 1, "{host}");
            assert_eq!(found[0].setting, "Password");
            assert!(found[0].text.starts_with(&format!("Password goes to {host} in the clear")), "{found:?}");
        }
        for host in ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert_eq!(weaknesses(|d| d.raw.host = host.into()), [], "{host}");
            let fallback = weaknesses(|d| {
                d.raw.host = host.into();
                d.raw.fallback_hosts = vec!["localhost:1884".into(), "second.example:1884".into()];
            });
            assert!(fallback[0].text.contains("second.example"), "{fallback:?}");
        }
        let changes: [fn(&mut Candidate); 4] = [
            |d| d.raw.username = String::new(),
            |d| d.secrets.password = Secret::default(),
            |d| d.raw.encryption_mode = "certificate".into(),
            |d| d.raw.protocol = "none".into(),
        ];
        for change in changes {
            let found = weaknesses(|d| {
                d.raw.host = "broker.example".into();
                change(d);
            });
            assert_eq!(found, []);
        }
    }

    #[test]
    fn weakness_of_a_short_key_tells_its_bytes() {
        for (digits, bytes) in [(1, 1), (4, 2), (15, 8), (16, 8), (30, 15), (31, 16), (32, 16), (64, 32)] {
            let found = weaknesses(|d| {
                (d.raw.host, d.raw.encryption_mode) = ("broker.example".into(), "psk".into());
                d.secrets.psk = Secret::from("1".repeat(digits));
            });
            match bytes {
                16.. => assert_eq!(found, [], "{digits}"),
                _ => assert!(found[0].text.starts_with(&format!("Psk has {bytes} bytes: ")), "{digits}: {found:?}"),
            }
        }
    }
}
