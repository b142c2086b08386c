//! The answer of `Diagnose`.

use super::foreign_discovery::Foreign;
use super::hints::hints;
use super::vardict::{VarDict, adapter_report, held_report_at, put};
use crate::config::{Config, ScanMode};
use crate::model::CaptureKind;
use crate::stats::Stats;
use std::time::SystemTime;

/// Puts the page together.
pub(super) fn diagnosis(config: &Config, stats: &Stats, foreign: &Foreign) -> VarDict {
    let mut report = VarDict::new();
    let (health, link, radio) =
        (stats.health().borrow().clone(), stats.link().borrow().clone(), stats.radio().borrow().clone());
    put(&mut report, "Health", health.state.as_str());
    put(&mut report, "HealthReason", health.reason.clone());
    put(&mut report, "ScanMode", config.raw.scan_mode.clone());
    put(&mut report, "ScanFilter", asked(config.scan, radio.capture));
    put(&mut report, "Filters", filters(config));
    put(&mut report, "RadioState", radio.state.as_str());
    put(&mut report, "RadioDetail", radio.detail.clone());
    put(&mut report, "Capture", radio.capture.as_str());
    put(&mut report, "CaptureReason", radio.capture_reason.clone());
    put(&mut report, "Radios", radio.adapters.iter().map(adapter_report).collect::<Vec<_>>());
    put(&mut report, "ForeignDiscovery", foreign.discovery);
    put(&mut report, "LinkState", link.state.as_str());
    put(&mut report, "Broker", link.broker.clone());
    let (word, detail) = link.error.as_ref().map_or(("", String::new()), |e| (e.code.as_str(), e.detail.clone()));
    put(&mut report, "LastError", word);
    put(&mut report, "LastErrorDetail", detail);
    put(&mut report, "MaximumQos", link.qos_limit.as_ref().map_or(2, |(maximum, _)| *maximum));
    put(&mut report, "MaximumPacketSize", link.maximum_packet_size.unwrap_or(0) as u64);
    let (word, detail) =
        link.refusal.as_ref().map_or(("", String::new()), |r| (r.failure.code.as_str(), r.failure.detail.clone()));
    put(&mut report, "LastRefusal", word);
    put(&mut report, "LastRefusalDetail", detail);
    put(&mut report, "ClockSynchronised", *stats.clock_synchronised().borrow());
    let now = SystemTime::now();
    let certificates = stats.certificates().borrow().iter().map(|held| held_report_at(held, now)).collect::<Vec<_>>();
    put(&mut report, "Certificates", certificates);
    let spool = stats.spool();
    put(&mut report, "SpoolState", spool.state.as_str());
    put(&mut report, "SpoolBytes", spool.bytes);
    put(&mut report, "SpoolCoverSecs", stats.spool_cover().as_secs());
    put(&mut report, "StateWritable", *stats.state_writable().borrow());
    put(&mut report, "Hints", hints(config, stats, foreign));
    report
}

/// What bluetoothd is asked for. It decides what comes over D-Bus, not what the kernel's monitor channel has.
fn asked(mode: ScanMode, capture: CaptureKind) -> &'static str {
    match (mode, capture) {
        (ScanMode::Off, _) => "nothing",
        (_, CaptureKind::None) => "nothing yet: adverts are not captured",
        (ScanMode::Passive, CaptureKind::Monitor) => {
            "an advertisement monitor that makes the controller listen; every advert is read from the kernel, whatever the \
             monitor matches"
        }
        (ScanMode::Passive, CaptureKind::Signals) => {
            "an advertisement monitor for common flags values and the companies Apple and Microsoft: other adverts are not heard"
        }
        (ScanMode::Active, CaptureKind::Monitor) => {
            "a discovery (Transport le, DuplicateData true, RSSI -127) and an advertisement monitor; every advert is read from \
             the kernel"
        }
        (ScanMode::Active, CaptureKind::Signals) => {
            "a discovery (Transport le, DuplicateData true, RSSI -127); what bluetoothd signals is all there is"
        }
    }
}

/// One line for each filter that is set; device addresses are counted, not told.
fn filters(config: &Config) -> Vec<String> {
    let raw = &config.raw;
    let mut lines = Vec::new();
    let mut list = |name: &str, count: usize, what: String| {
        if count > 0 {
            lines.push(format!("{name}: {what}"));
        }
    };
    list("FilterNames", raw.filter_names.len(), raw.filter_names.join(" or "));
    list("FilterMacs", raw.filter_macs.len(), format!("one of {} patterns", raw.filter_macs.len()));
    list("FilterUuids", raw.filter_uuids.len(), raw.filter_uuids.join(" or "));
    list("FilterRssi", usize::from(raw.filter_rssi > -128), format!("at least {} dBm", raw.filter_rssi));
    let value = |(offset, bytes): &(i32, String)| match offset {
        -1 => format!("{bytes} anywhere"),
        _ => format!("{bytes} at {offset}"),
    };
    let values: Vec<_> = raw.filter_values.iter().map(value).collect();
    list("FilterValues", values.len(), values.join(" or "));
    let repeats = raw.duplicates_ms;
    list("DuplicatesMs", usize::from(repeats > 0), format!("{repeats}, repeats are left out"));
    lines
}
