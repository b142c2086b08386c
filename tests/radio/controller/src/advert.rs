//! A described advertisement and its two report forms.

use serde::{Deserialize, Serialize};

use crate::{Address, hex};

/// The address type of a report, as the host's form spells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressType {
    /// Public device address.
    #[default]
    Public,
    /// Random device address.
    Random,
    /// Public identity, resolved by the controller.
    PublicIdentity,
    /// Random identity, resolved by the controller.
    RandomIdentity,
    /// An extended advertisement without address.
    Anonymous,
}

impl AddressType {
    fn to_hci(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Random => 1,
            Self::PublicIdentity => 2,
            Self::RandomIdentity => 3,
            Self::Anonymous => 0xFF,
        }
    }
}

/// How `evt` of an [`Advert`] is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pdu {
    /// `evt` is 0 (ADV_IND) to 4 (SCAN_RSP).
    #[default]
    Legacy,
    /// `evt` is the 16 bit event type; with bit 4 it is a legacy PDU after all.
    #[serde(alias = "ext")]
    Extended,
}

/// The addressee of a directed advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Direct {
    /// Address.
    pub addr: Address,
    /// Its type.
    #[serde(default)]
    pub addr_type: AddressType,
}

/// One advertisement as heard. Field names are those of `adverts.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Advert {
    /// Sender.
    pub addr: Address,
    /// Sender's address type.
    #[serde(default)]
    pub addr_type: AddressType,
    /// How `evt` is meant.
    #[serde(default)]
    pub hci: Pdu,
    /// Event type.
    #[serde(default)]
    pub evt: u16,
    /// AD bytes, well-formed or not.
    #[serde(default, with = "hex")]
    pub data: Vec<u8>,
    /// dBm; 127 is "not available".
    #[serde(default = "default_rssi")]
    pub rssi: i8,
    /// Primary PHY: 1 1M, 3 coded.
    #[serde(default = "default_phy")]
    pub pphy: u8,
    /// Secondary PHY: 0 none, 1 1M, 2 2M, 3 coded.
    #[serde(default)]
    pub sphy: u8,
    /// Advertising set; 255 is none.
    #[serde(default = "default_sid")]
    pub sid: u8,
    /// Transmit power in dBm; 127 is "not available".
    #[serde(default = "default_power")]
    pub txp: i8,
    /// Periodic advertising interval; 0 is none.
    #[serde(default)]
    pub interval: u16,
    /// Addressee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Direct>,
    /// Cut an extended advertisement into reports of at most this many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<u8>,
    /// The last report says that the rest was lost.
    #[serde(default)]
    pub truncated: bool,
}

fn default_rssi() -> i8 {
    -60
}
fn default_phy() -> u8 {
    1
}
fn default_sid() -> u8 {
    0xFF
}
fn default_power() -> i8 {
    127
}

/// Legacy PDUs in an extended report: the event type for each legacy one.
const LEGACY_IN_EXTENDED: [(u8, u16); 6] = [(0, 0x13), (1, 0x15), (2, 0x12), (3, 0x10), (4, 0x1B), (4, 0x1A)];
/// What fits an extended report with an event of its own.
pub const MAX_FRAGMENT: u8 = 229;
/// Data status "incomplete, more to come" and "incomplete, truncated".
const MORE_TO_COME: u16 = 1 << 5;
const TRUNCATED: u16 = 2 << 5;

impl Advert {
    /// An undirected, connectable legacy advertisement from a random address.
    #[must_use]
    pub fn new(addr: Address, data: &[u8]) -> Self {
        Self {
            addr,
            addr_type: AddressType::Random,
            hci: Pdu::Legacy,
            evt: 0,
            data: data.to_vec(),
            rssi: default_rssi(),
            pphy: default_phy(),
            sphy: 0,
            sid: default_sid(),
            txp: default_power(),
            interval: 0,
            direct: None,
            fragment: None,
            truncated: false,
        }
    }

    /// The legacy event type; `None` for what only extended scanning hears.
    #[must_use]
    pub fn legacy_type(&self) -> Option<u8> {
        match self.hci {
            Pdu::Legacy => u8::try_from(self.evt).ok(),
            Pdu::Extended => {
                LEGACY_IN_EXTENDED.iter().find(|(_, extended)| *extended == self.evt).map(|(legacy, _)| *legacy)
            }
        }
    }

    /// The event type of an extended report.
    #[must_use]
    pub fn extended_type(&self) -> u16 {
        match self.hci {
            Pdu::Extended => self.evt,
            Pdu::Legacy => LEGACY_IN_EXTENDED
                .iter()
                .find(|(legacy, _)| u16::from(*legacy) == self.evt)
                .map_or(self.evt | 0x10, |(_, extended)| *extended),
        }
    }

    /// Whether this answers a scan request, which only an active scanner sends.
    #[must_use]
    pub fn is_scan_response(&self) -> bool {
        self.extended_type() & 0x08 != 0
    }

    /// The report for a host that scans with legacy commands.
    #[must_use]
    pub fn legacy_report(&self) -> Option<Vec<u8>> {
        let mut report = vec![self.legacy_type()?, self.addr_type.to_hci()];
        report.extend_from_slice(&self.addr.to_hci());
        report.push(u8::try_from(self.data.len()).ok()?);
        report.extend_from_slice(&self.data);
        report.extend_from_slice(&self.rssi.to_le_bytes());
        Some(report)
    }

    /// The report, or the chain of reports, for one that uses extended commands.
    #[must_use]
    pub fn extended_reports(&self) -> Vec<Vec<u8>> {
        let size = self.fragment.unwrap_or(MAX_FRAGMENT).clamp(1, MAX_FRAGMENT);
        let mut pieces: Vec<&[u8]> = self.data.chunks(usize::from(size)).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let last = pieces.len() - 1;
        let status = |n| match n {
            n if n < last => MORE_TO_COME,
            _ if self.truncated => TRUNCATED,
            _ => 0,
        };
        let piece = |(n, data)| self.extended_report(self.extended_type() | status(n), data);
        pieces.into_iter().enumerate().map(piece).collect()
    }

    fn extended_report(&self, event_type: u16, data: &[u8]) -> Vec<u8> {
        let mut report = event_type.to_le_bytes().to_vec();
        report.push(self.addr_type.to_hci());
        report.extend_from_slice(&self.addr.to_hci());
        report.extend_from_slice(&[self.pphy, self.sphy, self.sid]);
        report.extend_from_slice(&self.txp.to_le_bytes());
        report.extend_from_slice(&self.rssi.to_le_bytes());
        report.extend_from_slice(&self.interval.to_le_bytes());
        let direct = self.direct.map_or([0; 7], |direct| {
            let mut bytes = [0; 7];
            bytes[0] = direct.addr_type.to_hci();
            bytes[1..].copy_from_slice(&direct.addr.to_hci());
            bytes
        });
        report.extend_from_slice(&direct);
        report.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
        report.extend_from_slice(data);
        report
    }
}
