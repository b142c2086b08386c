//! What an LE-only controller says about itself, and its stock answers.

use crate::hci::{Command, SUCCESS, UNKNOWN_COMMAND, command_complete, command_status};
use crate::{Address, connection, scan};

/// What the controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Public address.
    pub address: Address,
    /// Bluetooth 4.2 without extended advertising, like older dongles.
    pub legacy: bool,
}

/// Bluetooth 5.2 and 4.2 as version numbers.
const VERSION_5_2: u8 = 0x0B;
const VERSION_4_2: u8 = 0x08;
/// The Linux Foundation's company number, for a virtual controller.
const MANUFACTURER: [u8; 2] = [0xF1, 0x05];

/// The answer to a command, and whether the command was known.
#[must_use]
pub fn answer(identity: Identity, command: &Command) -> (Vec<u8>, bool) {
    let opcode = command.opcode;
    let complete = |returned: &[u8]| {
        let mut parameters = vec![SUCCESS];
        parameters.extend_from_slice(returned);
        (command_complete(opcode, &parameters), true)
    };
    let unknown = || (command_complete(opcode, &[UNKNOWN_COMMAND]), false);
    match opcode {
        // Read Local Version Information
        0x1001 => {
            let v = version(identity);
            complete(&[v, 0, 0, v, MANUFACTURER[0], MANUFACTURER[1], 0, 0])
        }
        0x1002 => complete(&supported_commands(identity)),
        // Read Local Supported Features: LE supported, BR/EDR not
        0x1003 => complete(&[0, 0, 0, 0, 0x60, 0, 0, 0]),
        0x1009 => complete(&identity.address.to_hci()),
        // LE Read Buffer Size: 27 bytes, 8 packets
        0x2002 => complete(&[27, 0, 8]),
        0x2003 => complete(&le_features(identity)),
        // LE Read Advertising Channel TX Power
        0x2007 => complete(&[0]),
        _ if connection::is_about(opcode) => (command_status(opcode, SUCCESS), true),
        // LE Read Filter Accept List Size
        0x200F => complete(&[16]),
        // LE Rand
        0x2018 => complete(&[0x5A; 8]),
        // LE Read Supported States
        0x201C => complete(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x03, 0, 0]),
        // LE Read Resolving List Size
        0x202A => complete(&[0]),
        _ if needs_extended(opcode) && identity.legacy => unknown(),
        // LE Read Maximum Advertising Data Length, Number of Advertising Sets
        0x203A => complete(&[0xFA, 0x00]),
        0x203B => complete(&[4]),
        // LE Set Extended Advertising Parameters: selected TX power
        0x2036 => complete(&[0]),
        _ if is_plain(opcode) => complete(&[]),
        _ => unknown(),
    }
}

/// Commands that are answered with a status alone.
fn is_plain(opcode: u16) -> bool {
    matches!(
        opcode,
        // Set Event Mask, Reset, Set Event Mask Page 2, Write LE Host Supported
        0x0C01 | 0x0C03 | 0x0C63 | 0x0C6D
        // LE Set Event Mask, Random Address, advertising
        | 0x2001 | 0x2005 | 0x2006 | 0x2008 | 0x2009 | 0x200A
        | scan::SET_PARAMETERS | scan::SET_ENABLE
        // LE Filter Accept List: clear, add, remove
        | 0x2010
            ..=0x2012
        // LE Set Default PHY
        | 0x2031
        | scan::SET_EXTENDED_PARAMETERS | scan::SET_EXTENDED_ENABLE
    ) || needs_extended(opcode)
}

/// The extended advertising and scanning commands of Bluetooth 5.
fn needs_extended(opcode: u16) -> bool {
    matches!(opcode, 0x2035..=0x2042)
}

fn version(identity: Identity) -> u8 {
    if identity.legacy { VERSION_4_2 } else { VERSION_5_2 }
}

/// LE feature bits: 2M PHY (8), coded PHY (11), extended advertising (12).
fn le_features(identity: Identity) -> [u8; 8] {
    let second = if identity.legacy { 0 } else { 0x19 };
    [0, second, 0, 0, 0, 0, 0, 0]
}

/// The bitmap from which the host picks legacy or extended commands.
fn supported_commands(identity: Identity) -> [u8; 64] {
    let mut bits = [0; 64];
    let mut set = |octet: usize, mask: u8| bits[octet] |= mask;
    set(5, 0xC0); // Set Event Mask, Reset
    set(14, 0x28); // Read Local Version, Features
    set(15, 0x02); // Read BD_ADDR
    set(25, 0xF7); // LE event mask, buffer size, features, random address, advertising
    set(26, 0xFF); // scan response data, advertising, scanning, connecting, accept list
    set(27, 0x83); // accept list, LE Rand
    set(28, 0x08); // LE Read Supported States
    if !identity.legacy {
        set(35, 0x20); // LE Set Default PHY
        set(36, 0xFE); // extended advertising sets
        set(37, 0xE3); // removal of sets, extended scan and connecting
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: Identity = Identity { address: Address([0xC0, 1, 2, 3, 4, 5]), legacy: false };
    const OLD: Identity = Identity { legacy: true, ..MODERN };

    fn ask(identity: Identity, opcode: u16) -> (Vec<u8>, bool) {
        let parameters = Vec::new();
        answer(identity, &Command { opcode, parameters })
    }

    #[test]
    fn address_goes_out_reversed() {
        let (event, known) = ask(MODERN, 0x1009);
        assert!(known);
        assert_eq!(event, [4, 0x0E, 10, 1, 0x09, 0x10, 0, 5, 4, 3, 2, 1, 0xC0]);
    }

    #[test]
    fn extended_scanning_is_absent_from_an_old_controller() {
        assert_eq!(supported_commands(MODERN)[37] & 0x60, 0x60);
        assert_eq!(supported_commands(OLD)[37], 0);
        assert_eq!(le_features(OLD), [0; 8]);
        assert!(ask(MODERN, scan::SET_EXTENDED_ENABLE).1);
        assert_eq!(ask(OLD, scan::SET_EXTENDED_ENABLE), (vec![4, 0x0E, 4, 1, 0x42, 0x20, UNKNOWN_COMMAND], false));
    }

    #[test]
    fn unknown_commands_say_so() {
        assert_eq!(ask(MODERN, 0xFC01), (vec![4, 0x0E, 4, 1, 0x01, 0xFC, UNKNOWN_COMMAND], false));
    }
}
