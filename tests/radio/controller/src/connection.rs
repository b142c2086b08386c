//! An LE connection to a device that serves nothing: its beginning, what the host asks on it, and its end.

use crate::hci::{self, ACL_DATA, Command, LE_META, SUCCESS};

/// LE Create Connection and LE Extended Create Connection.
pub const CREATE: u16 = 0x200D;
/// See [`CREATE`].
pub const CREATE_EXTENDED: u16 = 0x2043;
/// LE Create Connection Cancel.
pub const CANCEL: u16 = 0x200E;
/// Disconnect, and what the host asks about the other side once it is connected.
pub const DISCONNECT: u16 = 0x0406;
const READ_REMOTE_VERSION: u16 = 0x041D;
const READ_REMOTE_FEATURES: u16 = 0x2016;

/// The handle of the one connection.
const HANDLE: [u8; 2] = [0x01, 0x00];
/// Connection interval 50 ms, no latency, supervision timeout 2 s, clock accuracy.
const TIMING: [u8; 7] = [0x28, 0, 0, 0, 0xC8, 0, 0];
/// Reason: terminated by the local host.
const LOCAL_HOST: u8 = 0x16;
/// L2CAP channel of the attribute protocol.
const ATT: [u8; 2] = [0x04, 0x00];
const EXCHANGE_MTU: u8 = 0x02;
const REQUEST_NOT_SUPPORTED: u8 = 0x06;
const ATTRIBUTE_NOT_FOUND: u8 = 0x0A;

/// The attempt succeeded, for the device that the command names. A host of Bluetooth 5 waits for the enhanced event, LE Enhanced
/// Connection Complete (Vol 4, Part E, 7.7.65.10), an older one for LE Connection Complete (7.7.65.1).
#[must_use]
pub fn complete(command: &Command, enhanced: bool) -> Option<Vec<u8>> {
    let peer = match command.opcode {
        CREATE => command.parameters.get(5..12)?,
        _ => command.parameters.get(2..9)?,
    };
    Some(completed(SUCCESS, HANDLE, peer, TIMING, enhanced))
}

/// The host gave the attempt up: unknown connection identifier.
#[must_use]
pub fn given_up(enhanced: bool) -> Vec<u8> {
    completed(0x02, [0; 2], &[0; 7], [0; 7], enhanced)
}

fn completed(status: u8, handle: [u8; 2], peer: &[u8], timing: [u8; 7], enhanced: bool) -> Vec<u8> {
    let (subevent, private): (u8, &[u8]) = if enhanced { (0x0A, &[0; 12]) } else { (0x01, &[]) };
    // In the central's role.
    hci::event(LE_META, &[&[subevent, status][..], &handle, &[0x00], peer, private, &timing].concat())
}

/// What follows the status of a command about the connection.
#[must_use]
pub fn follow(command: &Command) -> Option<Vec<u8>> {
    let about = command.parameters.get(..2)?;
    match command.opcode {
        DISCONNECT => Some(hci::event(0x05, &[&[SUCCESS][..], about, &[LOCAL_HOST]].concat())),
        READ_REMOTE_VERSION => Some(hci::event(0x0C, &[&[SUCCESS][..], about, &[0x0B, 0xF1, 0x05, 0, 0]].concat())),
        READ_REMOTE_FEATURES => Some(hci::event(LE_META, &[&[0x04, SUCCESS][..], about, &[0; 8]].concat())),
        _ => None,
    }
}

/// Whether the command is answered with a status, and with more behind it.
#[must_use]
pub fn is_about(opcode: u16) -> bool {
    [DISCONNECT, READ_REMOTE_VERSION, READ_REMOTE_FEATURES].contains(&opcode)
}

/// The answer to ACL data: it was sent, and a request of the attribute protocol is refused, as by a device without services.
/// Who does not answer is given up after half a minute.
#[must_use]
pub fn data(packet: &[u8]) -> Vec<Vec<u8>> {
    let [ACL_DATA, low, high, _, _, l2cap @ ..] = packet else { return Vec::new() };
    let handle = [*low, high & 0x0F];
    let mut answers = vec![hci::event(0x13, &[1, handle[0], handle[1], 1, 0])];
    if let [_, _, channel_low, channel_high, opcode, of @ ..] = l2cap
        && [*channel_low, *channel_high] == ATT
        && is_request(*opcode)
    {
        let error = if *opcode == EXCHANGE_MTU { REQUEST_NOT_SUPPORTED } else { ATTRIBUTE_NOT_FOUND };
        let attribute = if *opcode == EXCHANGE_MTU { [0, 0] } else { [0, 1].map(|i| of.get(i).copied().unwrap_or(0)) };
        let [low, high] = attribute;
        // Packet boundary: the first, flushable.
        answers.push(vec![
            ACL_DATA,
            handle[0],
            handle[1] | 0x20,
            9,
            0,
            5,
            0,
            ATT[0],
            ATT[1],
            0x01,
            *opcode,
            low,
            high,
            error,
        ]);
    }
    answers
}

/// Requests are even, and neither commands (bit 6) nor confirmations (0x1E).
fn is_request(opcode: u8) -> bool {
    opcode & 0x41 == 0 && opcode != 0x1E
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_is_with_the_device_that_was_asked_for() {
        let parameters = [&[0x60, 0, 0x30, 0, 0, 1][..], &[6, 5, 4, 3, 2, 1], &[0; 13]].concat();
        let plain = complete(&Command { opcode: CREATE, parameters }, false).expect("complete");
        let parameters = [&[0, 0, 1][..], &[6, 5, 4, 3, 2, 1], &[1; 17]].concat();
        assert_eq!(
            complete(&Command { opcode: CREATE_EXTENDED, parameters: parameters.clone() }, false),
            Some(plain.clone())
        );
        let enhanced = complete(&Command { opcode: CREATE_EXTENDED, parameters }, true).expect("complete");
        assert_eq!(enhanced[..15], [4, LE_META, 31, 0x0A, 0, 1, 0, 0, 1, 6, 5, 4, 3, 2, 1]);
        assert_eq!(plain[..15], [4, LE_META, 19, 1, 0, 1, 0, 0, 1, 6, 5, 4, 3, 2, 1]);
        assert_eq!(complete(&Command { opcode: CREATE, parameters: vec![0; 3] }, false), None);
    }

    #[test]
    fn connection_has_no_services() {
        // Exchange MTU Request, Read By Group Type Request from attribute 1.
        let mtu = data(&[2, 1, 0, 7, 0, 3, 0, 4, 0, 0x02, 0x05, 0x02]);
        assert_eq!(mtu[0], [4, 0x13, 5, 1, 1, 0, 1, 0]);
        assert_eq!(mtu[1], [2, 1, 0x20, 9, 0, 5, 0, 4, 0, 1, 0x02, 0, 0, 0x06]);
        let services = data(&[2, 1, 0, 11, 0, 7, 0, 4, 0, 0x10, 1, 0, 0xFF, 0xFF, 0, 0x28]);
        assert_eq!(services[1][9..], [1, 0x10, 1, 0, 0x0A]);
        // A response, a command, another channel, a piece.
        for sent in [
            &[2, 1, 0, 5, 0, 1, 0, 4, 0, 0x03][..],
            &[2, 1, 0, 5, 0, 1, 0, 4, 0, 0x52],
            &[2, 1, 0, 5, 0, 1, 0, 5, 0, 0x12],
            &[2, 1, 0, 0, 0],
        ] {
            assert_eq!(data(sent).len(), 1);
        }
        assert_eq!(data(&[1, 3, 0x0C, 0]), Vec::<Vec<u8>>::new());
    }
}
