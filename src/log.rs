//! What the service says: one function per event, with the event's MESSAGE_ID, to the journal or to stderr.
//!
//! Journal fields beside the standard ones: `MESSAGE_ID EVENT REASON ERROR COUNT ADAPTER BROKER PROPERTY SENDER`. Addresses of devices appear at level debug only, payloads and secrets never.

mod calls;
pub mod id;
mod setup;

pub use calls::{secret_withheld, settings_changed, trial, weak_protection};
pub use setup::{IDENTIFIER, init, level, set_level, target};

use crate::certificates::Held;
use crate::stats::{AdapterStatus, CaptureKind, Failure, Link, RadioState, Rung};
use std::path::Path;
use tracing::{error, info, warn};

/// The service cannot go on, or cannot start. By way of stderr also to the journal, which does not know any more whose a message
/// of an ended process is: `journalctl -u` would not have it.
pub fn failed(problem: &str) {
    error!(message_id = id::FAILED, event = "failed", error = problem, "failed: {problem}");
    if target() == "journal" {
        problem.lines().for_each(|line| eprintln!("<3>{line}"));
    }
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

/// The radio does nothing, as the settings want it.
pub fn radio_off() {
    info!(message_id = id::RADIO, event = "radio", reason = "off", "radio off");
}

/// An adapter is in another state.
pub fn radio(radio: &AdapterStatus, capture: CaptureKind) {
    let (word, adapter, capture) = (radio.state.word(), radio.label(), capture.word());
    let named = if adapter.is_empty() { word.to_owned() } else { format!("{word} {adapter}") };
    match radio.state {
        RadioState::Scanning => info!(
            message_id = id::RADIO,
            event = "radio",
            reason = word,
            adapter,
            "radio {word} {adapter} {}, capture {capture}",
            radio.address
        ),
        _ => warn!(
            message_id = id::RADIO,
            event = "radio",
            reason = word,
            adapter,
            error = radio.detail,
            "radio {named}: {}",
            radio.detail
        ),
    }
}

/// One of all adapters stayed away.
pub fn adapter_gone(adapter: &str) {
    warn!(
        message_id = id::ADAPTER_GONE,
        event = "adapter-gone",
        adapter,
        "adapter {adapter} was unplugged and did not come back; it is no longer waited for"
    );
}

/// Something is done to get an adapter back; said once in each trouble.
pub fn recovery(rung: Rung, adapter: &str, why: &str) {
    let word = rung.word();
    let space = if adapter.is_empty() { "" } else { " " };
    match rung {
        Rung::PowerCycle | Rung::PowerCycleWithheld => warn!(
            message_id = id::RECOVERY,
            event = "recovery",
            reason = word,
            adapter,
            error = why,
            "recovery {word}{space}{adapter}: {why}"
        ),
        _ => info!(
            message_id = id::RECOVERY,
            event = "recovery",
            reason = word,
            adapter,
            error = why,
            "recovery {word}{space}{adapter}: {why}"
        ),
    }
}

/// How a power cycle ended: the adapter came back after so many seconds, or what it does instead.
pub fn power_cycled(adapter: &str, count: u64, problem: Option<&str>) {
    match problem {
        None => info!(
            message_id = id::POWER_CYCLED,
            event = "power-cycled",
            adapter,
            count,
            "{adapter} scans again {count} s after the power cycle"
        ),
        Some(problem) => warn!(
            message_id = id::POWER_CYCLED,
            event = "power-cycled",
            adapter,
            count,
            error = problem,
            "{adapter} does not scan {count} s after the power cycle: {problem}"
        ),
    }
}

/// Adverts are captured in another way than before; byte by byte goes without saying at the start.
pub fn capture(kind: CaptureKind, reason: &str) {
    let word = kind.word();
    match kind {
        CaptureKind::Monitor => {
            info!(message_id = id::CAPTURE, event = "capture", reason = word, "capture {word}: {reason}");
        }
        _ => warn!(
            message_id = id::CAPTURE,
            event = "capture",
            reason = word,
            error = reason,
            "capture {word}: {reason}"
        ),
    }
}

/// Many of the reports of an adapter within a few seconds are damaged.
pub fn reports_damaged(adapter: &str, count: u64, whole: u64) {
    let all = count + whole;
    warn!(
        message_id = id::REPORTS_DAMAGED,
        event = "reports-damaged",
        adapter,
        count,
        "{adapter}: {count} of the last {all} reports arrived damaged, their adverts are lost"
    );
}

/// They are whole again.
pub fn reports_whole(adapter: &str) {
    info!(
        message_id = id::REPORTS_DAMAGED,
        event = "reports-damaged",
        adapter,
        "{adapter}: reports arrive whole again"
    );
}

/// The broker accepted us.
pub fn link_up(link: &Link) {
    info!(message_id = id::LINK_UP, event = "link-up", broker = link.broker, "connected to {}", link.broker);
}

/// The broker cannot be reached, refused us, or went away; said once per change of reason.
pub fn link_down(link: &Link, failure: &Failure) {
    warn!(
        message_id = id::LINK_DOWN,
        event = "link-down",
        broker = link.broker,
        reason = failure.word,
        error = failure.detail,
        "no connection to {} ({}): {}",
        link.broker,
        failure.word,
        failure.detail
    );
}

/// The connection moved to a fallback, since `before` does not answer.
pub fn failover(link: &Link, before: &str) {
    warn!(
        message_id = id::FAILOVER,
        event = "failover",
        broker = link.broker,
        "{before} does not answer: moved to {}",
        link.broker
    );
}

/// The connection is back at the first broker.
pub fn home(link: &Link) {
    info!(message_id = id::HOME, event = "home", broker = link.broker, "back at {}", link.broker);
}

/// The broker supports no QoS as high as ScanQos; said once per change.
pub fn qos_lowered(broker: &str, reason: &str) {
    warn!(message_id = id::QOS_LOWERED, event = "qos-lowered", broker, error = reason, "{broker}: {reason}");
}

/// The broker takes packets up to a size; said once per change.
pub fn size_limited(broker: &str, maximum: usize, reason: &str) {
    info!(
        message_id = id::SIZE_LIMITED,
        event = "size-limited",
        broker,
        count = maximum,
        error = reason,
        "{broker} takes packets of at most {maximum} bytes ({reason}): larger batches are split"
    );
}

/// The broker refuses messages; said once per change of reason, and not more often than once a minute.
pub fn message_refused(broker: &str, failure: &Failure) {
    warn!(
        message_id = id::MESSAGE_REFUSED,
        event = "message-refused",
        broker,
        reason = failure.word,
        error = failure.detail,
        "{broker} refuses messages ({}): {}",
        failure.word,
        failure.detail
    );
}

/// The broker does not want the status message; said once, until it takes one or the settings change.
pub fn status_refused(broker: &str, problem: &str) {
    warn!(
        message_id = id::STATUS_REFUSED,
        event = "status-refused",
        broker,
        error = problem,
        "{broker} does not take the status message: {problem}"
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
        "{count} segments of {} are damaged; their whole records are used, the last such file is damaged.bad",
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
pub fn certificate(held: &Held, days: i64) {
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
