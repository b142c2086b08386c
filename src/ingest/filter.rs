//! Which adverts pass: the vendor's filters, compiled from the settings once and asked for every packet.
//!
//! Values inside one filter are OR-ed, filters are AND-ed, each packet is judged on its own: a scan response without a
//! service UUID does not pass a UUID filter, even if the advert before it did.

use crate::config::RawConfig;
use crate::model::{Advert, FilterKind, ad_structures};

/// A pattern of `FilterNames`.
#[derive(Debug, Clone, PartialEq)]
enum Name {
    Any,
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
}

impl Name {
    fn compile(pattern: &str) -> Self {
        match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(""), _) => Self::Any,
            (Some(prefix), _) => Self::Prefix(prefix.as_bytes().into()),
            (None, Some(suffix)) => Self::Suffix(suffix.as_bytes().into()),
            (None, None) => Self::Exact(pattern.as_bytes().into()),
        }
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(text) => name == &**text,
            Self::Prefix(text) => name.starts_with(text),
            Self::Suffix(text) => name.ends_with(text),
        }
    }
}

/// A pattern of `FilterMacs`: the bits that count and what they must be.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mac {
    mask: u64,
    value: u64,
}

impl Mac {
    fn compile(pattern: &str) -> Self {
        let digits = || pattern.chars().filter_map(|c| c.to_digit(16));
        let free = 4 * (12 - digits().count().min(12));
        let value = digits().take(12).fold(0, |sum, digit| sum << 4 | u64::from(digit));
        Self { mask: (0xFFFF_FFFF_FFFF >> free) << free, value: value << free }
    }

    fn matches(self, address: u64) -> bool {
        address & self.mask == self.value
    }
}

/// A pattern of `FilterUuids` in the little-endian order of AD structures.
type Uuid = Box<[u8]>;

/// A pattern of `FilterValues`.
#[derive(Debug, Clone, PartialEq)]
struct Value {
    offset: Option<usize>,
    bytes: Box<[u8]>,
}

impl Value {
    fn matches(&self, data: &[u8]) -> bool {
        match self.offset {
            Some(offset) => data.get(offset..).is_some_and(|tail| tail.starts_with(&self.bytes)),
            None => data.windows(self.bytes.len()).any(|window| window == &*self.bytes),
        }
    }
}

/// The filters of one configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    rssi: Option<i16>,
    macs: Vec<Mac>,
    names: Vec<Name>,
    uuids: Vec<Uuid>,
    values: Vec<Value>,
}

fn bytes(hex: &str) -> impl DoubleEndedIterator<Item = u8> {
    (0..hex.len()).step_by(2).filter_map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok())
}

impl Filter {
    /// From settings that were checked.
    pub fn compile(raw: &RawConfig) -> Self {
        Self {
            rssi: (raw.filter_rssi > -128).then_some(raw.filter_rssi),
            macs: raw.filter_macs.iter().map(|m| Mac::compile(m)).collect(),
            names: raw.filter_names.iter().map(|n| Name::compile(n)).collect(),
            uuids: raw.filter_uuids.iter().map(|u| bytes(u).rev().collect()).collect(),
            values: raw
                .filter_values
                .iter()
                .map(|(offset, hex)| Value { offset: usize::try_from(*offset).ok(), bytes: bytes(hex).collect() })
                .collect(),
        }
    }

    /// Lets the advert pass, or names the filter that does not. An RSSI of 127 (not available) is not known to be weak, and
    /// passes.
    pub fn check(&self, advert: &Advert<'_>) -> Result<(), FilterKind> {
        let pass = |open: bool, kind| if open { Ok(()) } else { Err(kind) };
        pass(self.rssi.is_none_or(|least| i16::from(advert.rssi) >= least), FilterKind::Rssi)?;
        if !self.macs.is_empty() {
            let address = advert.address.0.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            pass(self.macs.iter().any(|mac| mac.matches(address)), FilterKind::Mac)?;
        }
        if !self.names.is_empty() {
            let name = advert.name();
            pass(name.is_some_and(|name| self.names.iter().any(|n| n.matches(name))), FilterKind::Name)?;
        }
        pass(self.uuids.is_empty() || self.has_uuid(advert.data), FilterKind::Uuid)?;
        pass(self.values.is_empty() || self.values.iter().any(|v| v.matches(advert.data)), FilterKind::Value)
    }

    /// Whether a service class list (AD types 0x02-0x07, Core Specification Supplement, Part A, 1.1) holds a wanted UUID.
    fn has_uuid(&self, data: &[u8]) -> bool {
        ad_structures(data).any(|(kind, list)| {
            let width = match kind {
                0x02 | 0x03 => 2,
                0x04 | 0x05 => 4,
                0x06 | 0x07 => 16,
                _ => return false,
            };
            list.chunks_exact(width).any(|uuid| self.uuids.iter().any(|wanted| &**wanted == uuid))
        })
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
