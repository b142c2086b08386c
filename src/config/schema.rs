//! The one list of settings. Everything that needs "each setting" is generated from it: the flat [`RawConfig`](super::RawConfig)
//! of the files, the D-Bus properties, the key names, the checks of types while the files are read.
//!
//! A row: documentation, `toml_key`, `setter`, `DBusName`, type `=` default, and what a right value looks like (the text of
//! every refusal). The D-Bus name is the CamelCase of the key.

/// Calls the macro `$then` with every setting that may be read back.
macro_rules! for_each_setting {
    ($then:ident) => {
        $then! {
            /// What the radio does: `off`, `passive` (listens) or `active` (also asks for scan responses). Guide section 3.
            scan_mode set_scan_mode ScanMode: String = "passive".into(),
                "one of off, passive, active";
            /// Bluetooth adapters to scan with: none takes the first, `all` takes every one, else their addresses. Those that come later
            /// join; `chipId` of an item tells which one heard it.
            adapters set_adapters Adapters: Vec<String> = Vec::new(),
                "[] (the first), all alone, or a list of at most 8 Bluetooth addresses such as 00:1A:7D:DA:71:13";
            /// Where adverts go: `none` or `mqtt`. Nothing is published until it is `mqtt`. Guide section 3.
            protocol set_protocol Protocol: String = "none".into(),
                "one of none, mqtt";
            /// DNS name or IP address (v4 or v6) of the broker. Guide section 3.
            host set_host Host: String = String::new(),
                "a DNS name or an IP address, not empty while Protocol is mqtt";
            /// TCP port of the broker; 0 means 1883, or 8883 with encryption. Guide sections 1.2 and 3.
            port set_port Port: u16 = 0,
                "0 (standard port) or a TCP port, 1-65535";
            /// Brokers to try in this order when Host does not answer, each `host` (with Port) or `host:port`, IPv6 as `[::1]:1883`.
            /// Once Host answers again the connection goes back to it.
            fallback_hosts set_fallback_hosts FallbackHosts: Vec<String> = Vec::new(),
                "a list of host or host:port, at most 16";
            /// `long` keeps the connection; `short` connects, publishes and disconnects for each batch. Guide section 3.
            connection_type set_connection_type ConnectionType: String = "long".into(),
                "one of long, short";
            /// MQTT user name; empty connects without user name and password. Guide section 4.2.
            username set_username Username: String = String::new(),
                "UTF-8 text of at most 65535 bytes without control characters";
            /// Topic of the messages. `{router}` stands for the router's MAC address, `{device}` for the advertiser's (with
            /// PayloadFormat `object` only). Guide section 3, MQTT 3.1.1 section 4.7.
            scan_topic set_scan_topic ScanTopic: String = "scanTopic".into(),
                "a topic of 1-65535 bytes without +, #, control characters; the templates are {router} and, with PayloadFormat object, {device}";
            /// MQTT quality of service of the messages: 0 at most once, 1 at least once, 2 exactly once. Guide section 3.
            scan_qos set_scan_qos ScanQos: u8 = 0,
                "0, 1 or 2";
            /// `none`, `psk` (TLS with a pre-shared key) or `certificate` (TLS with X.509). Guide sections 4.3 and 4.4.
            encryption_mode set_encryption_mode EncryptionMode: String = "none".into(),
                "one of none, psk (needs Psk and PskIdentity), certificate";
            /// Identity that goes with the pre-shared key. Guide section 4.3.
            psk_identity set_psk_identity PskIdentity: String = String::new(),
                "UTF-8 text of at most 128 bytes without control characters, not empty while EncryptionMode is psk";
            /// CA certificate(s) used to verify the broker, as PEM text; empty uses the system's CA store. CRLs beside them are
            /// checked. Guide section 4.4.
            ca_certificate set_ca_certificate CaCertificate: String = String::new(),
                "empty or PEM text of at most 262144 bytes with at least one BEGIN CERTIFICATE block";
            /// Present a client certificate to the broker. Guide section 4.4.
            require_client_certificate set_require_client_certificate RequireClientCertificate: bool = false,
                "true (needs ClientCertificate and ClientKey) or false";
            /// Our certificate as PEM text, intermediate certificates after it. Guide section 4.4.
            client_certificate set_client_certificate ClientCertificate: String = String::new(),
                "empty or PEM text of at most 65536 bytes with the client certificate first, matching ClientKey";
            /// Maximum age of a batch, in milliseconds.
            push_interval_ms set_push_interval_ms PushIntervalMs: u32 = 100,
                "milliseconds, 10-600000";
            /// Maximum adverts in a batch.
            push_batch_size set_push_batch_size PushBatchSize: u32 = 20,
                "adverts, 1-1000";
            /// Local names to let pass: exact, `Prefix*`, `*Suffix`, or `*` for any name. Of several one is enough; each packet
            /// is judged by itself, and every filter has to let it pass.
            filter_names set_filter_names FilterNames: Vec<String> = Vec::new(),
                "a list of at most 64 names without control characters: exact, Prefix*, *Suffix or *";
            /// Addresses to let pass: exact or a prefix such as `CC:1B:E0*`.
            filter_macs set_filter_macs FilterMacs: Vec<String> = Vec::new(),
                "a list of at most 64 addresses such as CC:1B:E0:E0:E6:D0 or prefixes such as CC:1B:E0*";
            /// Service UUIDs to let pass (AD types 0x02-0x07), hex without `-`, big-endian.
            filter_uuids set_filter_uuids FilterUuids: Vec<String> = Vec::new(),
                "a list of at most 64 UUIDs of 4, 8 or 32 hex digits without -";
            /// Weakest signal to let pass, in dBm; -128 lets all pass. A packet of unknown strength (127) passes.
            filter_rssi set_filter_rssi FilterRssi: i16 = -128,
                "dBm, -128 to 20";
            /// (offset, hex) pairs of bytes to let pass; offset -1 is anywhere in the AD bytes.
            filter_values set_filter_values FilterValues: Vec<(i32, String)> = Vec::new(),
                "a list of at most 64 pairs (offset -1 to 1649, hex bytes)";
            /// 0 publishes every packet; 1 one packet per device; from 1000 on an identical packet once per that many
            /// milliseconds and a changed one at once. Changing it clears the duplicate table.
            duplicates_ms set_duplicates_ms DuplicatesMs: u32 = 0,
                "0, 1 or 1000-86400000 milliseconds";
            /// Adds `timestamp`, when the packet was heard, to each item; withheld while the clock is not synchronised.
            timestamp set_timestamp Timestamp: bool = false,
                "true or false";
            /// Text of `timestamp`: `rfc3339` (`2026-03-08T10:07:17.723Z`, UTC) or `local` (the vendor's
            /// `2026-03-08 18:07:17.723 CST`, local time zone).
            timestamp_format set_timestamp_format TimestampFormat: String = "rfc3339".into(),
                "one of rfc3339, local";
            /// Adds `beacon` to each item that is an iBeacon or Eddystone frame: what it says, decoded.
            beacon set_beacon Beacon: bool = false,
                "true or false";
            /// Name of the key of an item's event type: `evtType` (firmware 2.x) or `evt_type` (1.x).
            event_type_key set_event_type_key EventTypeKey: String = "evtType".into(),
                "one of evtType, evt_type";
            /// Framing of a message: `array` of items, `object` (one item a message, PushBatchSize does not matter) or `envelope`
            /// (items with id, gateway, epoch and a sequence number that proves losses).
            payload_format set_payload_format PayloadFormat: String = "array".into(),
                "one of array, object, envelope";
            /// Topic of the retained status message and last will, both at QoS 1; empty switches them off.
            status_topic set_status_topic StatusTopic: String = String::new(),
                "empty or a topic of at most 65535 bytes without +, #, control characters; the template is {router}";
            /// Version of MQTT spoken: `3.1`, `3.1.1` or `5`.
            mqtt_version set_mqtt_version MqttVersion: String = "3.1.1".into(),
                "one of 3.1, 3.1.1, 5";
            /// MQTT keep alive in seconds; 0 switches it off. MQTT 3.1.1 section 3.1.2.10.
            keep_alive_secs set_keep_alive_secs KeepAliveSecs: u16 = 60,
                "seconds, 0 (off) or 5-65535";
            /// MQTT client identifier; `{router}` stands for the router's MAC address in lower case.
            client_id set_client_id ClientId: String = "{router}-0".into(),
                "1-256 bytes of UTF-8 without control characters, at most 23 with MqttVersion 3.1; the template is {router}";
            /// MAC address that stands for this router in topics and client ids; empty takes the first network interface's.
            router_address set_router_address RouterAddress: String = String::new(),
                "empty or a MAC address such as CC:1B:E0:E0:E6:D0";
            /// Bytes of finished messages that wait in memory; beyond it the oldest are dropped and counted, unless the spool takes
            /// them before.
            queue_max_bytes set_queue_max_bytes QueueMaxBytes: u32 = 4_194_304,
                "bytes, 65536-268435456";
            /// Bytes of messages that wait on the disk while the broker is away; beyond it the oldest are dropped and counted.
            spool_max_bytes set_spool_max_bytes SpoolMaxBytes: u32 = 67_108_864,
                "0 (no spool) or bytes, 1048576-1073741824";
            /// Seconds that a message may wait on the disk, while the router runs; older ones are dropped and counted.
            spool_max_age_secs set_spool_max_age_secs SpoolMaxAgeSecs: u32 = 604_800,
                "seconds, 60-31536000";
            /// Adverts per second that are sent again from the disk, beside the live ones.
            replay_max_per_sec set_replay_max_per_sec ReplayMaxPerSec: u32 = 1000,
                "adverts per second, 1-1000000";
        }
    };
}

/// Calls the macro `$then` with every write-only setting: `key setter is_set DBusName`. What follows `$then` goes first.
macro_rules! for_each_secret {
    ($then:ident $($before:tt)*) => {
        $then! {
            $($before)*
            /// MQTT password. Guide section 4.2.
            password set_password password_set Password,
                "UTF-8 text of at most 65535 bytes without NUL";
            /// Pre-shared key in hex without 0x, any number of digits, odd too. Guide section 4.3.
            psk set_psk psk_set Psk,
                "1-512 hexadecimal digits without 0x";
            /// Private key of ClientCertificate as PEM text, not encrypted. Guide section 4.4.
            client_key set_client_key client_key_set ClientKey,
                "PEM text of at most 16384 bytes with one unencrypted private key that matches ClientCertificate";
        }
    };
}

pub(crate) use {for_each_secret, for_each_setting};
