//! What a broker may send to a client that subscribes to nothing, read strictly.

use super::properties::{Place, Properties};
use super::reason;

/// Largest packet that we take (MQTT 5: announced as Maximum Packet Size). A broker's texts of 64 kB do not fit, by intent.
pub(crate) const MAX_PACKET_SIZE: usize = 16 * 1024;

/// The protocol level of CONNECT for MQTT 5. 3.1.1 has 4, 3.1 has 3.
pub(crate) const LEVEL_5: u8 = 5;
const LEVEL_311: u8 = 4;

/// An acknowledgement of a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ack {
    /// PUBACK.
    Publish,
    /// PUBREC.
    Received,
    /// PUBCOMP.
    Complete,
}

impl Ack {
    /// The first byte of the packet.
    pub(crate) fn first(self) -> u8 {
        match self {
            Self::Publish => 0x40,
            Self::Received => 0x50,
            Self::Complete => 0x70,
        }
    }

    /// As MQTT names it.
    pub(crate) fn name(self) -> &'static str {
        name(self.first())
    }
}

/// A packet of a broker. PUBLISH is not read but skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// The answer to CONNECT.
    Connack {
        /// Whether the broker knows our session.
        session_present: bool,
        /// Zero if it accepted us.
        code: u8,
        /// Whether it is one of MQTT 3.
        v3: bool,
        /// MQTT 5.
        properties: Properties,
    },
    /// The answer to a message.
    Ack {
        /// Which one.
        ack: Ack,
        /// Of the message.
        id: u16,
        /// 0x80 and above are errors.
        code: u8,
        /// MQTT 5.
        properties: Properties,
    },
    /// The release of a message that the broker sent us.
    Pubrel {
        /// Of the message.
        id: u16,
    },
    /// The answer to PINGREQ.
    Pingresp,
    /// The broker ends the connection (MQTT 5).
    Disconnect {
        /// Why.
        code: u8,
        /// And more.
        properties: Properties,
    },
}

/// The name of a packet with this first byte.
pub(crate) fn name(first: u8) -> &'static str {
    const NAMES: [&str; 16] = [
        "a packet of type 0",
        "CONNECT",
        "CONNACK",
        "PUBLISH",
        "PUBACK",
        "PUBREC",
        "PUBREL",
        "PUBCOMP",
        "SUBSCRIBE",
        "SUBACK",
        "UNSUBSCRIBE",
        "UNSUBACK",
        "PINGREQ",
        "PINGRESP",
        "DISCONNECT",
        "AUTH",
    ];
    NAMES[usize::from(first >> 4)]
}

/// Why bytes are no packet that a broker may send here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A broker never sends this type, at this level, to a client that subscribes to nothing.
    Type,
    /// The flags of the fixed header are not what the type demands.
    Flags,
    /// It is longer than it may be.
    Length,
    /// Its body is not what the type demands.
    Body,
}

/// Whether a packet with this fixed header may come from a broker at this level; asked before its body is taken.
pub(crate) fn check_header(first: u8, length: usize, level: u8) -> Result<(), Wrong> {
    let v5 = level >= LEVEL_5;
    let (flags, longest) = match first >> 4 {
        2 if v5 => (0, MAX_PACKET_SIZE),
        // An older broker answers CONNECT of version 5 in its own form, which is the shorter one.
        2 => (0, 2),
        // What it is about is skipped; only MQTT 5 lets us tell how large it may be.
        3 if first & 0x06 == 0x06 => return Err(Wrong::Flags),
        3 => (first & 0x0F, if v5 { MAX_PACKET_SIZE } else { usize::MAX }),
        4 | 5 | 7 => (0, if v5 { MAX_PACKET_SIZE } else { 2 }),
        6 => (2, if v5 { MAX_PACKET_SIZE } else { 2 }),
        13 => (0, 0),
        14 if v5 => (0, MAX_PACKET_SIZE),
        _ => return Err(Wrong::Type),
    };
    // MQTT 3.1 has flags there that mean nothing.
    if first & 0x0F != flags && level >= LEVEL_311 {
        return Err(Wrong::Flags);
    }
    if length > longest { Err(Wrong::Length) } else { Ok(()) }
}

/// Reads the body of a packet whose header was checked.
pub(crate) fn read(first: u8, body: &[u8], level: u8) -> Result<Packet, Wrong> {
    let v5 = level >= LEVEL_5;
    match first >> 4 {
        2 => connack(body, level),
        4 => ack(Ack::Publish, body, v5),
        5 => ack(Ack::Received, body, v5),
        7 => ack(Ack::Complete, body, v5),
        6 => {
            let (id, _, _) = acknowledged(body, v5)?;
            Ok(Packet::Pubrel { id })
        }
        13 => Ok(Packet::Pingresp),
        14 => {
            let (code, properties) = match body {
                [] => (0, Properties::default()),
                [code] => (*code, Properties::default()),
                [code, rest @ ..] => (*code, properties(rest, Place::Disconnect)?),
            };
            reason::name(code).ok_or(Wrong::Body)?;
            Ok(Packet::Disconnect { code, properties })
        }
        _ => Err(Wrong::Type),
    }
}

fn properties(bytes: &[u8], place: Place) -> Result<Properties, Wrong> {
    Properties::read(bytes, place).map_err(|_| Wrong::Body)
}

fn connack(body: &[u8], level: u8) -> Result<Packet, Wrong> {
    let (flags, code, rest) = match body {
        [flags, code, rest @ ..] => (*flags, *code, rest),
        _ => return Err(Wrong::Body),
    };
    // MQTT 3.1 has a reserved byte there.
    let session_present = match flags {
        0 | 1 => flags == 1 && level >= LEVEL_311,
        _ if level < LEVEL_311 => false,
        _ => return Err(Wrong::Body),
    };
    let v3 = rest.is_empty();
    let properties = if v3 { Properties::default() } else { properties(rest, Place::Connack)? };
    Ok(Packet::Connack { session_present, code, v3, properties })
}

fn acknowledged(body: &[u8], v5: bool) -> Result<(u16, u8, Properties), Wrong> {
    let Some((id, rest)) = body.split_first_chunk::<2>() else { return Err(Wrong::Body) };
    let id = u16::from_be_bytes(*id);
    let (code, properties) = match rest {
        [] => (0, Properties::default()),
        [code] if v5 => (*code, Properties::default()),
        [code, rest @ ..] if v5 => (*code, properties(rest, Place::Acknowledgement)?),
        _ => return Err(Wrong::Body),
    };
    if id == 0 { Err(Wrong::Body) } else { Ok((id, code, properties)) }
}

fn ack(ack: Ack, body: &[u8], v5: bool) -> Result<Packet, Wrong> {
    let (id, code, properties) = acknowledged(body, v5)?;
    let known = match ack {
        Ack::Publish | Ack::Received => {
            matches!(code, 0 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x95 | 0x97 | 0x99 | 0x9A | 0x9B)
        }
        Ack::Complete => matches!(code, 0 | 0x92),
    };
    if known { Ok(Packet::Ack { ack, id, code, properties }) } else { Err(Wrong::Body) }
}

/// Bytes of a PUBLISH packet besides its payload, at most.
pub(crate) fn overhead(topic: usize) -> usize {
    1 + 4 + 2 + topic + 2 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_headers_are_checked_before_their_bodies() {
        for (first, length, level, expected) in [
            (0x20, 2, 4, Ok(())),
            (0x20, 3, 4, Err(Wrong::Length)),
            (0x20, 3, 5, Ok(())),
            (0x21, 2, 4, Err(Wrong::Flags)),
            (0x40, 2, 4, Ok(())),
            (0x40, 3, 4, Err(Wrong::Length)),
            (0x40, MAX_PACKET_SIZE, 5, Ok(())),
            (0x40, MAX_PACKET_SIZE + 1, 5, Err(Wrong::Length)),
            (0x30, 200 << 20, 4, Ok(())),
            (0x30, 200 << 20, 5, Err(Wrong::Length)),
            (0x36, 10, 4, Err(Wrong::Flags)),
            (0x62, 2, 4, Ok(())),
            (0x60, 2, 4, Err(Wrong::Flags)),
            (0x68, 2, 3, Ok(())),
            (0x90, 2, 5, Err(Wrong::Type)),
            (0xB0, 2, 5, Err(Wrong::Type)),
            (0xD0, 0, 4, Ok(())),
            (0xD0, 1, 4, Err(Wrong::Length)),
            (0xE0, 0, 4, Err(Wrong::Type)),
            (0xE0, 2, 5, Ok(())),
            (0xF0, 0, 5, Err(Wrong::Type)),
            (0x10, 0, 5, Err(Wrong::Type)),
            (0x00, 0, 5, Err(Wrong::Type)),
        ] {
            assert_eq!(check_header(first, length, level), expected, "{first:#x} {length} {level}");
        }
    }

    #[test]
    fn packet_bodies_are_read_strictly() {
        for (first, body, level) in [
            (0x20, &[0][..], 4),
            (0x20, &[2, 0], 4),
            (0x20, &[0, 0, 1], 5),
            (0x40, &[0], 4),
            (0x40, &[0, 0], 4),
            (0x40, &[0, 1, 0xFF], 5),
            (0x40, &[0, 1, 0x92], 5),
            (0x70, &[0, 1, 0x87], 5),
            (0x40, &[0, 1, 0, 5], 5),
            (0xE0, &[0x42], 5),
            (0xE0, &[0, 1], 5),
        ] {
            assert_eq!(read(first, body, level), Err(Wrong::Body), "{first:#x} {body:x?} {level}");
        }
        let read = |first, body: &[u8], level| read(first, body, level).expect("right");
        let none = Properties::default();
        let accepted =
            |session_present, v3| Packet::Connack { session_present, code: 0, v3, properties: Properties::default() };
        assert_eq!(read(0x20, &[1, 0], 4), accepted(true, true));
        assert_eq!(read(0x20, &[1, 0, 0], 5), accepted(true, false));
        // Reserved.
        assert_eq!(read(0x20, &[7, 0], 3), accepted(false, true));
        let ack = |code| Packet::Ack { ack: Ack::Publish, id: 258, code, properties: Properties::default() };
        assert_eq!(read(0x40, &[1, 2], 4), ack(0));
        assert_eq!(read(0x40, &[1, 2, 0x87], 5), ack(0x87));
        assert_eq!(read(0x40, &[1, 2, 0x10, 0], 5), ack(0x10));
        assert_eq!(read(0xE0, &[], 5), Packet::Disconnect { code: 0, properties: none });
        assert_eq!(read(0x62, &[0, 9], 4), Packet::Pubrel { id: 9 });
    }
}
