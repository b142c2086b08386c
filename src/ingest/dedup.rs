//! The setting `DuplicatesMs`: which packets are repeats. A bounded table, least recently heard out first, so that a storm of
//! random addresses costs memory up to the bound and no more.

use crate::model::{AddressType, Advert, Pdu};
use hashlink::LinkedHashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// Entries at most: one per device (`DuplicatesMs` 1) or per distinct packet. About 60 bytes each.
pub const CAPACITY: usize = 50_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    All,
    OncePerDevice,
    OncePer(Duration),
}

/// Packets that were published already, for `DuplicatesMs`.
pub struct Duplicates {
    rule: Rule,
    /// When the packet with this hash last passed, least recently heard first.
    passed: LinkedHashMap<u64, Instant>,
    // Keyed at random: nobody can craft packets that look like repeats of others.
    keys: RandomState,
    evicted: u64,
    capacity: usize,
}

impl Duplicates {
    /// For a checked value of `DuplicatesMs`.
    pub fn new(millis: u32) -> Self {
        let rule = match millis {
            0 => Rule::All,
            1 => Rule::OncePerDevice,
            ms => Rule::OncePer(Duration::from_millis(ms.into())),
        };
        Self { rule, passed: LinkedHashMap::new(), keys: RandomState::new(), evicted: 0, capacity: CAPACITY }
    }

    /// Whether this packet passes, heard now.
    pub fn pass(&mut self, advert: &Advert<'_>, now: Instant) -> bool {
        if self.rule == Rule::All {
            return true;
        }
        let key = self.key(advert);
        if let Some(at) = self.passed.to_back(&key) {
            let repeat = match self.rule {
                Rule::OncePer(window) => now.duration_since(*at) < window,
                _ => true,
            };
            if !repeat {
                *at = now;
            }
            return !repeat;
        }
        if self.passed.len() >= self.capacity {
            self.passed.pop_front();
            self.evicted += 1;
        }
        self.passed.insert(key, now);
        true
    }

    /// Entries that had to go since the last call: a repeat of theirs would pass as new.
    pub fn take_evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    fn key(&self, advert: &Advert<'_>) -> u64 {
        let mut hasher = self.keys.build_hasher();
        hasher.write(&advert.address.0);
        hasher.write_u8(advert.address_type as u8);
        // Anonymous advertisers are distinguished by their data.
        if self.rule != Rule::OncePerDevice || advert.address_type == AddressType::Anonymous {
            // RSSI, power and interval vary from packet to packet and do not make it another one.
            let (kind, sid) = match advert.pdu {
                Pdu::Ind => (0, 0),
                Pdu::DirectInd => (1, 0),
                Pdu::ScanInd => (2, 0),
                Pdu::NonconnInd => (3, 0),
                Pdu::ScanRsp => (4, 0),
                Pdu::Extended(e) => (0x100 | e.event_type, e.sid),
            };
            hasher.write_u16(kind);
            hasher.write_u8(sid);
            hasher.write(advert.data);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    fn advert(tag: u32, data: &[u8]) -> Advert<'_> {
        let [a, b, c, d] = tag.to_be_bytes();
        Advert {
            adapter: 0,
            address: Address([0, 0, a, b, c, d]),
            address_type: AddressType::Random,
            pdu: Pdu::Ind,
            rssi: -60,
            data,
        }
    }

    #[test]
    fn off_passes_everything_and_remembers_nothing() {
        let (mut table, now) = (Duplicates::new(0), Instant::now());
        assert!((0..3).all(|_| table.pass(&advert(1, b"a"), now)));
        assert!(table.passed.is_empty());
    }

    #[test]
    fn duplicates_rule_one_passes_one_packet_per_device() {
        let (mut table, now) = (Duplicates::new(1), Instant::now());
        assert!(table.pass(&advert(1, b"a"), now));
        assert!(!table.pass(&advert(1, b"b"), now + Duration::from_secs(3600)));
        assert!(table.pass(&advert(2, b"a"), now));
        let anonymous = |data| Advert { address_type: AddressType::Anonymous, ..advert(0, data) };
        assert_eq!([b"a", b"b", b"a"].map(|data| table.pass(&anonymous(data), now)), [true, true, false]);
    }

    #[test]
    fn duplicates_window_passes_a_changed_packet_at_once() {
        let (mut table, start) = (Duplicates::new(1000), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!(table.pass(&advert(1, b"a"), at(0)));
        assert!(!table.pass(&Advert { rssi: -10, ..advert(1, b"a") }, at(999)));
        assert!(table.pass(&advert(1, b"b"), at(999)));
        // Two packets that alternate are two packets, each once per window.
        assert!(table.pass(&advert(1, b"a"), at(1000)));
        assert!(!table.pass(&advert(1, b"b"), at(1500)));
        assert!(table.pass(&Advert { pdu: Pdu::ScanRsp, ..advert(1, b"b") }, at(1500)));
        assert!(table.pass(&advert(1, b"b"), at(1999)));
    }

    #[test]
    fn duplicates_table_evicts_the_least_recently_heard_and_counts() {
        let (mut table, now) = (Duplicates::new(1), Instant::now());
        table.capacity = 100;
        assert!(table.pass(&advert(0, b""), now));
        for tag in 1..10_000 {
            assert!(table.pass(&advert(tag, b""), now));
            assert!(!table.pass(&advert(0, b""), now), "a device that is still heard stays known");
        }
        assert_eq!(table.passed.len(), 100);
        assert_eq!(table.take_evicted(), 9_900);
        assert_eq!(table.take_evicted(), 0);
    }

    #[test]
    fn duplicates_table_takes_less_than_16_mib_however_long_a_storm_lasts() {
        let (mut table, now) = (Duplicates::new(1000), Instant::now());
        // The first ones fill it, then each new one evicts another.
        let info = allocation_counter::measure(|| {
            for tag in 0..10 * CAPACITY as u32 {
                table.pass(&advert(tag, b""), now);
                table.pass(&advert(tag, b""), now);
            }
        });
        assert_eq!((table.passed.len(), table.take_evicted()), (CAPACITY, 9 * CAPACITY as u64));
        assert!(info.bytes_max < 16 << 20, "{} bytes at the peak", info.bytes_max);
    }
}
