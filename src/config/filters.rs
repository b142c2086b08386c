//! The filters of the settings, parsed once. What they let pass is decided in `ingest/filter.rs`.

use super::RawConfig;
use super::check::Checks;
use crate::model::Address;

/// Which adverts are published: one entry of every filter that has any must match.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    /// Weakest signal in dBm, if any is too weak.
    pub rssi: Option<i16>,
    /// `FilterMacs`.
    pub addresses: Vec<AddressPattern>,
    /// `FilterNames`.
    pub names: Vec<NamePattern>,
    /// `FilterUuids`.
    pub uuids: Vec<UuidPattern>,
    /// `FilterValues`.
    pub values: Vec<ValuePattern>,
}

/// Bits of an address that count, and what they must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPattern {
    /// 1 for each bit that counts.
    pub mask: u64,
    /// 0 where it does not.
    pub value: u64,
}

/// A local name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePattern {
    /// Whatever it is.
    Any,
    /// This one.
    Exact(Box<[u8]>),
    /// Those that begin so.
    Prefix(Box<[u8]>),
    /// Those that end so.
    Suffix(Box<[u8]>),
}

/// A UUID of 16, 32 or 128 bits in the little-endian order of AD structures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UuidPattern(pub Box<[u8]>);

/// Bytes of the advertising data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePattern {
    /// Where they stand; `None` is anywhere.
    pub offset: Option<usize>,
    /// At least one.
    pub bytes: Box<[u8]>,
}

impl Filters {
    /// Those of the settings. Lists that are too long are not looked at.
    pub(super) fn check(raw: &RawConfig, c: &mut Checks) -> Self {
        let lists = [
            ("filter_names", raw.filter_names.len()),
            ("filter_macs", raw.filter_macs.len()),
            ("filter_uuids", raw.filter_uuids.len()),
            ("filter_values", raw.filter_values.len()),
        ];
        if !lists.into_iter().fold(true, |fit, (key, count)| c.fits(key, count, "entries") && fit) {
            return Self::default();
        }
        raw.filter_names.iter().for_each(|name| c.readable("filter_names", name));
        let names = c.parse("filter_names", &raw.filter_names, |name| NamePattern::parse(name));
        let addresses = c.parse("filter_macs", &raw.filter_macs, |pattern| AddressPattern::parse(pattern));
        let uuids = c.parse("filter_uuids", &raw.filter_uuids, |uuid| UuidPattern::parse(uuid));
        c.within("filter_rssi", raw.filter_rssi);
        let values = c.parse("filter_values", &raw.filter_values, ValuePattern::parse);
        c.within("duplicates_ms", raw.duplicates_ms);
        Self { rssi: (raw.filter_rssi > -128).then_some(raw.filter_rssi), addresses, names, uuids, values }
    }
}

impl AddressPattern {
    /// Of a whole address, or its first digits and a `*`.
    pub fn parse(pattern: &str) -> Option<Self> {
        const SAMPLE: &str = "00:00:00:00:00:00";
        let prefix = pattern.strip_suffix('*').unwrap_or(pattern);
        let rest = if prefix == pattern { "" } else { SAMPLE.get(prefix.len()..)? };
        let address = Address::parse(&format!("{prefix}{rest}"))?;
        let free = 4 * rest.matches('0').count();
        let value = address.0.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Some(Self { mask: (0xFFFF_FFFF_FFFF >> free) << free, value })
    }
}

impl NamePattern {
    /// Of a name with a `*` at its beginning or its end, if any.
    pub fn parse(pattern: &str) -> Option<Self> {
        let bytes = |text: &str| text.as_bytes().into();
        let (inner, parsed) = match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(""), _) => ("", Self::Any),
            (Some(prefix), _) => (prefix, Self::Prefix(bytes(prefix))),
            (None, Some(suffix)) => (suffix, Self::Suffix(bytes(suffix))),
            (None, None) => (pattern, Self::Exact(bytes(pattern))),
        };
        ((1..=255).contains(&pattern.len()) && !inner.contains('*')).then_some(parsed)
    }
}

impl ValuePattern {
    /// Of an offset, -1 for anywhere, and hex digits.
    pub fn parse((offset, hex): &(i32, String)) -> Option<Self> {
        let right = (-1..1650).contains(offset) && (2..=3300).contains(&hex.len());
        Some(Self { offset: usize::try_from(*offset).ok(), bytes: right.then(|| bytes(hex))?? })
    }
}

impl UuidPattern {
    /// Of hex digits, big-endian as people write them.
    pub fn parse(hex: &str) -> Option<Self> {
        let mut uuid = bytes(hex).filter(|uuid| [2, 4, 16].contains(&uuid.len()))?;
        uuid.reverse();
        Some(Self(uuid))
    }
}

fn bytes(hex: &str) -> Option<Box<[u8]>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    if hex.len().is_multiple_of(2) { hex.as_bytes().chunks_exact(2).map(pair).collect() } else { None }
}
