//! The advertisement monitor that makes the controller scan passively, and without its duplicate filter.

use bluer::monitor::{Monitor, Pattern, RssiSamplingPeriod, data_type};

/// Flags values and beginnings of manufacturer data that most advertisers have. BlueZ knows no pattern that matches all; the
/// patterns decide what BlueZ tells over D-Bus, not what the controller reports to the kernel's monitor channel. A
/// controller that filters in hardware (MSFT extension) would report these only.
pub(super) fn broad() -> Monitor {
    // Limited or general discoverable, BR/EDR not supported, and their mixtures (Core Specification Supplement, A, 1.3).
    let flags = [0x06, 0x04, 0x05, 0x1A, 0x18, 0x02, 0x00, 0x1B, 0x19, 0x01];
    // Little-endian company identifiers: Apple, Microsoft, Google, Samsung, Ruuvi, and 0xFFFF for tests.
    let companies = [[0x4C, 0x00], [0x06, 0x00], [0xE0, 0x00], [0x75, 0x00], [0x99, 0x04], [0xFF, 0xFF]];
    let flags = flags.iter().map(|value| Pattern::new(data_type::FLAGS, 0, &[*value]));
    let companies = companies.iter().map(|id| Pattern::new(data_type::MANUFACTURER_SPECIFIC_DATA, 0, id));
    Monitor {
        patterns: Some(flags.chain(companies).collect()),
        rssi_sampling_period: Some(RssiSamplingPeriod::All),
        ..Monitor::default()
    }
}
