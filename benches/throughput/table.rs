//! The table of cells.

use crate::cell::{Encryption, Figures};
use crate::usage::Memory;
use std::time::Duration;

pub(crate) const HEAD: &str = "\
| adverts/s | addresses | QoS | TLS | carried/s | CPU us/advert | of a core | RSS MB idle / end / peak | heap MB | p50 ms | p99 ms | lost |
|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|";

/// A thousand by thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Millions of bytes.
pub(crate) fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

pub(crate) fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.2}") } else { format!("{millis:.0}") }
}

/// One cell.
pub(crate) fn row(figures: &Figures) -> String {
    let Figures { cell, idle, memory, .. } = figures;
    let Memory { resident, peak, anonymous } = *memory;
    let tls = match cell.encryption {
        Encryption::None => "",
        Encryption::Psk => "PSK",
        Encryption::Certificate => "X.509",
    };
    let note = if cell.duplicates > 0 { " (a)" } else { "" };
    let columns = [
        count(cell.rate),
        format!("{}{note}", count(cell.addresses.into())),
        cell.qos.to_string(),
        tls.to_owned(),
        count(figures.carried.round() as u64),
        format!("{:.1}", figures.micros()),
        format!("{:.1} %", figures.cores() * 100.0),
        format!("{:.1} / {:.1} / {:.1}", mb(idle.resident), mb(resident), mb(peak)),
        format!("{:.1}", mb(anonymous)),
        millis(figures.latency.p50),
        millis(figures.latency.p99),
        lost(figures),
    ];
    format!("| {} |", columns.join(" | "))
}

/// How many and, if any, where.
fn lost(figures: &Figures) -> String {
    let at_socket = figures.generated.dropped;
    let mut text = match figures.lost {
        0 => "0".to_owned(),
        lost if at_socket == 0 => count(lost),
        lost => format!("{} ({} at the socket)", count(lost), count(at_socket)),
    };
    if figures.twice > 0 {
        text.push_str(&format!(", {} twice", count(figures.twice)));
    }
    if !figures.disagreement.is_empty() {
        text.push_str(&format!("; the ledger differs: {}", figures.disagreement.trim_end_matches("; ")));
    }
    text
}

/// Microseconds for each advert, by thread.
pub(crate) fn threads(figures: &Figures) -> String {
    let micros = |used: Duration| used.as_secs_f64() * 1e6 / figures.sent as f64;
    let named = figures.threads.iter().map(|(name, used)| format!("{name} {:.1}", micros(*used)));
    named.filter(|text| !text.ends_with(" 0.0")).collect::<Vec<_>>().join(", ")
}
