//! What BlueZ tells of a device, and the AD structures that it was made from.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use zbus::Type;

/// A variant that holds bytes.
#[derive(Debug, Deserialize, Type, PartialEq)]
#[zbus(signature = "v")]
pub(super) struct Bytes(#[serde(with = "zbus::as_variant")] pub(super) Vec<u8>);

/// Properties of org.bluez.Device1 that come from the air (org.bluez.Device(5)).
#[derive(Debug, Default, Deserialize, Type)]
#[zbus(signature = "a{sv}")]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Device {
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) address_type: Option<String>,
    /// The class of a classic device, from an inquiry.
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) class: Option<u32>,
    #[serde(rename = "RSSI", with = "zbus::as_variant::optional")]
    pub(super) rssi: Option<i16>,
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) name: Option<String>,
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) tx_power: Option<i16>,
    #[serde(rename = "UUIDs", with = "zbus::as_variant::optional")]
    pub(super) uuids: Option<Vec<String>>,
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) advertising_flags: Option<Vec<u8>>,
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) advertising_data: Option<BTreeMap<u8, Bytes>>,
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) service_data: Option<BTreeMap<String, Bytes>>,
    #[serde(with = "zbus::as_variant::optional")]
    pub(super) manufacturer_data: Option<BTreeMap<u16, Bytes>>,
}

impl Device {
    /// Whether these properties come from an advert just heard; others change with connections.
    pub(super) fn was_heard(&self) -> bool {
        self.rssi.is_some() || self.has_data()
    }

    /// Whether there is more of an advert than its strength.
    pub(super) fn has_data(&self) -> bool {
        self.manufacturer_data.is_some() || self.service_data.is_some() || self.advertising_data.is_some()
    }
}

/// Interfaces of an object.
pub(super) type Objects = HashMap<String, Device>;

/// The rest of a Bluetooth base UUID behind its first 32 bits (Core 5.4, Vol 3, Part B, 2.5.1).
const BASE: &str = "-0000-1000-8000-00805f9b34fb";

/// A UUID in the little-endian bytes of its shortest form: 2, 4 or 16.
fn uuid(text: &str) -> Option<Vec<u8>> {
    let short = text.strip_suffix(BASE).map(|first| first.strip_prefix("0000").unwrap_or(first));
    let digits = short.map_or_else(|| text.replace('-', ""), str::to_owned);
    let mut bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok())
        .collect::<Option<_>>()?;
    bytes.reverse();
    [2, 4, 16].contains(&bytes.len()).then_some(bytes)
}

/// Appends an AD structure; one that no advert could have held is left out.
fn put(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    if let Ok(length @ ..=254) = u8::try_from(value.len()) {
        out.extend_from_slice(&[length + 1, kind]);
        out.extend_from_slice(value);
    }
}

/// AD structures that say what BlueZ told, in the order of their types but for manufacturer data, which is last.
pub(super) fn ad_bytes(device: &Device) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    if let Some(flags) = &device.advertising_flags {
        put(&mut out, 0x01, flags);
    }
    let uuids: Vec<Vec<u8>> = device.uuids.iter().flatten().filter_map(|text| uuid(text)).collect();
    for (kind, width) in [(0x03, 2), (0x05, 4), (0x07, 16)] {
        let list: Vec<u8> = uuids.iter().filter(|u| u.len() == width).flatten().copied().collect();
        if !list.is_empty() {
            put(&mut out, kind, &list);
        }
    }
    if let Some(name) = &device.name {
        put(&mut out, 0x09, name.as_bytes());
    }
    if let Some(power) = device.tx_power.and_then(|power| i8::try_from(power).ok()) {
        put(&mut out, 0x0A, &power.to_le_bytes());
    }
    for (text, Bytes(data)) in device.service_data.iter().flatten() {
        if let Some(uuid) = uuid(text) {
            let kind = match uuid.len() {
                2 => 0x16,
                4 => 0x20,
                _ => 0x21,
            };
            put(&mut out, kind, &[&uuid[..], data].concat());
        }
    }
    for (kind, Bytes(data)) in device.advertising_data.iter().flatten() {
        put(&mut out, *kind, data);
    }
    for (company, Bytes(data)) in device.manufacturer_data.iter().flatten() {
        put(&mut out, 0xFF, &[&company.to_le_bytes()[..], data].concat());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_take_their_shortest_form() {
        assert_eq!(uuid("0000180f-0000-1000-8000-00805f9b34fb"), Some(vec![0x0F, 0x18]));
        assert_eq!(uuid("01020304-0000-1000-8000-00805f9b34fb"), Some(vec![4, 3, 2, 1]));
        assert_eq!(uuid("00112233-4455-6677-8899-aabbccddeeff").map(|u| (u.len(), u[0], u[15])), Some((16, 0xFF, 0)));
        for bad in ["", "x", "0000180f", "0000180-0000-1000-8000-00805f9b34fb"] {
            assert!(uuid(bad).is_none_or(|u| u.len() == 4), "{bad}");
        }
    }

    #[test]
    fn ad_structures_are_put_together() {
        let device = Device {
            rssi: Some(-60),
            advertising_flags: Some(vec![6]),
            uuids: Some(vec!["0000180f-0000-1000-8000-00805f9b34fb".into()]),
            name: Some("Desk".into()),
            tx_power: Some(-4),
            service_data: Some([("0000feaa-0000-1000-8000-00805f9b34fb".to_owned(), Bytes(vec![0x20]))].into()),
            manufacturer_data: Some([(0x0499, Bytes(vec![5, 1]))].into()),
            ..Device::default()
        };
        let wanted =
            b"\x02\x01\x06\x03\x03\x0F\x18\x05\x09Desk\x02\x0A\xFC\x04\x16\xAA\xFE\x20\x05\xFF\x99\x04\x05\x01";
        assert_eq!(ad_bytes(&device), wanted);
        assert!(device.was_heard());
    }

    #[test]
    fn device_data_leaves_out_an_impossible_structure() {
        let device = Device { name: Some("n".repeat(255)), ..Device::default() };
        assert!(ad_bytes(&device).is_empty());
        assert!(!device.was_heard());
    }
}
