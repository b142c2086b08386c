//! The few HCI packet shapes that a controller sends.
//!
//! Bluetooth Core Specification, Vol 4 Part E. Events here start at the event
//! code; `EVENT` is the H4 packet type before it.

/// H4 packet type: command (host to controller).
pub const COMMAND: u8 = 0x01;
/// H4 packet type: ACL data (either way).
pub const ACL_DATA: u8 = 0x02;
/// H4 packet type: event (controller to host).
pub const EVENT: u8 = 0x04;

/// LE Meta event.
pub const LE_META: u8 = 0x3E;
/// LE Meta subevent: LE Advertising Report.
pub const LE_ADVERTISING_REPORT: u8 = 0x02;
/// LE Meta subevent: LE Extended Advertising Report.
pub const LE_EXTENDED_ADVERTISING_REPORT: u8 = 0x0D;

/// Status: success.
pub const SUCCESS: u8 = 0x00;
/// Status: unknown HCI command.
pub const UNKNOWN_COMMAND: u8 = 0x01;
/// Status: command disallowed.
pub const COMMAND_DISALLOWED: u8 = 0x0C;

/// A command from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// OGF and OCF together.
    pub opcode: u16,
    /// What follows the length byte.
    pub parameters: Vec<u8>,
}

impl Command {
    /// Reads one H4 packet; `None` when it is no whole command.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let [COMMAND, low, high, length, parameters @ ..] = packet else {
            return None;
        };
        Some(Self {
            opcode: u16::from_le_bytes([*low, *high]),
            parameters: parameters.get(..usize::from(*length))?.to_vec(),
        })
    }
}

/// An event packet with its H4 type.
///
/// # Panics
/// When the parameters do not fit an event: a mistake of the caller's.
#[must_use]
pub fn event(code: u8, parameters: &[u8]) -> Vec<u8> {
    let length = u8::try_from(parameters.len()).expect("event parameters fit 255 bytes");
    let mut packet = vec![EVENT, code, length];
    packet.extend_from_slice(parameters);
    packet
}

/// Command Complete with its return parameters (status first).
#[must_use]
pub fn command_complete(opcode: u16, returned: &[u8]) -> Vec<u8> {
    let mut parameters = vec![1];
    parameters.extend_from_slice(&opcode.to_le_bytes());
    parameters.extend_from_slice(returned);
    event(0x0E, &parameters)
}

/// Command Status.
#[must_use]
pub fn command_status(opcode: u16, status: u8) -> Vec<u8> {
    let [low, high] = opcode.to_le_bytes();
    event(0x0F, &[status, 1, low, high])
}

/// Hardware Error.
#[must_use]
pub fn hardware_error(code: u8) -> Vec<u8> {
    event(0x10, &[code])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_command() {
        assert_eq!(Command::parse(&[1, 0x0C, 0x20, 2, 1, 0]), Some(Command { opcode: 0x200C, parameters: vec![1, 0] }));
        assert_eq!(Command::parse(&[1, 0x0C, 0x20, 2, 1]), None);
        assert_eq!(Command::parse(&[2, 0x0C, 0x20, 0]), None);
    }

    #[test]
    fn builds_events() {
        assert_eq!(command_complete(0x0C03, &[0]), [4, 0x0E, 4, 1, 0x03, 0x0C, 0]);
        assert_eq!(command_status(0x200D, 0x0C), [4, 0x0F, 4, 0x0C, 1, 0x0D, 0x20]);
        assert_eq!(hardware_error(0x42), [4, 0x10, 1, 0x42]);
    }
}
