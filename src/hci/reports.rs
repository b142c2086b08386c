//! A packet of the kernel's monitor channel to the adverts in it. Pure: bytes in, adverts out.
//!
//! Pieces of chained extended advertising are passed on one by one, each with its data status: see `reassembly`.

use crate::capture::{Each, Malformed, UNKNOWN};
use crate::model::MalformedReason::{self, CutShort, InvalidValue, NoReport, TrailingBytes};
use crate::model::{Address, AddressType, Advert, Extended, Pdu};

/// Opcode of an HCI event from the controller (`HCI_MON_EVENT_PKT` of the kernel).
pub(crate) const EVENT: u16 = 3;
/// Bytes of the header before each packet: opcode, adapter index, length of the rest, little-endian 16-bit each.
pub(crate) const HEADER: usize = 6;
/// HCI LE Meta event (Core 5.4, Vol 4, Part E, 7.7.65).
pub(crate) const LE_META: u8 = 0x3E;
/// Its subevent LE Advertising Report (7.7.65.2).
pub(crate) const LEGACY_REPORT: u8 = 0x02;
/// Its subevent LE Extended Advertising Report (7.7.65.13).
pub(crate) const EXTENDED_REPORT: u8 = 0x0D;

/// Hands over each advert of a packet, and why a report is none. Other packets hold neither.
pub(crate) fn adverts(packet: &[u8], each: &mut Each<'_>) {
    let mut packet = Bytes(packet);
    let (Some(opcode), Some(adapter), Some(length)) = (packet.u16(), packet.u16(), packet.u16()) else {
        return each(Err(Malformed { adapter: UNKNOWN, reason: CutShort }));
    };
    if opcode != EVENT {
        return;
    }
    let whole = packet.0.len() >= usize::from(length);
    let mut event = Bytes(&packet.0[..packet.0.len().min(length.into())]);
    let (code, announced, subevent) = (event.u8(), event.u8(), event.u8());
    // The length of the event counts the subevent.
    let announced = announced.map_or(0, |length| usize::from(length).saturating_sub(1));
    let each = &mut |found: Result<&Advert<'_>, MalformedReason>| {
        each(found.map_err(|reason| Malformed { adapter, reason }));
    };
    match (code, subevent) {
        (Some(LE_META), Some(LEGACY_REPORT)) => reports(event.0, announced, each, |bytes| legacy(bytes, adapter)),
        (Some(LE_META), Some(EXTENDED_REPORT)) => reports(event.0, announced, each, |bytes| extended(bytes, adapter)),
        (Some(LE_META), None) => each(Err(CutShort)),
        _ if !whole => each(Err(CutShort)),
        _ => {}
    }
}

/// Why a report is no advert.
enum Damage {
    /// It ends early: nothing after it can be found.
    Cut,
    /// It has a value that does not exist, but its length is known.
    Value,
}

/// Walks the reports of an event. The specification prints them as arrays of fields; controllers and hosts alike put each
/// report's fields together. What was cut off still has good reports before the cut.
fn reports<'a>(
    bytes: &'a [u8],
    announced: usize,
    each: &mut dyn FnMut(Result<&Advert<'_>, MalformedReason>),
    parse: impl Fn(&mut Bytes<'a>) -> Result<Advert<'a>, Damage>,
) {
    let mut event = Bytes(&bytes[..bytes.len().min(announced)]);
    match event.u8() {
        None => return each(Err(CutShort)),
        Some(0) => return each(Err(NoReport)),
        Some(count) => {
            for _ in 0..count {
                match parse(&mut event) {
                    Ok(advert) => each(Ok(&advert)),
                    Err(Damage::Value) => each(Err(InvalidValue)),
                    Err(Damage::Cut) => return each(Err(CutShort)),
                }
            }
        }
    }
    if bytes.len() < announced {
        each(Err(CutShort));
    } else if !event.0.is_empty() || bytes.len() > announced {
        each(Err(TrailingBytes));
    }
}

/// Core 5.4, Vol 4, Part E, 7.7.65.2.
fn legacy<'a>(bytes: &mut Bytes<'a>, adapter: u16) -> Result<Advert<'a>, Damage> {
    let event_type = bytes.u8().ok_or(Damage::Cut)?;
    let (address_type, address) = bytes.address().ok_or(Damage::Cut)?;
    let data = bytes.data().ok_or(Damage::Cut)?;
    let rssi = bytes.i8().ok_or(Damage::Cut)?;
    let pdu = match event_type {
        0 => Pdu::Ind,
        1 => Pdu::DirectInd,
        2 => Pdu::ScanInd,
        3 => Pdu::NonconnInd,
        4 => Pdu::ScanRsp,
        _ => return Err(Damage::Value),
    };
    let address_type = match kind(address_type) {
        Some(kind) if kind != AddressType::Anonymous => kind,
        _ => return Err(Damage::Value),
    };
    Ok(Advert { adapter, address, address_type, pdu, rssi, data })
}

/// Core 5.4, Vol 4, Part E, 7.7.65.13.
fn extended<'a>(bytes: &mut Bytes<'a>, adapter: u16) -> Result<Advert<'a>, Damage> {
    let event_type = bytes.u16().ok_or(Damage::Cut)?;
    let (address_type, address) = bytes.address().ok_or(Damage::Cut)?;
    let [primary_phy, secondary_phy, sid] = bytes.array().ok_or(Damage::Cut)?;
    let tx_power = bytes.i8().ok_or(Damage::Cut)?;
    let rssi = bytes.i8().ok_or(Damage::Cut)?;
    let interval = bytes.u16().ok_or(Damage::Cut)?;
    let _direct_address: [u8; 7] = bytes.array().ok_or(Damage::Cut)?;
    let data = bytes.data().ok_or(Damage::Cut)?;
    let address_type = kind(address_type).ok_or(Damage::Value)?;
    let pdu = match event_type & 0x1F {
        0x13 => Pdu::Ind,
        0x15 => Pdu::DirectInd,
        0x12 => Pdu::ScanInd,
        0x10 => Pdu::NonconnInd,
        0x1A | 0x1B => Pdu::ScanRsp,
        legacy if legacy & 0x10 != 0 => return Err(Damage::Value),
        _ => Pdu::Extended(Extended { event_type, primary_phy, secondary_phy, sid, tx_power, interval }),
    };
    let address = if address_type == AddressType::Anonymous { Address([0; 6]) } else { address };
    Ok(Advert { adapter, address, address_type, pdu, rssi, data })
}

/// An identity address (2, 3) is one that the controller resolved.
fn kind(address_type: u8) -> Option<AddressType> {
    match address_type {
        0x00 | 0x02 => Some(AddressType::Public),
        0x01 | 0x03 => Some(AddressType::Random),
        0xFF => Some(AddressType::Anonymous),
        _ => None,
    }
}

/// Bytes being read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn i8(&mut self) -> Option<i8> {
        self.array().map(i8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Address type and address.
    fn address(&mut self) -> Option<(u8, Address)> {
        Some((self.u8()?, Address::from_le(self.array()?)))
    }

    /// A length and as many bytes.
    fn data(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        let (data, tail) = self.0.split_at_checked(length.into())?;
        self.0 = tail;
        Some(data)
    }
}

#[cfg(test)]
#[path = "reports_tests.rs"]
mod tests;
