//! The advertisement monitors that make the controller scan passively, and without its duplicate filter. Their patterns
//! decide what BlueZ tells over D-Bus, not what the controller reports to the kernel's monitor channel.
//!
//! None of them is for manufacturer data (AD type 0xFF): bluetoothd 5.76 to 5.82 copies what it compares with such a pattern into
//! a buffer that is too small for a long extended advert, and dies with the first one in range (bluez issue 1169).

use bluer::monitor::{Monitor, Pattern, RssiSamplingPeriod, data_type};

/// A URI that nobody sends: BlueZ tells us nothing, and signals nothing that no one else asked for. Not for a controller that
/// filters in hardware (MSFT extension): it would report nothing.
pub(super) fn match_nothing() -> Monitor {
    // Behind the code of an empty scheme name (0x01).
    monitor(vec![Pattern::new(URI, 0, b"\x01cassia-bypass:nothing")])
}

/// Flags values and lists of members' services that most advertisers have. BlueZ knows no pattern that matches all. A
/// controller that filters in hardware would report these only.
///
/// No more than seven: bluetoothd 5.66 offers sixteen, but keeps the length of its command to the kernel in one byte, writes
/// past the end of it and dies (8 + 34 bytes for each pattern; measured).
pub(super) fn match_common() -> Monitor {
    // Discoverable or not, with and without BR/EDR (Core Specification Supplement, Part A, 1.3).
    let flags = [0x06, 0x04, 0x1A, 0x05, 0x02].map(|value| Pattern::new(data_type::FLAGS, 0, &[value]));
    // The high bytes of the UUIDs that the Bluetooth SIG gives to its members, such as Eddystone's FEAA.
    let members = [0xFE, 0xFD].map(|byte| Pattern::new(COMPLETE_LIST_OF_16_BIT_UUIDS, 1, &[byte]));
    monitor(flags.into_iter().chain(members).collect())
}

/// AD types (Assigned Numbers, 2.3).
const COMPLETE_LIST_OF_16_BIT_UUIDS: u8 = 0x03;
const URI: u8 = 0x24;

fn monitor(patterns: Vec<Pattern>) -> Monitor {
    let rssi_sampling_period = Some(RssiSamplingPeriod::All);
    Monitor { patterns: Some(patterns), rssi_sampling_period, ..Monitor::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bluetoothd_survives_it() {
        for monitor in [match_nothing(), match_common()] {
            let patterns = monitor.patterns.expect("patterns");
            assert!(8 + 34 * patterns.len() < 256);
            assert!(patterns.iter().all(|pattern| pattern.data_type != data_type::MANUFACTURER_SPECIFIC_DATA));
            assert!(patterns.iter().all(|pattern| (1..=31).contains(&pattern.content.len())));
        }
    }
}
