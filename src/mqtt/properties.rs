//! The properties of MQTT 5 (section 2.2.2) that a broker may send with CONNACK, its acknowledgements and DISCONNECT.

use crate::printable::printable;

/// Longest text of a broker that is shown to people.
const MAX_SHOWN: usize = 200;

/// In which packet they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// CONNACK.
    Connack,
    /// PUBACK, PUBREC, PUBCOMP.
    Acknowledgement,
    /// DISCONNECT.
    Disconnect,
}

/// What of them is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    /// Messages of QoS 1 and 2 that may be on their way.
    pub(crate) receive_maximum: Option<u16>,
    /// Highest QoS of a message; all if none is told.
    pub(crate) maximum_qos: Option<u8>,
    /// Whether messages may be retained; they may if it is not told.
    pub(crate) retain_available: Option<bool>,
    /// Largest packet that the broker takes.
    pub(crate) maximum_packet_size: Option<u32>,
    /// The keep alive that holds, in seconds.
    pub(crate) server_keep_alive: Option<u16>,
    /// What the broker has to say, safe to show.
    pub(crate) reason_string: Option<String>,
    /// Another broker, safe to show.
    pub(crate) server_reference: Option<String>,
}

/// A property that may not be there, comes twice, has a wrong value or is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadProperties;

impl Properties {
    /// Reads the length of properties and the properties, which must be all that is left.
    pub(crate) fn read(bytes: &[u8], place: Place) -> Result<Self, BadProperties> {
        let (length, mut rest) = variable(bytes)?;
        if length != rest.len() {
            return Err(BadProperties);
        }
        let (mut properties, mut seen) = (Self::default(), 0u64);
        while !rest.is_empty() {
            let (id, after) = variable(rest)?;
            rest = after;
            if !allowed(id, place) {
                return Err(BadProperties);
            }
            // Each may come once, but for User Property.
            if id != USER_PROPERTY && seen & 1 << id != 0 {
                return Err(BadProperties);
            }
            seen |= 1 << id;
            properties.take(id, &mut rest)?;
        }
        Ok(properties)
    }

    fn take(&mut self, id: usize, rest: &mut &[u8]) -> Result<(), BadProperties> {
        let not_zero = |value: u16| if value == 0 { Err(BadProperties) } else { Ok(value) };
        let flag = |value: u8| if value > 1 { Err(BadProperties) } else { Ok(value) };
        match id {
            RECEIVE_MAXIMUM => self.receive_maximum = Some(not_zero(two(rest)?)?),
            MAXIMUM_QOS => self.maximum_qos = Some(flag(one(rest)?)?),
            RETAIN_AVAILABLE => self.retain_available = Some(flag(one(rest)?)? == 1),
            MAXIMUM_PACKET_SIZE => {
                self.maximum_packet_size = Some(four(rest)?).filter(|size| *size > 0);
                self.maximum_packet_size.ok_or(BadProperties)?;
            }
            SERVER_KEEP_ALIVE => self.server_keep_alive = Some(two(rest)?),
            REASON_STRING => self.reason_string = Some(shown(text(rest)?)),
            SERVER_REFERENCE => self.server_reference = Some(shown(text(rest)?)),
            USER_PROPERTY => {
                text(rest)?;
                text(rest)?;
            }
            SESSION_EXPIRY => drop(four(rest)?),
            TOPIC_ALIAS_MAXIMUM => drop(two(rest)?),
            WILDCARDS | SUBSCRIPTION_IDS | SHARED_SUBSCRIPTIONS => drop(flag(one(rest)?)?),
            ASSIGNED_CLIENT_ID | RESPONSE_INFORMATION | AUTHENTICATION_METHOD => drop(text(rest)?),
            AUTHENTICATION_DATA => drop(binary(rest)?),
            _ => return Err(BadProperties),
        }
        Ok(())
    }
}

const SESSION_EXPIRY: usize = 0x11;
const ASSIGNED_CLIENT_ID: usize = 0x12;
const SERVER_KEEP_ALIVE: usize = 0x13;
const AUTHENTICATION_METHOD: usize = 0x15;
const AUTHENTICATION_DATA: usize = 0x16;
const RESPONSE_INFORMATION: usize = 0x1A;
const SERVER_REFERENCE: usize = 0x1C;
const REASON_STRING: usize = 0x1F;
const RECEIVE_MAXIMUM: usize = 0x21;
const TOPIC_ALIAS_MAXIMUM: usize = 0x22;
const MAXIMUM_QOS: usize = 0x24;
const RETAIN_AVAILABLE: usize = 0x25;
const USER_PROPERTY: usize = 0x26;
const MAXIMUM_PACKET_SIZE: usize = 0x27;
const WILDCARDS: usize = 0x28;
const SUBSCRIPTION_IDS: usize = 0x29;
const SHARED_SUBSCRIPTIONS: usize = 0x2A;

fn allowed(id: usize, place: Place) -> bool {
    match id {
        REASON_STRING | USER_PROPERTY => true,
        SERVER_REFERENCE => place != Place::Acknowledgement,
        SESSION_EXPIRY
        | ASSIGNED_CLIENT_ID
        | SERVER_KEEP_ALIVE
        | AUTHENTICATION_METHOD
        | AUTHENTICATION_DATA
        | RESPONSE_INFORMATION
        | RECEIVE_MAXIMUM
        | TOPIC_ALIAS_MAXIMUM
        | MAXIMUM_QOS
        | RETAIN_AVAILABLE
        | MAXIMUM_PACKET_SIZE
        | WILDCARDS
        | SUBSCRIPTION_IDS
        | SHARED_SUBSCRIPTIONS => place == Place::Connack,
        _ => false,
    }
}

/// A variable byte integer and what follows it.
fn variable(bytes: &[u8]) -> Result<(usize, &[u8]), BadProperties> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(BadProperties)
}

fn bytes<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], BadProperties> {
    let (bytes, after) = rest.split_first_chunk::<N>().ok_or(BadProperties)?;
    *rest = after;
    Ok(*bytes)
}

fn one(rest: &mut &[u8]) -> Result<u8, BadProperties> {
    bytes::<1>(rest).map(|[byte]| byte)
}

fn two(rest: &mut &[u8]) -> Result<u16, BadProperties> {
    bytes(rest).map(u16::from_be_bytes)
}

fn four(rest: &mut &[u8]) -> Result<u32, BadProperties> {
    bytes(rest).map(u32::from_be_bytes)
}

fn binary<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], BadProperties> {
    let length = usize::from(two(rest)?);
    let (binary, after) = rest.split_at_checked(length).ok_or(BadProperties)?;
    *rest = after;
    Ok(binary)
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, BadProperties> {
    let text = std::str::from_utf8(binary(rest)?).map_err(|_| BadProperties)?;
    if text.contains('\0') { Err(BadProperties) } else { Ok(text) }
}

/// A text of the broker as it may be put before people: one line, no control characters, not long.
fn shown(text: &str) -> String {
    printable(&text.chars().take(MAX_SHOWN).collect::<String>()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(properties: &[u8], place: Place) -> Result<Properties, BadProperties> {
        let length = u8::try_from(properties.len()).expect("short");
        Properties::read(&[&[length], properties].concat(), place)
    }

    #[test]
    fn properties_of_connack_are_read() {
        let bytes = [
            &[0x21, 0, 5, 0x24, 1, 0x25, 0, 0x27, 0, 0, 4, 0, 0x13, 0, 30, 0x22, 0, 9, 0x11, 0, 0, 0, 1][..],
            b"\x1f\x00\x05so\x1b[x\x1c\x00\x06b:1883\x26\x00\x01a\x00\x01b\x26\x00\x01a\x00\x01b",
        ];
        let found = read(&bytes.concat(), Place::Connack).expect("right");
        let expected = Properties {
            receive_maximum: Some(5),
            maximum_qos: Some(1),
            retain_available: Some(false),
            maximum_packet_size: Some(1024),
            server_keep_alive: Some(30),
            reason_string: Some("so\u{fffd}[x".into()),
            server_reference: Some("b:1883".into()),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn properties_that_mqtt_does_not_allow_are_refused() {
        for (bytes, place) in [
            (&[0x21, 0, 0][..], Place::Connack),
            (&[0x21, 0, 5], Place::Acknowledgement),
            (&[0x21, 0, 5, 0x21, 0, 5], Place::Connack),
            (&[0x24, 2], Place::Connack),
            (&[0x27, 0, 0, 0, 0], Place::Connack),
            (&[0x1F, 0, 9, b'a'], Place::Disconnect),
            (&[0x1F, 0, 1, 0xFF], Place::Disconnect),
            (&[0x1F, 0, 1, 0], Place::Disconnect),
            (&[0x01, 0], Place::Connack),
            (&[0x80, 0x80], Place::Connack),
        ] {
            assert_eq!(read(bytes, place), Err(BadProperties), "{bytes:x?} {place:?}");
        }
        assert_eq!(Properties::read(&[], Place::Connack), Err(BadProperties));
        assert_eq!(Properties::read(&[0, 0], Place::Connack), Err(BadProperties), "something is left");
    }

    proptest! {
        #[test]
        fn properties_of_any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for place in [Place::Connack, Place::Acknowledgement, Place::Disconnect] {
                if let Ok(properties) = Properties::read(&bytes, place) {
                    prop_assert!(properties.reason_string.is_none_or(|text| !text.contains(char::is_control)));
                }
            }
        }
    }
}
