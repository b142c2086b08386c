//! The table of settings, as data. What needs "each setting" walks it: D-Bus properties, introspection and `Describe`, the checks of
//! types and limits, what differs and what is set back. The flat structs of the files are made of it by the one macro here.
//!
//! A row: documentation, `toml_key`, `DBusName`, type `=` default, limit, and what a right value looks like (the text of every
//! refusal). The D-Bus name is the CamelCase of the key.

use super::secret::Secret;
use super::typed::MOST_ADAPTERS;
use Limit::{Free, MaxBytes, MaxEntries, OneOf, Range};
use serde::{Deserialize, Serialize};
use zbus::{Signature, Type, Variant};

/// Entries of each list of a filter.
const MAX_FILTER_ENTRIES: usize = 64;
/// Bytes of a text that has no limit of its own: as many as MQTT has room for.
pub(super) const MAX_TEXT_BYTES: usize = 65_535;

/// What is known of a setting besides its value.
#[derive(Debug, Clone, Copy)]
pub struct SettingSpec {
    /// The key in the TOML files.
    pub key: &'static str,
    /// The D-Bus property that is written; of a secret it cannot be read.
    pub name: &'static str,
    /// The D-Bus property that is read: the same, or whether the secret is stored.
    pub read_name: &'static str,
    /// What it is for, in lines.
    pub doc: &'static str,
    /// The type on D-Bus.
    pub signature: &'static Signature,
    /// Which values of this type there are.
    pub limit: Limit,
    /// What a right value looks like.
    pub expected: &'static str,
    /// How it is read and written; a secret is not.
    pub(super) access: Option<Access>,
}

/// Reads and writes one field of [`RawConfig`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    pub(super) get: fn(&RawConfig) -> Variant<'static>,
    /// False for a value of another type.
    pub(super) set: fn(&mut RawConfig, Variant<'_>) -> bool,
}

/// Which values of its type a setting takes, as far as that is data. What is longer is refused before anything is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// What `config/check.rs` says.
    Free,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number from one bound to the other, of one of these pairs.
    Range(&'static [(i64, i64)]),
    /// A text of so many bytes at most.
    MaxBytes(usize),
    /// A list of so many entries at most.
    MaxEntries(usize),
}

impl SettingSpec {
    /// Whether it is write-only.
    pub fn is_secret(&self) -> bool {
        self.access.is_none()
    }

    /// Its value; `None` of a secret.
    pub fn value(&self, raw: &RawConfig) -> Option<Variant<'static>> {
        self.access.map(|access| (access.get)(raw))
    }

    /// What is wrong with a text of so many bytes, or a list of so many entries, if it is too long.
    pub fn too_long(&self, found: usize, unit: &str) -> Option<String> {
        let most = match self.limit {
            MaxBytes(most) | MaxEntries(most) => most,
            Free | OneOf(_) | Range(_) => MAX_TEXT_BYTES,
        };
        (found > most).then(|| format!("it has {found} {unit}, at most {most} are taken"))
    }
}

/// Every setting in the order of the manual, secrets last.
pub fn all() -> impl Iterator<Item = &'static SettingSpec> {
    SETTINGS.iter().chain(SECRETS)
}

/// The setting with this TOML key or D-Bus name.
pub fn setting(key_or_name: &str) -> Option<&'static SettingSpec> {
    all().find(|s| s.key == key_or_name || s.name == key_or_name)
}

macro_rules! schema {
    (
        settings {
            $($(#[doc = $doc:literal])+ $key:ident $name:ident: $type:ty = $default:expr, $limit:expr, $expected:literal;)*
        }
        secrets {
            $($(#[doc = $secret_doc:literal])+ $secret:ident $secret_name:ident, $secret_limit:expr, $secret_expected:literal;)*
        }
    ) => {
        /// Every setting that may be read back, with its default.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct RawConfig { $($(#[doc = $doc])+ pub $key: $type,)* }

        impl Default for RawConfig {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        /// The write-only settings; an empty one is unset.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Secrets { $($(#[doc = $secret_doc])+ pub $secret: Secret,)* }

        impl Secrets {
            /// The secret with this key.
            pub fn get(&self, key: &str) -> Option<&Secret> {
                match key { $(stringify!($secret) => Some(&self.$secret),)* _ => None }
            }

            /// The secret with this key.
            pub fn get_mut(&mut self, key: &str) -> Option<&mut Secret> {
                match key { $(stringify!($secret) => Some(&mut self.$secret),)* _ => None }
            }
        }

        /// The settings that may be read back, in the order of the manual.
        pub const SETTINGS: &[SettingSpec] = &[$(SettingSpec {
            key: stringify!($key),
            name: stringify!($name),
            read_name: stringify!($name),
            doc: concat!($($doc, "\n"),+),
            signature: <$type>::SIGNATURE,
            limit: $limit,
            expected: $expected,
            access: Some(Access {
                get: |raw| raw.$key.clone().into(),
                set: |raw, value| <$type>::try_from(value).map(|value| raw.$key = value).is_ok(),
            }),
        }),*];

        /// The write-only settings, in the order of the manual.
        pub const SECRETS: &[SettingSpec] = &[$(SettingSpec {
            key: stringify!($secret),
            name: stringify!($secret_name),
            read_name: concat!(stringify!($secret_name), "Set"),
            doc: concat!($($secret_doc, "\n"),+),
            signature: String::SIGNATURE,
            limit: $secret_limit,
            expected: $secret_expected,
            access: None,
        }),*];
    };
}

schema! {
    settings {
        /// What the radio does: `off`, `passive` (listens) or `active` (also asks for scan responses). Guide section 3.
        scan_mode ScanMode: String = "passive".into(), OneOf(&["off", "passive", "active"]),
            "one of off, passive, active";
        /// Bluetooth adapters to scan with: none takes the first, `all` takes every one, else their addresses. Those that come later
        /// join; `chipId` of an item tells which one heard it.
        adapters Adapters: Vec<String> = Vec::new(), MaxEntries(MOST_ADAPTERS),
            "[] (the first), all alone, or a list of at most 8 Bluetooth addresses such as 00:1A:7D:DA:71:13";
        /// Where adverts go: `none` or `mqtt`. Nothing is published until it is `mqtt`. Guide section 3.
        protocol Protocol: String = "none".into(), OneOf(&["none", "mqtt"]),
            "one of none, mqtt";
        /// DNS name or IP address (v4 or v6) of the broker. Guide section 3.
        host Host: String = String::new(), Free,
            "a DNS name or an IP address, not empty while Protocol is mqtt";
        /// TCP port of the broker; 0 means 1883, or 8883 with encryption. Guide sections 1.2 and 3.
        port Port: u16 = 0, Free,
            "0 (standard port) or a TCP port, 1-65535";
        /// Brokers to try in this order when Host does not answer, each `host` (with Port) or `host:port`, IPv6 as `[::1]:1883`.
        /// Once Host answers again the connection goes back to it.
        fallback_hosts FallbackHosts: Vec<String> = Vec::new(), MaxEntries(16),
            "a list of host or host:port, at most 16";
        /// `long` keeps the connection; `short` connects, publishes and disconnects for each batch. Guide section 3.
        connection_type ConnectionType: String = "long".into(), OneOf(&["long", "short"]),
            "one of long, short";
        /// MQTT user name; empty connects without user name and password. Guide section 4.2.
        username Username: String = String::new(), Free,
            "UTF-8 text of at most 65535 bytes without control characters";
        /// Topic of the messages. `{router}` stands for the router's MAC address, `{device}` for the advertiser's (with
        /// PayloadFormat `object` only). Guide section 3, MQTT 3.1.1 section 4.7.
        scan_topic ScanTopic: String = "scanTopic".into(), Free,
            "a topic of 1-65535 bytes without +, #, control characters; the templates are {router} and, with PayloadFormat object, {device}";
        /// MQTT quality of service of the messages: 0 at most once, 1 at least once, 2 exactly once. Guide section 3.
        scan_qos ScanQos: u8 = 0, Range(&[(0, 2)]),
            "0, 1 or 2";
        /// `none`, `psk` (TLS with a pre-shared key) or `certificate` (TLS with X.509). Guide sections 4.3 and 4.4.
        encryption_mode EncryptionMode: String = "none".into(), OneOf(&["none", "psk", "certificate"]),
            "one of none, psk (needs Psk and PskIdentity), certificate";
        /// Identity that goes with the pre-shared key. Guide section 4.3.
        psk_identity PskIdentity: String = String::new(), Free,
            "UTF-8 text of at most 128 bytes without control characters, not empty while EncryptionMode is psk";
        /// CA certificate(s) used to verify the broker, as PEM text; empty uses the system's CA store. CRLs beside them are
        /// checked. Guide section 4.4.
        ca_certificate CaCertificate: String = String::new(), MaxBytes(256 * 1024),
            "empty or PEM text of at most 262144 bytes with at least one BEGIN CERTIFICATE block";
        /// Present a client certificate to the broker. Guide section 4.4.
        require_client_certificate RequireClientCertificate: bool = false, Free,
            "true (needs ClientCertificate and ClientKey) or false";
        /// Our certificate as PEM text, intermediate certificates after it. Guide section 4.4.
        client_certificate ClientCertificate: String = String::new(), MaxBytes(64 * 1024),
            "empty or PEM text of at most 65536 bytes with the client certificate first, matching ClientKey";
        /// Maximum age of a batch, in milliseconds.
        push_interval_ms PushIntervalMs: u32 = 100, Range(&[(10, 600_000)]),
            "milliseconds, 10-600000";
        /// Maximum adverts in a batch.
        push_batch_size PushBatchSize: u32 = 20, Range(&[(1, 1000)]),
            "adverts, 1-1000";
        /// Local names to let pass: exact, `Prefix*`, `*Suffix`, or `*` for any name. Of several one is enough; each packet
        /// is judged by itself, and every filter has to let it pass.
        filter_names FilterNames: Vec<String> = Vec::new(), MaxEntries(MAX_FILTER_ENTRIES),
            "a list of at most 64 names without control characters: exact, Prefix*, *Suffix or *";
        /// Addresses to let pass: exact or a prefix such as `CC:1B:E0*`.
        filter_macs FilterMacs: Vec<String> = Vec::new(), MaxEntries(MAX_FILTER_ENTRIES),
            "a list of at most 64 addresses such as CC:1B:E0:E0:E6:D0 or prefixes such as CC:1B:E0*";
        /// Service UUIDs to let pass (AD types 0x02-0x07), hex without `-`, big-endian.
        filter_uuids FilterUuids: Vec<String> = Vec::new(), MaxEntries(MAX_FILTER_ENTRIES),
            "a list of at most 64 UUIDs of 4, 8 or 32 hex digits without -";
        /// Weakest signal to let pass, in dBm; -128 lets all pass. A packet of unknown strength (127) passes.
        filter_rssi FilterRssi: i16 = -128, Range(&[(-128, 20)]),
            "dBm, -128 to 20";
        /// (offset, hex) pairs of bytes to let pass; offset -1 is anywhere in the AD bytes.
        filter_values FilterValues: Vec<(i32, String)> = Vec::new(), MaxEntries(MAX_FILTER_ENTRIES),
            "a list of at most 64 pairs (offset -1 to 1649, hex bytes)";
        /// 0 publishes every packet; 1 one packet per device; from 1000 on an identical packet once per that many
        /// milliseconds and a changed one at once. Changing it clears the duplicate table.
        duplicates_ms DuplicatesMs: u32 = 0, Range(&[(0, 1), (1000, 86_400_000)]),
            "0, 1 or 1000-86400000 milliseconds";
        /// Adds `timestamp`, when the packet was heard, to each item; withheld while the clock is not synchronised.
        timestamp Timestamp: bool = false, Free,
            "true or false";
        /// Text of `timestamp`: `rfc3339` (`2026-03-08T10:07:17.723Z`, UTC) or `local` (the vendor's
        /// `2026-03-08 18:07:17.723 CST`, local time zone).
        timestamp_format TimestampFormat: String = "rfc3339".into(), OneOf(&["rfc3339", "local"]),
            "one of rfc3339, local";
        /// Adds `beacon` to each item that is an iBeacon or Eddystone frame: what it says, decoded.
        beacon Beacon: bool = false, Free,
            "true or false";
        /// Name of the key of an item's event type: `evtType` (firmware 2.x) or `evt_type` (1.x).
        event_type_key EventTypeKey: String = "evtType".into(), OneOf(&["evtType", "evt_type"]),
            "one of evtType, evt_type";
        /// Framing of a message: `array` of items, `object` (one item a message, PushBatchSize does not matter) or `envelope`
        /// (items with id, gateway, epoch and a sequence number that proves losses).
        payload_format PayloadFormat: String = "array".into(), OneOf(&["array", "object", "envelope"]),
            "one of array, object, envelope";
        /// Topic of the retained status message and last will, both at QoS 1; empty switches them off.
        status_topic StatusTopic: String = String::new(), Free,
            "empty or a topic of at most 65535 bytes without +, #, control characters; the template is {router}";
        /// Version of MQTT spoken: `3.1`, `3.1.1` or `5`.
        mqtt_version MqttVersion: String = "3.1.1".into(), OneOf(&["3.1", "3.1.1", "5"]),
            "one of 3.1, 3.1.1, 5";
        /// MQTT keep alive in seconds; 0 switches it off. MQTT 3.1.1 section 3.1.2.10.
        keep_alive_secs KeepAliveSecs: u16 = 60, Range(&[(0, 0), (5, 65_535)]),
            "seconds, 0 (off) or 5-65535";
        /// MQTT client identifier; `{router}` stands for the router's MAC address in lower case.
        client_id ClientId: String = "{router}-0".into(), Free,
            "1-256 bytes of UTF-8 without control characters, at most 23 with MqttVersion 3.1; the template is {router}";
        /// MAC address that stands for this router in topics and client ids; empty takes the first network interface's.
        router_address RouterAddress: String = String::new(), Free,
            "empty or a MAC address such as CC:1B:E0:E0:E6:D0";
        /// Bytes of finished messages that wait in memory; beyond it the oldest are dropped and counted, unless the spool takes
        /// them before.
        queue_max_bytes QueueMaxBytes: u32 = 4_194_304, Range(&[(65_536, 268_435_456)]),
            "bytes, 65536-268435456";
        /// Bytes of messages that wait on the disk while the broker is away; beyond it the oldest are dropped and counted.
        spool_max_bytes SpoolMaxBytes: u32 = 67_108_864, Range(&[(0, 0), (1_048_576, 1_073_741_824)]),
            "0 (no spool) or bytes, 1048576-1073741824";
        /// Seconds that a message may wait on the disk, while the router runs; older ones are dropped and counted.
        spool_max_age_secs SpoolMaxAgeSecs: u32 = 604_800, Range(&[(60, 31_536_000)]),
            "seconds, 60-31536000";
        /// Adverts per second that are sent again from the disk, beside the live ones.
        replay_max_per_sec ReplayMaxPerSec: u32 = 1000, Range(&[(1, 1_000_000)]),
            "adverts per second, 1-1000000";
    }
    secrets {
        /// MQTT password. Guide section 4.2.
        password Password, Free,
            "UTF-8 text of at most 65535 bytes without NUL";
        /// Pre-shared key in hex without 0x, any number of digits, odd too. Guide section 4.3.
        psk Psk, Free,
            "1-512 hexadecimal digits without 0x";
        /// Private key of ClientCertificate as PEM text, not encrypted. Guide section 4.4.
        client_key ClientKey, MaxBytes(16 * 1024),
            "PEM text of at most 16384 bytes with one unencrypted private key that matches ClientCertificate";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_by_the_camel_case_of_their_keys() {
        for s in all() {
            let camel: String = s.key.split('_').map(|w| w[..1].to_uppercase() + &w[1..]).collect();
            assert_eq!(camel, s.name);
        }
    }

    #[test]
    fn settings_say_their_limits_where_a_value_is_refused() {
        for SettingSpec { name, expected, limit, .. } in all() {
            let right = match limit {
                Free => true,
                OneOf(words) => {
                    let list = expected.strip_prefix("one of ").expect("a list of words").split(", ");
                    list.map(|word| word.split(" (").next().unwrap_or(word)).eq(words.iter().copied())
                }
                Range(ranges) => {
                    let between = |c: char| !c.is_ascii_digit() && c != '-';
                    let bound = |n: &i64| expected.split(between).any(|word| word == n.to_string());
                    let span = |(from, to): &(i64, i64)| expected.contains(&format!("{from}-{to}"));
                    ranges.iter().all(|range| span(range) || (bound(&range.0) && bound(&range.1)))
                }
                MaxBytes(most) => expected.contains(&format!("at most {most} bytes")),
                MaxEntries(most) => expected.contains("list") && expected.contains(&format!("at most {most}")),
            };
            assert!(right, "{name}: {limit:?} is not in {expected}");
        }
    }
}
