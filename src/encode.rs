//! Adverts to items, items to a framed message: the vendor's JSON, written straight into the batch's bytes.
//!
//! Choices where the vendor's published pages are silent:
//! - `secondaryPhy` (and its misspelt twin) is `""` for an extended advert without a packet on the secondary channel;
//! - `sid` is 255 when there is none, `txPower` and `rssi` are 127 when they are unknown: the values of HCI;
//! - `interval` is the periodic advertising interval in units of 1.25 ms, 0 when there is none;
//! - `prop` lists what the event type says, comma separated, `""` for none of it;
//! - an anonymous advert has the address `00:00:00:00:00:00` and the `bdaddrType` `anonymous`.
//!
//! One where they are wrong: `txPower` of an iBeacon is the signed byte that Apple's specification says. The vendor's only
//! sample has -58 for C5, which is -59.

mod age;
mod batch;
mod beacon;
mod epoch;
mod items;
mod split;

pub(crate) use age::payload;
pub use batch::{Batch, Plan};
pub use epoch::epoch;
pub(crate) use epoch::random as random_epoch;
pub(crate) use split::{Splitter, is_divisible};

use crate::config::Style;
use crate::model::{AddressType, Advert, DataStatus, Extended, Pdu};
use std::io::Write;

/// Writes one item.
fn item(out: &mut Vec<u8>, advert: &Advert<'_>, style: &Style, timestamp: Option<&[u8]>) {
    let kind = match advert.address_type {
        AddressType::Public => "public",
        AddressType::Random => "random",
        AddressType::Anonymous => "anonymous",
    };
    let (event, response, extended) = match &advert.pdu {
        Pdu::Ind => (0, false, None),
        Pdu::DirectInd => (1, false, None),
        Pdu::ScanInd => (2, false, None),
        Pdu::NonconnInd => (3, false, None),
        Pdu::ScanRsp => (4, true, None),
        Pdu::Extended(extended) => (5, extended.is_scan_response(), Some(extended)),
    };
    out.extend_from_slice(b"{\"bdaddrs\":[{\"bdaddr\":\"");
    for (i, byte) in advert.address.0.into_iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        out.extend_from_slice(&HEX[usize::from(byte)]);
    }
    put(out, format_args!("\",\"bdaddrType\":\"{kind}\"}}],\"chipId\":{},\"", advert.adapter));
    out.extend_from_slice(style.event_type_key.as_bytes());
    put(out, format_args!("\":{event},\"rssi\":{}", advert.rssi));
    out.extend_from_slice(if response { b",\"scanData\":\"" } else { b",\"adData\":\"" });
    out.reserve(advert.data.len() * 2 + 64);
    hex(out, advert.data);
    out.extend_from_slice(b"\",\"name\":\"");
    match advert.name() {
        Some(name) => escaped(out, name),
        _ => out.extend_from_slice(b"(unknown)"),
    }
    out.push(b'"');
    if let Some(extended) = extended {
        extended_fields(out, extended);
    }
    if let Some(text) = timestamp {
        out.extend_from_slice(b",\"timestamp\":\"");
        // A zone's abbreviation comes from a file.
        escaped(out, text);
        out.push(b'"');
    }
    if style.beacon
        && let Some(found) = crate::beacon::decode(advert.data)
    {
        beacon::member(out, &found);
    }
    out.push(b'}');
}

/// Event type bits of an extended report and the vendor's words for them (Core 5.4, Vol 4, Part E, 7.7.65.13).
const PROPERTIES: [(u16, &str); 4] =
    [(0x01, "Connectable"), (0x02, "Scannable"), (0x04, "Directed"), (0x08, "ScanResponse")];

fn extended_fields(out: &mut Vec<u8>, extended: &Extended) {
    let (primary, secondary) = (phy(extended.primary_phy), phy(extended.secondary_phy));
    put(out, format_args!(",\"primaryPhy\":\"{primary}\",\"secondaryPhy\":\"{secondary}\""));
    put(out, format_args!(",\"secondryPhy\":\"{secondary}\",\"sid\":{}", extended.sid));
    put(out, format_args!(",\"txPower\":{},\"interval\":{}", extended.tx_power, extended.interval));
    out.extend_from_slice(b",\"prop\":\"");
    let set = PROPERTIES.iter().filter(|(bit, _)| extended.event_type & bit != 0);
    for (i, (_, word)) in set.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(word.as_bytes());
    }
    let status = match extended.data_status() {
        DataStatus::Complete => "Complete",
        DataStatus::Incomplete => "Incomplete",
        DataStatus::Truncated => "Truncated",
    };
    put(out, format_args!("\",\"dataStatus\":\"{status}\""));
}

/// The vendor's word for a PHY.
fn phy(phy: u8) -> &'static str {
    match phy {
        1 => "1M",
        2 => "2M",
        3 => "CODED",
        _ => "",
    }
}

/// Writes bytes as the inside of a JSON string; what is not UTF-8 becomes U+FFFD.
fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => {
                    out.extend_from_slice(b"\\u00");
                    out.extend_from_slice(&HEX[usize::from(byte)]);
                }
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        out.extend_from_slice(&HEX[usize::from(byte)]);
    }
}

/// Every byte in upper-case hex.
const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789ABCDEF";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
};

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
