//! What the service says: one function per event, with the event's MESSAGE_ID, to the journal or to stderr.
//!
//! Journal fields beside the standard ones: `MESSAGE_ID EVENT REASON ERROR COUNT ADAPTER BROKER PROPERTY SENDER`. Addresses of devices appear at level debug only, payloads and secrets never.

mod broker;
mod calls;
pub mod id;
mod radio;
mod setup;
mod stderr;

pub use broker::{failover, home, link_down, link_up, message_refused, qos_lowered, size_limited, status_refused};
pub use calls::{secret_withheld, settings_changed, trial, weak_protection};
pub use radio::{adapter_gone, capture, power_cycled, radio, radio_off, recovery, reports_damaged, reports_whole};
pub use setup::{IDENTIFIER, init, level, set_level, target};

use crate::model::ConfiguredCertificate;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;
use tracing::{error, info, warn};

/// The service cannot go on, or cannot start.
///
/// journald learns from /proc whose a message is, and an ended process is not there any more: `journalctl -u` would not have the
/// message, nor what else came within that second. Of stderr it knows the unit from systemd. So the reason goes that way first, and is
/// read before the event follows.
pub fn failed(problem: &str) {
    if target() == "journal" {
        problem.lines().for_each(|line| eprintln!("<3>{line}"));
        // Not for long: a journal that hangs must not keep systemd from starting us again.
        let _ = stderr::wait_read(io::stderr().as_fd(), Duration::from_secs(2));
    }
    error!(message_id = id::FAILED, event = "failed", error = problem, "failed: {problem}");
}

/// systemd gets no sign of life, and will take the service for dead.
pub fn notify(problem: &str) {
    warn!(message_id = id::NOTIFY, event = "notify", error = problem, "systemd cannot be notified: {problem}");
}

/// Core dumps of the process cannot be switched off.
pub fn core_dumps(problem: &str) {
    warn!(
        message_id = id::CORE_DUMPS,
        event = "core-dumps",
        error = problem,
        "core dumps cannot be switched off: {problem}"
    );
}

/// The service has started.
pub fn started(router: &str) {
    let version = env!("CARGO_PKG_VERSION");
    info!(message_id = id::STARTED, event = "started", "cassia-bypassd {version} started, router {router}");
}

/// The service stops.
pub fn stopping(reason: &str) {
    info!(message_id = id::STOPPING, event = "stopping", reason, "stopping: {reason}");
}

/// A damaged settings file was put aside; `used` has the names of the settings that could be read.
pub fn settings_aside(path: &Path, used: &str, problem: &str) {
    let what = if used.is_empty() { "nothing of it can be read".to_owned() } else { format!("still in force: {used}") };
    error!(
        message_id = id::SETTINGS_ASIDE,
        event = "settings-aside",
        property = used,
        error = problem,
        "{} is damaged and was copied to the ending .bad, {what}: {problem}",
        path.display()
    );
}

/// The settings file is damaged, or was changed by hand: the last good generation is in force.
pub fn settings_restored(path: &Path, good: &Path, problem: &str) {
    error!(
        message_id = id::SETTINGS_RESTORED,
        event = "settings-restored",
        error = problem,
        "{} is not used, the last good generation, {}, is in force: {problem}",
        path.display(),
        good.display()
    );
}

/// The same for a secret, by its D-Bus name.
pub fn secret_restored(property: &str, path: &Path) {
    let problem = format!("{} is damaged, its copy is in force", path.display());
    error!(
        message_id = id::SETTINGS_RESTORED,
        event = "settings-restored",
        property,
        error = problem,
        "{property}: {problem}"
    );
}

/// Some of what the settings file holds is not for this version.
pub fn settings_ignored(path: &Path, names: &[String], problem: &str) {
    let property = names.join(" ");
    warn!(
        message_id = id::SETTINGS_IGNORED,
        event = "settings-ignored",
        property,
        error = problem,
        "{} holds what this version does not take; it is kept and ignored: {property}",
        path.display()
    );
}

/// Whether settings can be saved has changed.
pub fn state_directory(path: &Path, problem: Option<&str>) {
    match problem {
        Some(problem) => warn!(
            message_id = id::STATE_DIRECTORY,
            event = "state-directory",
            error = problem,
            "{} cannot be written, settings cannot be saved: {problem}",
            path.display()
        ),
        None => info!(message_id = id::STATE_DIRECTORY, event = "state-directory", "{} can be written", path.display()),
    }
}

/// Settings were saved, and a loss of power or damage may bring the earlier ones back.
pub fn settings_unsure(path: &Path, problem: &str) {
    warn!(
        message_id = id::STATE_DIRECTORY,
        event = "state-directory",
        error = problem,
        "settings were saved in {}, but a loss of power may bring back the earlier ones: {problem}",
        path.display()
    );
}

/// Whether messages can wait on the disk has changed.
pub fn spool(path: Option<&Path>, problem: Option<&str>) {
    let path = path.unwrap_or(Path::new("")).display();
    match problem {
        Some(problem) => warn!(
            message_id = id::SPOOL,
            event = "spool",
            error = problem,
            "{path} cannot be used, messages wait in memory only: {problem}"
        ),
        None => info!(message_id = id::SPOOL, event = "spool", "{path} can be used"),
    }
}

/// Messages of an earlier run were found on the disk.
pub fn spool_found(count: u64) {
    info!(
        message_id = id::SPOOL_FOUND,
        event = "spool-found",
        count,
        "{count} adverts of an earlier run are to be sent"
    );
}

/// What was in flight at QoS 2 cannot be kept, or taken over; `what` says which.
pub fn session(path: &Path, what: &str, problem: &str) {
    warn!(message_id = id::SESSION, event = "session", error = problem, "{} {what}: {problem}", path.display());
}

/// A segment of the spool cannot be read.
pub fn spool_unreadable(segment: &str, problem: &str) {
    warn!(
        message_id = id::SPOOL_UNREADABLE,
        event = "spool-unreadable",
        error = problem,
        "segment {segment} of the spool cannot be read: {problem}"
    );
}

/// Segments of the spool are another version's.
pub fn spool_foreign(count: u64) {
    warn!(
        message_id = id::SPOOL_FOREIGN,
        event = "spool-foreign",
        count,
        "{count} segments of the spool were written by another version, and are left for it"
    );
}

/// A part of the spool is damaged.
pub fn spool_damaged(path: &Path, count: u64) {
    error!(
        message_id = id::SPOOL_DAMAGED,
        event = "spool-damaged",
        count,
        "{count} segments of {} are damaged; intact records were recovered; the last damaged file is kept as damaged.bad",
        path.display()
    );
}

/// The system clock was set, by so many milliseconds.
pub fn clock_stepped(millis: i64) {
    let (reason, count) = (if millis < 0 { "back" } else { "forward" }, (millis.unsigned_abs() + 500) / 1000);
    info!(
        message_id = id::CLOCK_STEPPED,
        event = "clock-stepped",
        reason,
        count,
        "the system clock was set {reason} by {count} s"
    );
}

/// A file of the spool that holds no messages cannot be used.
pub fn spool_note(name: &str, problem: &str) {
    let meaning = match name {
        "boots" => "how long messages of an earlier boot wait is a lower bound",
        _ => "what was sent from the spool may come twice",
    };
    warn!(
        message_id = id::SPOOL_NOTE,
        event = "spool-note",
        error = problem,
        "{name} of the spool is not used, {meaning}: {problem}"
    );
}

/// A certificate ends in so many days, or ended.
pub fn certificate(held: &ConfiguredCertificate, days: i64) {
    let (property, subject) = (held.setting, &held.certificate.subject);
    let end = match days {
        ..0 => "is out of date".to_owned(),
        0 => "ends today".to_owned(),
        _ => format!("ends in {days} days"),
    };
    warn!(message_id = id::CERTIFICATE, event = "certificate", property, count = days, "{property} ({subject}) {end}");
}

/// Adverts were lost; at most one line a minute and reason.
pub fn loss(reason: &str, count: u64) {
    error!(message_id = id::LOSS, event = "loss", reason, count, "{count} adverts lost: {reason}");
}
