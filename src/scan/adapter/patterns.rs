//! The advertisement monitors that make the controller scan passively, and without its duplicate filter. Their patterns
//! decide what BlueZ tells over D-Bus, not what the controller reports to the kernel's monitor channel.

use bluer::monitor::{Monitor, Pattern, RssiSamplingPeriod, data_type};

/// Manufacturer data that nobody sends: BlueZ tells us nothing, and signals nothing that no one else asked for. Not for a
/// controller that filters in hardware (MSFT extension): it would report nothing.
pub(super) fn none() -> Monitor {
    // The company identifier is the one for tests.
    let data = [&[0xFF, 0xFF][..], b"cassia-bypass: nothing"].concat();
    monitor(vec![Pattern::new(data_type::MANUFACTURER_SPECIFIC_DATA, 0, &data)])
}

/// Flags values and beginnings of manufacturer data that most advertisers have. BlueZ knows no pattern that matches all. A
/// controller that filters in hardware would report these only.
///
/// No more than seven: bluetoothd 5.66 offers sixteen, but keeps the length of its command to the kernel in one byte, writes
/// past the end of it and dies (8 + 34 bytes for each pattern; measured).
pub(super) fn broad() -> Monitor {
    // Discoverable or not, with and without BR/EDR (Core Specification Supplement, Part A, 1.3).
    let flags = [0x06, 0x04, 0x1A, 0x05, 0x02].map(|value| Pattern::new(data_type::FLAGS, 0, &[value]));
    // Little-endian company identifiers: Apple, Microsoft.
    let companies = [[0x4C, 0x00], [0x06, 0x00]];
    let companies = companies.map(|company| Pattern::new(data_type::MANUFACTURER_SPECIFIC_DATA, 0, &company));
    monitor(flags.into_iter().chain(companies).collect())
}

fn monitor(patterns: Vec<Pattern>) -> Monitor {
    let rssi_sampling_period = Some(RssiSamplingPeriod::All);
    Monitor { patterns: Some(patterns), rssi_sampling_period, ..Monitor::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bluetoothd_survives_it() {
        let patterns = broad().patterns.expect("patterns");
        assert!(8 + 34 * patterns.len() < 256);
    }
}
