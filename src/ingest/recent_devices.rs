//! Devices that were heard last, for people at the router. Nothing is noted, and nothing costs, until somebody asks.

use crate::model::{Address, AddressType, Advert, FilterKind};
use hashlink::LinkedHashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Devices at most, least recently heard out first.
pub const MAX_DEVICES: usize = 500;
/// So long after the last question devices are noted.
pub const INTEREST: Duration = Duration::from_secs(60);

/// What became of an advert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in a batch for the broker.
    Published,
    /// This filter left it out.
    Filtered(FilterKind),
    /// It was a repeat.
    Duplicate,
    /// Protocol is `none`.
    Unpublished,
}

/// What is known of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentDevice {
    /// Who sent; nobody knows of an anonymous advertiser.
    pub address: Address,
    /// Kind of the address.
    pub address_type: AddressType,
    /// Local name, once an advert or a scan response had one.
    pub name: Vec<u8>,
    /// RSSI of the last advert, in dBm; 127 if it is unknown.
    pub rssi: i8,
    /// When it came.
    pub heard: Instant,
    /// Adverts since somebody asked.
    pub adverts: u64,
    /// Index of the adapter that heard the last one.
    pub adapter: u16,
    /// What became of the last one.
    pub outcome: Outcome,
}

#[derive(Debug, Default)]
struct Table {
    devices: LinkedHashMap<(Address, AddressType), RecentDevice>,
    asked: Option<Instant>,
}

/// Shared by the pipeline, which notes, and by those who ask.
#[derive(Debug, Default)]
pub struct RecentDevices {
    wanted: AtomicBool,
    table: Mutex<Table>,
}

impl RecentDevices {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether devices are to be noted; asked once a read. Forgets them when nobody has asked for long.
    pub(super) fn is_wanted(&self, now: Instant) -> bool {
        if !self.wanted.load(Ordering::Relaxed) {
            return false;
        }
        let mut table = self.table();
        let wanted = table.asked.is_some_and(|asked| now.saturating_duration_since(asked) < INTEREST);
        if !wanted {
            *table = Table::default();
            self.wanted.store(false, Ordering::Relaxed);
        }
        wanted
    }

    /// Notes an advert.
    pub(super) fn record(&self, advert: &Advert<'_>, heard: Instant, outcome: Outcome) {
        // Each advert of these would be a device.
        if advert.address_type == AddressType::Anonymous {
            return;
        }
        let mut table = self.table();
        let key = (advert.address, advert.address_type);
        if !table.devices.contains_key(&key) && table.devices.len() >= MAX_DEVICES {
            table.devices.pop_front();
        }
        let (address, address_type) = key;
        let new = || RecentDevice {
            address,
            address_type,
            name: Vec::new(),
            rssi: advert.rssi,
            heard,
            adverts: 0,
            adapter: advert.adapter,
            outcome,
        };
        table.devices.entry(key).or_insert_with(new);
        let Some(device) = table.devices.to_back(&key) else { return };
        (device.rssi, device.heard, device.adapter, device.outcome) = (advert.rssi, heard, advert.adapter, outcome);
        device.adverts += 1;
        if let Some(name) = advert.name().filter(|name| **name != *device.name) {
            name.clone_into(&mut device.name);
        }
    }

    /// The devices, the last heard first, and from now on for [`INTEREST`] they are noted. `None` if none were until now.
    pub fn ask(&self) -> Option<Vec<RecentDevice>> {
        let mut table = self.table();
        let before = table.asked.replace(Instant::now());
        self.wanted.store(true, Ordering::Relaxed);
        before.map(|_| table.devices.values().rev().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pdu;

    fn advert<'a>(number: u32, data: &'a [u8], rssi: i8) -> Advert<'a> {
        let [a, b, c, d] = number.to_be_bytes();
        let address = Address([0xC0, 0, a, b, c, d]);
        Advert { adapter: 1, address, address_type: AddressType::Random, pdu: Pdu::Ind, rssi, data }
    }

    #[test]
    fn recent_devices_have_their_last_values_and_name_the_last_heard_first() {
        let (devices, now) = (RecentDevices::default(), Instant::now());
        assert!(!devices.is_wanted(now));
        assert_eq!(devices.ask(), None, "nobody had asked");
        assert!(devices.is_wanted(Instant::now()));
        devices.record(&advert(1, b"\x03\x09ab", -60), now, Outcome::Published);
        devices.record(&advert(2, b"", -70), now, Outcome::Unpublished);
        devices.record(&advert(1, b"\x02\x01\x06", 127), now, Outcome::Filtered(FilterKind::Rssi));
        let found = devices.ask().expect("somebody asked");
        assert_eq!(found.iter().map(|device| device.address.0[5]).collect::<Vec<_>>(), [1, 2]);
        let first = &found[0];
        assert_eq!((&*first.name, first.rssi, first.adverts, first.adapter), (&b"ab"[..], 127, 2, 1));
        assert_eq!(first.outcome, Outcome::Filtered(FilterKind::Rssi));
    }

    #[test]
    fn recent_devices_are_bounded_and_forgotten_when_nobody_asks() {
        let (devices, now) = (RecentDevices::default(), Instant::now());
        devices.ask();
        for number in 0..MAX_DEVICES as u32 + 7 {
            devices.record(&advert(number, b"", -60), now, Outcome::Duplicate);
        }
        let found = devices.ask().expect("somebody asked");
        assert_eq!((found.len(), found.last().map(|device| device.address.0[5])), (MAX_DEVICES, Some(7)));
        let anonymous = Advert { address_type: AddressType::Anonymous, ..advert(1, b"", -60) };
        devices.record(&anonymous, now, Outcome::Duplicate);
        assert_eq!(devices.ask().map(|found| found.len()), Some(MAX_DEVICES));
        assert!(devices.is_wanted(Instant::now()));
        assert!(!devices.is_wanted(Instant::now() + INTEREST));
        assert_eq!(devices.ask(), None, "they are forgotten");
    }
}
