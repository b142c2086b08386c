//! What signals do not repeat, remembered for as many devices as there is room for.

use super::device::Device;
use crate::advert::AddressType;
use std::collections::HashMap;

/// Devices that are remembered. BlueZ forgets a device after half a minute, so this is far away.
const DEVICES: usize = 50_000;

/// Of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) address_type: AddressType,
    pub(super) rssi: i8,
}

/// By object path, in two generations: those that were heard lately, and those before them. When there are too many, the
/// elder generation is forgotten.
#[derive(Debug, Default)]
pub(super) struct Memory {
    young: HashMap<String, Known>,
    old: HashMap<String, Known>,
}

impl Memory {
    /// Takes in what a message tells; without the kind of address, told or remembered, there is nothing to remember.
    pub(super) fn learn(&mut self, path: &str, device: &Device) -> Option<Known> {
        let before = self.young.get(path).or_else(|| self.old.get(path)).copied();
        let told = device.address_type.as_deref().map(kind);
        let rssi = device.rssi.and_then(|rssi| i8::try_from(rssi).ok());
        let known = Known {
            address_type: told.or(before.map(|b| b.address_type))?,
            rssi: rssi.or(before.map(|b| b.rssi)).unwrap_or(127),
        };
        match self.young.get_mut(path) {
            Some(place) => *place = known,
            None => {
                if self.young.len() >= DEVICES / 2 {
                    self.old = std::mem::take(&mut self.young);
                }
                self.young.insert(path.to_owned(), known);
            }
        }
        Some(known)
    }

    pub(super) fn forget(&mut self, path: &str) {
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
    use super::*;

    fn device(kind: Option<&str>, rssi: Option<i16>) -> Device {
        Device { address_type: kind.map(str::to_owned), rssi, ..Device::default() }
    }

    #[test]
    fn what_is_not_repeated_is_remembered() {
        let mut memory = Memory::default();
        assert_eq!(memory.learn("a", &device(None, Some(-40))), None, "a kind of address is not made up");
        let random = |rssi| Some(Known { address_type: AddressType::Random, rssi });
        assert_eq!(memory.learn("a", &device(Some("random"), Some(-40))), random(-40));
        assert_eq!(memory.learn("a", &device(None, None)), random(-40));
        assert_eq!(memory.learn("a", &device(None, Some(-50))), random(-50));
        memory.forget("a");
        assert_eq!(memory.learn("a", &device(None, Some(-50))), None);
    }

    #[test]
    fn those_that_were_not_heard_for_long_are_forgotten_first() {
        let mut memory = Memory::default();
        memory.learn("rare", &device(Some("public"), None));
        for n in 0..DEVICES * 2 {
            memory.learn(&n.to_string(), &device(Some("random"), Some(-1)));
            assert!(memory.young.len() + memory.old.len() <= DEVICES);
            if n % 10_000 == 0 {
                let often = memory.learn("often", &device((n == 0).then_some("random"), Some(-2)));
                assert_eq!(often.map(|known| known.address_type), Some(AddressType::Random));
            }
        }
        assert_eq!(memory.learn("rare", &device(None, Some(-1))), None);
    }
}
