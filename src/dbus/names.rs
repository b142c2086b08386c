//! The names of the service on the bus, and its stable words.

/// The bus name.
pub const BUS: &str = "com.cassianetworks.Bypass1";
/// The one object.
pub const PATH: &str = "/com/cassianetworks/Bypass1";
/// Interface of the settings.
pub const CONFIG: &str = "com.cassianetworks.Bypass1.Config";
/// Interface of the counters and states.
pub const STATS: &str = "com.cassianetworks.Bypass1.Stats";

/// Words of `HealthReason` that are no words of another property.
pub const HEALTH_REASONS: [&str; 8] = [
    "starting",
    "no-protocol",
    "connecting",
    "broker-silent",
    "no-acknowledgement",
    "capture-lost",
    "reports-damaged",
    "spool-memory-only",
];

/// Reasons that only a status message gives.
pub const STATUS_REASONS: [&str; 3] = ["stopped", "reconfigured", "connection-lost"];
