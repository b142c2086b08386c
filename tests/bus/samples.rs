//! A right value and a wrong one for every setting, as busctl wants them.

/// Property, right values, what `Get` then tells, wrong values.
pub type Sample = (&'static str, &'static [&'static str], &'static str, &'static [&'static str]);

/// In an order in which each one is right by itself.
pub const SETTINGS: &[Sample] = &[
    ("ScanMode", &["s", "active"], r#""active""#, &["s", "hush"]),
    ("Adapters", &["as", "1", "00:1A:7D:DA:71:13"], r#"["00:1A:7D:DA:71:13"]"#, &["as", "2", "all", "hush"]),
    ("Host", &["s", "broker.example"], r#""broker.example""#, &["s", "hush hush"]),
    ("Protocol", &["s", "mqtt"], r#""mqtt""#, &["s", "hush"]),
    ("Port", &["q", "65535"], "65535", &["s", "hush"]),
    ("FallbackHosts", &["as", "2", "b:1", "[::1]:1883"], r#"["b:1","[::1]:1883"]"#, &["as", "1", "hush hush"]),
    ("ConnectionType", &["s", "short"], r#""short""#, &["s", "hush"]),
    ("Username", &["s", "Jürgen"], r#""Jürgen""#, &["y", "1"]),
    ("ScanTopic", &["s", "a/{router}"], r#""a/{router}""#, &["s", "hush/#"]),
    ("ScanQos", &["y", "2"], "2", &["y", "3"]),
    ("PskIdentity", &["s", "psk_test"], r#""psk_test""#, &["b", "true"]),
    ("EncryptionMode", &["s", "certificate"], r#""certificate""#, &["s", "hush"]),
    ("CaCertificate", &["s", CERTIFICATE], "", &["s", "hush"]),
    ("RequireClientCertificate", &["b", "false"], "false", &["b", "true"]),
    ("ClientCertificate", &["s", CERTIFICATE], "", &["s", "hush"]),
    ("PushIntervalMs", &["u", "600000"], "600000", &["u", "9"]),
    ("PushBatchSize", &["u", "1000"], "1000", &["u", "0"]),
    ("FilterNames", &["as", "3", "*", "A*", "*b"], r#"["*","A*","*b"]"#, &["as", "1", "a*b"]),
    ("FilterMacs", &["as", "1", "CC:1B:E0*"], r#"["CC:1B:E0*"]"#, &["as", "1", "hush"]),
    ("FilterUuids", &["as", "1", "180F"], r#"["180F"]"#, &["as", "1", "18"]),
    ("FilterRssi", &["n", "-90"], "-90", &["n", "21"]),
    ("FilterValues", &["a(is)", "2", "-1", "FF", "3", "0a"], r#"[[-1,"FF"],[3,"0a"]]"#, &["a(is)", "1", "-2", "FF"]),
    ("DuplicatesMs", &["u", "1000"], "1000", &["u", "999"]),
    ("Timestamp", &["b", "true"], "true", &["u", "1"]),
    ("TimestampFormat", &["s", "local"], r#""local""#, &["s", "hush"]),
    ("Beacon", &["b", "true"], "true", &["u", "1"]),
    ("EventTypeKey", &["s", "evt_type"], r#""evt_type""#, &["s", "hush"]),
    ("PayloadFormat", &["s", "envelope"], r#""envelope""#, &["s", "hush"]),
    ("StatusTopic", &["s", "status/{router}"], r#""status/{router}""#, &["s", "{device}"]),
    ("MqttVersion", &["s", "5"], r#""5""#, &["s", "4"]),
    ("KeepAliveSecs", &["q", "5"], "5", &["q", "4"]),
    ("ClientId", &["s", "me"], r#""me""#, &["s", ""]),
    ("RouterAddress", &["s", "CC:1B:E0:E0:E6:D0"], r#""CC:1B:E0:E0:E6:D0""#, &["s", "hush"]),
    ("QueueMaxBytes", &["u", "65536"], "65536", &["u", "1"]),
    ("SpoolMaxBytes", &["u", "0"], "0", &["u", "1"]),
    ("SpoolMaxAgeSecs", &["u", "60"], "60", &["u", "59"]),
    ("ReplayMaxPerSec", &["u", "1"], "1", &["u", "0"]),
];

/// Property, wrong value.
pub const SECRETS: &[(&str, &[&str])] =
    &[("Password", &["u", "4711"]), ("Psk", &["s", "0xdeadbeef"]), ("ClientKey", &["s", "hush"])];

/// A certificate of a key that nobody has any more.
pub const CERTIFICATE: &str = include_str!("certificate.pem");
