//! How long a setting may be. What is longer is refused before anything is done with it.

use super::typed::MOST_ADAPTERS;

/// Entries of each list of a filter.
pub const MAX_FILTER_ENTRIES: usize = 64;
/// Entries of FallbackHosts.
pub const MAX_FALLBACK_HOSTS: usize = 16;
/// Bytes of CaCertificate.
pub const MAX_CA_BYTES: usize = 256 * 1024;
/// Bytes of ClientCertificate.
pub const MAX_CHAIN_BYTES: usize = 64 * 1024;
/// Bytes of ClientKey.
pub const MAX_KEY_BYTES: usize = 16 * 1024;
/// Bytes of any other text: as many as MQTT has room for.
pub const MAX_TEXT_BYTES: usize = 65_535;

/// The most bytes of a setting that is text, and the most entries of one that is a list, by its key.
pub fn most(key: &str) -> usize {
    match key {
        "adapters" => MOST_ADAPTERS,
        "fallback_hosts" => MAX_FALLBACK_HOSTS,
        "filter_names" | "filter_macs" | "filter_uuids" | "filter_values" => MAX_FILTER_ENTRIES,
        "ca_certificate" => MAX_CA_BYTES,
        "client_certificate" => MAX_CHAIN_BYTES,
        "client_key" => MAX_KEY_BYTES,
        _ => MAX_TEXT_BYTES,
    }
}

/// What is said of one that is longer.
pub fn too_long(found: usize, most: usize, unit: &str) -> String {
    format!("it has {found} {unit}, at most {most} are taken")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SECRETS, SETTINGS};

    #[test]
    fn sizes_are_told_where_they_are_expected() {
        for setting in SETTINGS.iter().chain(SECRETS) {
            let most = most(setting.key);
            let listed = most < MAX_KEY_BYTES;
            if most != MAX_TEXT_BYTES {
                let told = setting.expected.contains(&format!("at most {most}"));
                assert!(told, "{}: {} is not in {}", setting.name, most, setting.expected);
                assert!(listed == setting.expected.contains("list"), "{}", setting.name);
            }
        }
    }
}
