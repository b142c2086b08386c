//! Which adverts pass: the vendor's filters, parsed with the settings and asked for every packet.
//!
//! Values inside one filter are OR-ed, filters are AND-ed, each packet is judged on its own: a scan response without a
//! service UUID does not pass a UUID filter, even if the advert before it did.

use crate::config::{Filters, NamePattern, UuidPattern, ValuePattern};
use crate::model::{Advert, FilterKind, ad_structures};

/// Lets the advert pass, or names the filter that does not. An RSSI of 127 (not available) is not known to be weak, and passes.
pub fn check(filters: &Filters, advert: &Advert<'_>) -> Result<(), FilterKind> {
    let pass = |open: bool, kind| if open { Ok(()) } else { Err(kind) };
    pass(filters.rssi.is_none_or(|least| i16::from(advert.rssi) >= least), FilterKind::Rssi)?;
    if !filters.addresses.is_empty() {
        let address = advert.address.0.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        pass(filters.addresses.iter().any(|pattern| address & pattern.mask == pattern.value), FilterKind::Mac)?;
    }
    if !filters.names.is_empty() {
        let name = advert.name();
        pass(name.is_some_and(|name| filters.names.iter().any(|pattern| is_name(pattern, name))), FilterKind::Name)?;
    }
    pass(filters.uuids.is_empty() || has_uuid(&filters.uuids, advert.data), FilterKind::Uuid)?;
    let has_value = |pattern| has_value(pattern, advert.data);
    pass(filters.values.is_empty() || filters.values.iter().any(has_value), FilterKind::Value)
}

fn is_name(pattern: &NamePattern, name: &[u8]) -> bool {
    match pattern {
        NamePattern::Any => true,
        NamePattern::Exact(text) => name == &**text,
        NamePattern::Prefix(text) => name.starts_with(text),
        NamePattern::Suffix(text) => name.ends_with(text),
    }
}

/// Whether a service class list (AD types 0x02-0x07, Core Specification Supplement, Part A, 1.1) holds a wanted UUID.
fn has_uuid(uuids: &[UuidPattern], data: &[u8]) -> bool {
    ad_structures(data).any(|(kind, list)| {
        let width = match kind {
            0x02 | 0x03 => 2,
            0x04 | 0x05 => 4,
            0x06 | 0x07 => 16,
            _ => return false,
        };
        list.chunks_exact(width).any(|uuid| uuids.iter().any(|wanted| *wanted.0 == *uuid))
    })
}

fn has_value(pattern: &ValuePattern, data: &[u8]) -> bool {
    match pattern.offset {
        Some(offset) => data.get(offset..).is_some_and(|tail| tail.starts_with(&pattern.bytes)),
        None => data.windows(pattern.bytes.len()).any(|window| window == &*pattern.bytes),
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
