//! One advertisement as the controller reported it, and the walk over its AD structures.

use std::fmt;

/// A Bluetooth device address, most significant byte first (as it is printed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub [u8; 6]);

impl Address {
    /// From the little-endian order of HCI.
    pub fn from_le(mut bytes: [u8; 6]) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// From `CC:1B:E0:E0:E6:D0`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

/// Kind of the advertiser's address (Core 5.4, Vol 4, Part E, 7.7.65.2 and .13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressType {
    /// Public device or identity address.
    Public,
    /// Random device or identity address.
    Random,
    /// An extended advert without an address (0xFF).
    Anonymous,
}

/// The advertising PDU behind a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pdu {
    /// ADV_IND, connectable and scannable.
    Ind,
    /// ADV_DIRECT_IND.
    DirectInd,
    /// ADV_SCAN_IND.
    ScanInd,
    /// ADV_NONCONN_IND.
    NonconnInd,
    /// SCAN_RSP.
    ScanRsp,
    /// Any extended advertising PDU.
    Extended(Extended),
}

/// What only an extended report tells (Core 5.4, Vol 4, Part E, 7.7.65.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extended {
    /// The report's Event_Type bits.
    pub event_type: u16,
    /// Primary_PHY: 1 = LE 1M, 3 = LE Coded.
    pub primary_phy: u8,
    /// Secondary_PHY: 0 = none, 1 = LE 1M, 2 = LE 2M, 3 = LE Coded.
    pub secondary_phy: u8,
    /// Advertising_SID; 0xFF = none.
    pub sid: u8,
    /// TX_Power in dBm; 127 = unknown.
    pub tx_power: i8,
    /// Periodic_Advertising_Interval in 1.25 ms; 0 = none.
    pub interval: u16,
}

impl Extended {
    /// Whether it answers a scan request.
    pub fn is_scan_response(&self) -> bool {
        self.event_type & 0x0008 != 0
    }

    /// Whether the data is whole: bits 5 and 6 of the event type.
    pub fn data_status(&self) -> DataStatus {
        match self.event_type >> 5 & 3 {
            0 => DataStatus::Complete,
            1 => DataStatus::Incomplete,
            _ => DataStatus::Truncated,
        }
    }

    /// The same with another data status.
    pub fn with_data_status(self, status: DataStatus) -> Self {
        Self { event_type: self.event_type & !0x0060 | (status as u16) << 5, ..self }
    }
}

/// Whether the data of an extended report is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataStatus {
    /// It is, or this is its last piece.
    Complete = 0,
    /// More is to come.
    Incomplete = 1,
    /// The rest is lost.
    Truncated = 2,
}

/// One advertisement, borrowed from the packet that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advert<'a> {
    /// Index of the adapter that heard it (the 0 of hci0).
    pub adapter: u16,
    /// Who sent it.
    pub address: Address,
    /// Kind of that address.
    pub address_type: AddressType,
    /// Kind of PDU.
    pub pdu: Pdu,
    /// Signal strength in dBm; 127 = not available.
    pub rssi: i8,
    /// The advertising data as heard, well-formed or not.
    pub data: &'a [u8],
}

impl Advert<'_> {
    /// The local name in this very packet (AD type 0x09, else 0x08): up to the first NUL, as BlueZ and phones read it. One that
    /// is empty is none.
    pub fn name(&self) -> Option<&[u8]> {
        let mut short = None;
        for (kind, value) in ad_structures(self.data) {
            let name = value.split(|byte| *byte == 0).next().unwrap_or_default();
            match kind {
                0x08 | 0x09 if name.is_empty() => {}
                0x09 => return Some(name),
                0x08 if short.is_none() => short = Some(name),
                _ => {}
            }
        }
        short
    }
}

/// The AD structures (type, value) of advertising data (Core 5.4, Vol 3, Part C, 11). Stops at the first one that does not
/// fit, or at a length of zero (early termination).
pub fn ad_structures(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (&length, tail) = rest.split_first()?;
        let structure = tail.get(..usize::from(length))?;
        let (&kind, value) = structure.split_first()?;
        rest = &tail[usize::from(length)..];
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advert(data: &[u8]) -> Advert<'_> {
        Advert {
            adapter: 0,
            address: Address([1, 2, 3, 4, 5, 6]),
            address_type: AddressType::Public,
            pdu: Pdu::Ind,
            rssi: -40,
            data,
        }
    }

    #[test]
    fn names_end_at_the_first_nul_and_an_empty_one_is_none() {
        assert_eq!(advert(b"\x08\x09abc\0\0\0\0").name(), Some(&b"abc"[..]));
        assert_eq!(advert(b"\x06\x08ab\0cd").name(), Some(&b"ab"[..]));
        for nothing in [&b"\x02\x09\0"[..], b"\x01\x09", b"\x04\x09\0ab", b"\x02\x08\0"] {
            assert_eq!(advert(nothing).name(), None, "{nothing:?}");
        }
        // A complete name without a character does not hide a short one.
        assert_eq!(advert(b"\x03\x08ab\x01\x09").name(), Some(&b"ab"[..]));
        assert_eq!(advert(b"\x02\x09\0\x03\x08ab").name(), Some(&b"ab"[..]));
    }

    #[test]
    fn local_name_is_the_complete_one_before_the_short_one() {
        let data = b"\x02\x01\x06\x03\x08ab\x04\x09abc";
        assert_eq!(advert(data).name(), Some(&b"abc"[..]));
        assert_eq!(advert(&data[..7]).name(), Some(&b"ab"[..]));
    }

    #[test]
    fn local_name_ends_at_its_first_nul_and_is_not_empty() {
        assert_eq!(advert(b"\x0E\x09HMSoft\0\0\0\0\0\0\0").name(), Some(&b"HMSoft"[..]));
        assert_eq!(advert(b"\x04\x09a\0b").name(), Some(&b"a"[..]));
        for none in [&b"\x02\x09\0"[..], b"\x01\x09", b"\x03\x08\0a", b"\x01\x08\x01\x09", b"\x02\x01\x06"] {
            assert_eq!(advert(none).name(), None, "{none:?}");
        }
        for short in
            [&b"\x03\x08ab\x01\x09"[..], b"\x01\x09\x03\x08ab", b"\x02\x09\0\x04\x08ab\0", b"\x01\x08\x03\x08ab"]
        {
            assert_eq!(advert(short).name(), Some(&b"ab"[..]), "an empty name hides no other: {short:?}");
        }
    }

    #[test]
    fn ad_walk_ends_at_damage_and_never_fails() {
        assert_eq!(ad_structures(b"\x02\x01\x06\x00\x03\x09ab").count(), 1);
        assert_eq!(ad_structures(b"\x02\x01\x06\xFF\x09ab").count(), 1);
        assert_eq!(ad_structures(b"\x05").count(), 0);
        assert_eq!(ad_structures(b"").count(), 0);
    }

    #[test]
    fn addresses_parse_and_print() {
        let address = Address::parse("cc:1B:e0:E0:e6:d0");
        assert_eq!(address.map(|a| a.to_string()).as_deref(), Some("CC:1B:E0:E0:E6:D0"));
        for bad in
            ["", "CC:1B:E0:E0:E6", "CC:1B:E0:E0:E6:D0:00", "CC1BE0E0E6D0", "+C:1B:E0:E0:E6:D0", "CC:1B:E0:E0:E6:G0"]
        {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
    }
}
