//! What becomes of the adapters and of the capture.

use super::id;
use crate::model::{CaptureKind, RadioState, RecoveryAction};
use crate::stats::AdapterStatus;
use tracing::{info, warn};

/// The radio does nothing, as the settings want it.
pub fn radio_off() {
    info!(message_id = id::RADIO, event = "radio", reason = "off", "radio off");
}

/// An adapter is in another state.
pub fn radio(radio: &AdapterStatus, capture: CaptureKind) {
    let (word, adapter, capture) = (radio.state.as_str(), radio.label(), capture.as_str());
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
        "adapter {adapter} was unplugged and has not returned; no longer waiting for it"
    );
}

/// An action to recover an adapter; logged once for each failure.
pub fn recovery(action: RecoveryAction, adapter: &str, why: &str) {
    let word = action.as_str();
    let space = if adapter.is_empty() { "" } else { " " };
    match action {
        RecoveryAction::PowerCycle | RecoveryAction::PowerCycleWithheld => warn!(
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
    let word = kind.as_str();
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
