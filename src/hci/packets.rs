//! MonitorChannel packets for tests.

use super::reports::{EXTENDED_REPORT, LE_META, LEGACY_REPORT};

/// An advertiser's address as HCI carries it, least significant byte first.
pub(crate) const ADDRESS: [u8; 6] = [0x66, 0x55, 0x44, 0x33, 0x22, 0xC1];

/// A packet as the kernel's monitor channel gives it.
pub(crate) fn packet(opcode: u16, adapter: u16, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    [&opcode.to_le_bytes()[..], &adapter.to_le_bytes(), &length.to_le_bytes(), payload].concat()
}

/// An LE Meta event.
pub(crate) fn meta(adapter: u16, subevent: u8, parameters: &[u8]) -> Vec<u8> {
    packet(3, adapter, &[&[LE_META, parameters.len() as u8 + 1, subevent][..], parameters].concat())
}

/// One report of an LE Advertising Report event.
pub(crate) fn legacy(event_type: u8, address_type: u8, data: &[u8], rssi: i8) -> Vec<u8> {
    [&[event_type, address_type][..], &ADDRESS[..], &[data.len() as u8], data, &[rssi as u8]].concat()
}

/// An LE Advertising Report event with these reports.
pub(crate) fn legacy_event(adapter: u16, reports: &[Vec<u8>]) -> Vec<u8> {
    meta(adapter, LEGACY_REPORT, &[&[reports.len() as u8][..], &reports.concat()[..]].concat())
}

/// One report of an LE Extended Advertising Report event: SID 7, TX power 4 dBm, RSSI -50 dBm, periodic interval 0x0102.
pub(crate) fn extended(event_type: u16, address_type: u8, phys: [u8; 2], data: &[u8]) -> Vec<u8> {
    let middle = [phys[0], phys[1], 7, 4, (-50_i8) as u8, 0x02, 0x01, 0, 0, 0, 0, 0, 0, 0, data.len() as u8];
    [&event_type.to_le_bytes()[..], &[address_type], &ADDRESS[..], &middle, data].concat()
}

/// An LE Extended Advertising Report event with these reports.
pub(crate) fn extended_event(adapter: u16, reports: &[Vec<u8>]) -> Vec<u8> {
    meta(adapter, EXTENDED_REPORT, &[&[reports.len() as u8][..], &reports.concat()[..]].concat())
}
