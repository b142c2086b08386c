//! The object `beacon` of an item.

use super::{HEX, hex, put};
use crate::beacon::{Beacon, Url};

/// Writes the key and its object.
pub(super) fn member(out: &mut Vec<u8>, beacon: &Beacon<'_>) {
    out.extend_from_slice(b",\"beacon\":{\"type\":\"");
    match *beacon {
        Beacon::IBeacon { uuid, major, minor, tx_power } => {
            out.extend_from_slice(b"iBeacon\",\"UUID\":\"");
            for (i, &byte) in uuid.iter().enumerate() {
                if [4, 6, 8, 10].contains(&i) {
                    out.push(b'-');
                }
                out.extend_from_slice(&HEX[usize::from(byte)]);
            }
            put(out, format_args!("\",\"minor\":{minor},\"major\":{major},\"txPower\":{tx_power}"));
        }
        Beacon::Uid { tx_power, namespace, instance } => {
            out.extend_from_slice(b"EddystoneUID\",\"namespace\":\"");
            hex(out, namespace);
            out.extend_from_slice(b"\",\"instance\":\"");
            hex(out, instance);
            put(out, format_args!("\",\"txPower\":{tx_power}"));
        }
        Beacon::Url { tx_power, url } => {
            out.extend_from_slice(b"EddystoneURL\",\"url\":\"");
            self::url(out, url);
            put(out, format_args!("\",\"txPower\":{tx_power}"));
        }
        Beacon::Tlm(t) => {
            out.extend_from_slice(b"EddystoneTLM\",\"version\":0");
            if let Some(battery) = t.battery {
                put(out, format_args!(",\"batteryVoltage\":{battery}"));
            }
            if let Some(temperature) = t.temperature {
                put(out, format_args!(",\"temperature\":{}", f64::from(temperature) / 256.0));
            }
            put(out, format_args!(",\"advCount\":{},\"secCount\":{}", t.frames, t.uptime));
        }
        Beacon::EncryptedTlm => out.extend_from_slice(b"EddystoneTLM\",\"version\":1"),
        Beacon::Eid { tx_power, eid } => {
            out.extend_from_slice(b"EddystoneEID\",\"eid\":\"");
            hex(out, eid);
            put(out, format_args!("\",\"txPower\":{tx_power}"));
        }
    }
    out.push(b'}');
}

fn url(out: &mut Vec<u8>, url: Url<'_>) {
    // Printable ASCII: no more than these two need a backslash.
    for &byte in url.pieces().flatten() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
}
