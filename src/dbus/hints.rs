//! The hints of `Diagnose`: what to do.

mod radio;

use super::foreign_discovery::Foreign;
use crate::config::{Config, ScanMode, Security, crl};
use crate::model::{CaptureKind, HealthState, RadioState, SpoolState};
use crate::stats::Stats;
use jiff::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time as people read it; empty if it is none.
fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// How long a refused message is worth a hint.
const REFUSAL_HOLDS: Duration = Duration::from_secs(600);

/// Seconds before a CRL is out of date at which it gets a hint; many are made anew each week.
const CRL_WARNING: i64 = 2 * 86_400;

/// What to do, the most urgent first.
pub(super) fn hints(config: &Config, stats: &Stats, foreign: &Foreign) -> Vec<String> {
    let mut hints = Vec::new();
    let mut hint = |when: bool, text: &str| {
        if when && !text.is_empty() {
            hints.push(text.to_owned());
        }
    };
    let (radio, link) = (stats.radio().borrow().clone(), stats.link().borrow().clone());
    let now = SystemTime::now();
    let clock = *stats.clock_synchronised().borrow();
    hint(config.mqtt.is_none(), "Protocol is none: nothing is published. Set Protocol to mqtt.");
    hint(config.scan == ScanMode::Off, "ScanMode is off: nothing is heard. Set it to passive or active.");
    hint(
        radio.state == RadioState::PassiveUnsupported,
        "This bluetoothd offers no passive scan: start it with -E, or set ScanMode to active.",
    );
    hint(
        radio.capture == CaptureKind::Signals,
        &format!(
            "Adverts are taken from bluetoothd's signals, which are not exact, because {}: {}.",
            radio.capture_reason, radio.capture_remedy
        ),
    );
    hint(
        foreign.discovery == "another-client",
        "Another program discovers on this adapter: the scan is active, and may pause.",
    );
    for text in radio::hints(config, stats, &radio, &foreign.unused) {
        hint(true, &text);
    }
    if let Some(error) = &link.error {
        hint(
            true,
            &format!(
                "No connection to the broker ({}): {} TestConnection tries it step by step.",
                error.code, error.detail
            ),
        );
    }
    if let Some(refusal) = link.refusal.as_ref().filter(|refusal| refusal.at.elapsed() < REFUSAL_HOLDS) {
        hint(true, &format!("The broker refuses messages ({}): {}", refusal.failure.code, refusal.failure.detail));
    }
    if let Some((_, reason)) = &link.qos_limit {
        hint(true, reason);
    }
    for weakness in config.weaknesses() {
        hint(true, &weakness.text);
    }
    hint(
        config.payload.style.timestamp.is_some() && !clock,
        "The clock is not synchronised: items have no time. Start a time service (systemd-timesyncd).",
    );
    hint(
        stats.spool().state == SpoolState::MemoryOnly,
        "Messages cannot wait on the disk: look for a full or read-only file system (SpoolDetail).",
    );
    let ignored = stats.ignored_settings().borrow().join(", ");
    hint(
        !ignored.is_empty(),
        &format!(
            "settings.toml holds what this version does not take, as after a rollback: {ignored}. It is kept and ignored: install the \
             version that wrote it, or set these anew (cassia-bypassctl set), or give them up (cassia-bypassctl reset --all)."
        ),
    );
    hint(!*stats.state_writable().borrow(), "Settings cannot be saved: look at the state directory.");
    for held in stats.certificates().borrow().iter() {
        let (setting, days) = (held.setting, held.days_left(now));
        hint(clock && days < 0, &format!("{setting} is out of date. Renew it."));
        hint(clock && (0..=30).contains(&days), &format!("{setting} ends in {days} days. Renew it."));
        let begin = date(held.certificate.not_before);
        hint(
            clock && !held.begun(now),
            &format!("{setting} holds from {begin} on only. Look at the clock, or take another one."),
        );
    }
    if let Some(end) = crl_end(config).filter(|end| clock && *end - seconds(now) < CRL_WARNING) {
        let text = if end < seconds(now) {
            "is out of date, and the broker is not trusted".to_owned()
        } else {
            format!("is out of date from {} on", date(end))
        };
        hint(true, &format!("A CRL in CaCertificate {text}. Put a newer one in its place."));
    }
    let healthy = stats.health().borrow().state == HealthState::Online;
    if hints.is_empty() && !healthy {
        hints.push("HealthReason tells what is missing; the manual has what to do for each.".to_owned());
    }
    hints
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// When the first CRL in use is out of date.
fn crl_end(config: &Config) -> Option<i64> {
    let Security::Certificate { ca: Some(ca), .. } = &config.mqtt.as_ref()?.broker.security else { return None };
    crl::next_update(ca)
}

#[cfg(test)]
#[path = "hints_tests.rs"]
mod tests;
