//! What callers on D-Bus did, and what their settings protect.

use super::id;
use tracing::{info, warn};

/// A broker is tried over D-Bus. Said before anything is sent.
pub fn trial(broker: &str, sender: &str) {
    info!(message_id = id::TRIAL, event = "trial", broker, sender, "broker {broker} is tried by {sender}");
}

/// A call was refused, since it would have sent stored secrets elsewhere; `count` of them since the last line.
pub fn secret_withheld(property: &str, sender: &str, count: u64) {
    let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
    warn!(
        message_id = id::SECRET_WITHHELD,
        event = "secret-withheld",
        property,
        sender,
        count,
        "refused{times} to {sender}: it would have sent the stored {property} where that was not meant to go"
    );
}

/// Settings were changed over D-Bus. Names only: values may be personal.
pub fn settings_changed(names: &[&str], sender: &str) {
    let property = names.join(" ");
    info!(
        message_id = id::SETTINGS_CHANGED,
        event = "settings-changed",
        property,
        sender,
        "settings changed: {property} (by {sender})"
    );
}

/// Settings in force protect little; said once, until they change.
pub fn weak_protection(property: &str, problem: &str) {
    warn!(message_id = id::WEAK_PROTECTION, event = "weak-protection", property, error = problem, "{problem}");
}
