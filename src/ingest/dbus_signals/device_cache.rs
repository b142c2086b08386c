//! What signals do not repeat, remembered for as many devices as there is room for.

use super::device::Device;
use crate::model::AddressType;
use std::collections::HashMap;

/// Devices that are remembered. BlueZ forgets a device after half a minute, so this is far away.
pub const MAX_DEVICES: usize = 50_000;

/// Of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) address_type: AddressType,
    pub(super) rssi: i8,
    /// It answered an inquiry: it is (also) a classic device, which BlueZ tells of like any other.
    classic: bool,
    /// It was heard on LE: its address is random, or it has flags, which BlueZ takes from LE only.
    low_energy: bool,
}

impl Known {
    /// Whether what a message tells was an advert. The strength alone of a device of both kinds may be that of an answer to
    /// an inquiry.
    pub(super) fn advertised(&self, device: &Device) -> bool {
        device.was_heard()
            && (!self.classic || self.low_energy && (device.has_data() || device.advertising_flags.is_some()))
    }
}

/// By object path, in two generations: those that were heard lately, and those before them. When there are too many, the
/// elder generation is forgotten.
#[derive(Debug, Default)]
pub(super) struct DeviceCache {
    young: HashMap<String, Known>,
    old: HashMap<String, Known>,
}

impl DeviceCache {
    /// Takes in what a message tells; without the kind of address, told or remembered, there is nothing to remember.
    pub(super) fn update(&mut self, path: &str, device: &Device) -> Option<Known> {
        let before = self.young.get(path).or_else(|| self.old.get(path)).copied();
        let told = device.address_type.as_deref().map(kind);
        let rssi = device.rssi.and_then(|rssi| i8::try_from(rssi).ok());
        let address_type = told.or(before.map(|b| b.address_type))?;
        let known = Known {
            address_type,
            rssi: rssi.or(before.map(|b| b.rssi)).unwrap_or(127),
            classic: device.class.is_some() || before.is_some_and(|b| b.classic),
            low_energy: address_type == AddressType::Random
                || device.advertising_flags.is_some()
                || before.is_some_and(|b| b.low_energy),
        };
        match self.young.get_mut(path) {
            Some(place) => *place = known,
            None => {
                if self.young.len() >= MAX_DEVICES / 2 {
                    self.old = std::mem::take(&mut self.young);
                }
                self.young.insert(path.to_owned(), known);
            }
        }
        Some(known)
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.young.remove(path);
        self.old.remove(path);
    }
}

/// BlueZ's word for a kind of address.
fn kind(word: &str) -> AddressType {
    match word {
        "random" => AddressType::Random,
        _ => AddressType::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::super::device::Bytes;
    use super::*;

    fn device(kind: Option<&str>, rssi: Option<i16>) -> Device {
        Device { address_type: kind.map(str::to_owned), rssi, ..Device::default() }
    }

    #[test]
    fn device_cache_keeps_what_is_not_repeated() {
        let mut cache = DeviceCache::default();
        assert_eq!(cache.update("a", &device(None, Some(-40))), None, "a kind of address is not made up");
        let random = |rssi| Some(Known { address_type: AddressType::Random, rssi, classic: false, low_energy: true });
        assert_eq!(cache.update("a", &device(Some("random"), Some(-40))), random(-40));
        assert_eq!(cache.update("a", &device(None, None)), random(-40));
        assert_eq!(cache.update("a", &device(None, Some(-50))), random(-50));
        cache.remove("a");
        assert_eq!(cache.update("a", &device(None, Some(-50))), None);
    }

    /// Whether messages about a device, one after the other, are adverts.
    fn adverts(messages: &[Device]) -> Vec<bool> {
        let mut cache = DeviceCache::default();
        let advertised = |device| cache.update("a", device).is_some_and(|known| known.advertised(device));
        messages.iter().map(advertised).collect()
    }

    #[test]
    fn device_cache_takes_no_classic_device_for_an_advertiser() {
        let found = || Device { class: Some(0x24_04_04), ..device(Some("public"), Some(-40)) };
        let rssi = || device(None, Some(-50));
        let data = || Device { manufacturer_data: Some([(0x4C, Bytes(vec![1]))].into()), ..rssi() };
        let flags = || Device { advertising_flags: Some(vec![0x1A]), ..rssi() };
        assert_eq!(adverts(&[found(), rssi(), data()]), [false; 3], "answers to inquiries hold data, too");
        let told_late = Device { class: Some(0x24_04_04), ..Device::default() };
        assert_eq!(adverts(&[device(Some("public"), None), told_late, rssi()]), [false; 3]);
        assert_eq!(adverts(&[found(), flags(), rssi(), data()]), [false, true, false, true], "it is of both kinds");
        assert_eq!(adverts(&[device(Some("public"), Some(-40)), rssi(), data()]), [true; 3]);
        let random = Device { class: Some(0x24_04_04), ..device(Some("random"), Some(-40)) };
        assert_eq!(adverts(&[random, data()]), [false, true]);
    }

    #[test]
    fn device_cache_forgets_the_least_recently_heard_first() {
        let mut cache = DeviceCache::default();
        cache.update("rare", &device(Some("public"), None));
        for n in 0..MAX_DEVICES * 2 {
            cache.update(&n.to_string(), &device(Some("random"), Some(-1)));
            assert!(cache.young.len() + cache.old.len() <= MAX_DEVICES);
            if n % 10_000 == 0 {
                let often = cache.update("often", &device((n == 0).then_some("random"), Some(-2)));
                assert_eq!(often.map(|known| known.address_type), Some(AddressType::Random));
            }
        }
        assert_eq!(cache.update("rare", &device(None, Some(-1))), None);
    }
}
