//! iBeacon and Eddystone frames in advertising data. Pure: bytes in, fields out.
//!
//! After the published formats: Apple's "Proximity Beacon Specification" and Google's "Eddystone Protocol Specification"
//! (UID, URL, TLM, EID). Bytes behind a frame are ignored: some vendors put the state of the battery there.

use crate::model::ad_structures;

/// What a beacon says. Powers are in dBm as they stand there: at 1 m for iBeacon, at 0 m for Eddystone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Beacon<'a> {
    /// Apple's iBeacon.
    IBeacon {
        /// Proximity UUID, most significant byte first.
        uuid: &'a [u8; 16],
        /// Group.
        major: u16,
        /// Member of the group.
        minor: u16,
        /// Measured power.
        tx_power: i8,
    },
    /// Eddystone-UID.
    Uid {
        /// Calibrated power.
        tx_power: i8,
        /// Whose beacon.
        namespace: &'a [u8; 10],
        /// Which one.
        instance: &'a [u8; 6],
    },
    /// Eddystone-URL.
    Url {
        /// Calibrated power.
        tx_power: i8,
        /// Known to hold nothing but what [`Url`] can write.
        url: Url<'a>,
    },
    /// Eddystone-TLM, not encrypted.
    Tlm(Telemetry),
    /// Eddystone-TLM of version 1: only who holds its key can read it.
    EncryptedTlm,
    /// Eddystone-EID.
    Eid {
        /// Calibrated power.
        tx_power: i8,
        /// Ephemeral identifier.
        eid: &'a [u8; 8],
    },
}

/// Eddystone-TLM of version 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Telemetry {
    /// Battery in mV; `None` if the beacon does not measure it.
    pub battery: Option<u16>,
    /// Temperature in 1/256 degrees Celsius; `None` if the beacon does not measure it.
    pub temperature: Option<i16>,
    /// Frames since power-up.
    pub frames: u32,
    /// Tenths of a second since power-up.
    pub uptime: u32,
}

/// A compressed URL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Url<'a> {
    scheme: &'static str,
    encoded: &'a [u8],
}

const SCHEMES: [&str; 4] = ["http://www.", "https://www.", "http://", "https://"];
const ENDINGS: [&str; 14] = [
    ".com/", ".org/", ".edu/", ".net/", ".info/", ".biz/", ".gov/", ".com", ".org", ".edu", ".net", ".info", ".biz",
    ".gov",
];

impl<'a> Url<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&scheme, encoded) = bytes.split_first()?;
        let scheme = SCHEMES.get(usize::from(scheme))?;
        // 14-32 and 127-255 are reserved.
        encoded.iter().all(|byte| matches!(byte, 0..=13 | 33..=126)).then_some(Self { scheme, encoded })
    }

    /// The URL piece by piece, ASCII.
    pub fn pieces(self) -> impl Iterator<Item = &'a [u8]> {
        let piece = |byte: &'a u8| match ENDINGS.get(usize::from(*byte)) {
            Some(ending) => ending.as_bytes(),
            None => std::slice::from_ref(byte),
        };
        std::iter::once(self.scheme.as_bytes()).chain(self.encoded.iter().map(piece))
    }
}

/// The first beacon frame in advertising data, if there is one.
pub fn decode(data: &[u8]) -> Option<Beacon<'_>> {
    ad_structures(data).find_map(|(kind, value)| match kind {
        0xFF => ibeacon(value.strip_prefix(&[0x4C, 0x00, 0x02, 0x15])?),
        0x16 => eddystone(value.strip_prefix(&[0xAA, 0xFE])?),
        _ => None,
    })
}

fn ibeacon(bytes: &[u8]) -> Option<Beacon<'_>> {
    let (uuid, rest) = bytes.split_first_chunk()?;
    let [major0, major1, minor0, minor1, power] = *rest.first_chunk::<5>()?;
    let (major, minor) = (u16::from_be_bytes([major0, major1]), u16::from_be_bytes([minor0, minor1]));
    Some(Beacon::IBeacon { uuid, major, minor, tx_power: power.cast_signed() })
}

fn eddystone(frame: &[u8]) -> Option<Beacon<'_>> {
    let (&kind, body) = frame.split_first()?;
    if kind == 0x20 {
        return tlm(body);
    }
    let (power, rest) = body.split_first()?;
    let tx_power = power.cast_signed();
    match kind {
        0x00 => {
            let (namespace, rest) = rest.split_first_chunk()?;
            // Two reserved bytes follow, which many beacons leave out.
            Some(Beacon::Uid { tx_power, namespace, instance: rest.first_chunk()? })
        }
        0x10 => Some(Beacon::Url { tx_power, url: Url::parse(rest)? }),
        0x30 => Some(Beacon::Eid { tx_power, eid: rest.first_chunk()? }),
        _ => None,
    }
}

fn tlm(body: &[u8]) -> Option<Beacon<'_>> {
    match body.split_first()? {
        (0, rest) => {
            let [b0, b1, t0, t1, f0, f1, f2, f3, u0, u1, u2, u3] = *rest.first_chunk()?;
            let (battery, temperature) = (u16::from_be_bytes([b0, b1]), i16::from_be_bytes([t0, t1]));
            Some(Beacon::Tlm(Telemetry {
                battery: (battery != 0).then_some(battery),
                temperature: (temperature != i16::MIN).then_some(temperature),
                frames: u32::from_be_bytes([f0, f1, f2, f3]),
                uptime: u32::from_be_bytes([u0, u1, u2, u3]),
            }))
        }
        (1, rest) => (rest.len() >= 16).then_some(Beacon::EncryptedTlm),
        _ => None,
    }
}

#[cfg(test)]
#[path = "beacon_tests.rs"]
mod tests;
