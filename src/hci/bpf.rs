//! The socket filters (classic BPF) that keep everything but advertising reports, and the orders to scan, away from this
//! process. The monitor channel carries all HCI traffic, link keys included.

use super::reports::{EVENT, EXTENDED_REPORT, HEADER, LE_META, LEGACY_REPORT};
use super::scan_enable::{
    ADDED, COMMAND, COMMAND_COMPLETE, COMMAND_STATUS, CONNECTION_COMPLETE, CREATE_CONNECTION, ENABLE, EXTENDED_ENABLE,
    INDEX_INFO, REMOVED, RESET,
};
use super::scan_parameters::{EXTENDED_PARAMETERS, PARAMETERS};
use libc::{BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_LEN, BPF_RET, BPF_W};

/// One instruction: code, jumps if true and if false, operand.
pub(super) type Instruction = (u16, u8, u8, u32);

const LOAD_HALF: u16 = (BPF_LD | BPF_H | BPF_ABS) as u16;
const LOAD_BYTE: u16 = (BPF_LD | BPF_B | BPF_ABS) as u16;
const LOAD_LENGTH: u16 = (BPF_LD | BPF_W | BPF_LEN) as u16;
const JUMP_MORE: u16 = (BPF_JMP | BPF_JGT | BPF_K) as u16;
const JUMP_EQUAL: u16 = (BPF_JMP | BPF_JEQ | BPF_K) as u16;
const RETURN: u16 = (BPF_RET | BPF_K) as u16;

/// Passes LE Meta events with an advertising report, and those that are too short to say what they are, and nothing else.
pub(super) fn advert_reports() -> [Instruction; 11] {
    const CODE: u32 = HEADER as u32;
    const SUBEVENT: u32 = CODE + 2;
    [
        // Loads are big-endian, the header is little-endian.
        (LOAD_HALF, 0, 0, 0),
        (JUMP_EQUAL, 0, 7, EVENT.swap_bytes() as u32),
        (LOAD_BYTE, 0, 0, CODE),
        (JUMP_EQUAL, 0, 5, LE_META as u32),
        (LOAD_LENGTH, 0, 0, 0),
        (JUMP_MORE, 0, 4, SUBEVENT),
        (LOAD_BYTE, 0, 0, SUBEVENT),
        (JUMP_EQUAL, 2, 0, LEGACY_REPORT as u32),
        (JUMP_EQUAL, 1, 0, EXTENDED_REPORT as u32),
        (RETURN, 0, 0, 0),
        (RETURN, 0, 0, u32::MAX),
    ]
}

/// Passes the commands that begin, end and set up a scan and the answers to them; adapters that come and go, with their
/// addresses; of the commands that make a connection, of their end and of a reset only what they are: no address of a peer.
/// Nothing else passes.
pub(super) fn scan_state() -> [Instruction; 36] {
    const CODE: u32 = HEADER as u32;
    const SUBEVENT: u32 = CODE + 2;
    const ANSWERED: u32 = CODE + 3;
    const REFUSED: u32 = CODE + 4;
    // Where each part of the program begins.
    const EVENTS: u8 = 6;
    const ANSWERS: u8 = 14;
    const REFUSALS: u8 = 19;
    const COMMANDS: u8 = 23;
    const DROP: u8 = 32;
    const TO_OPCODE: u8 = 33;
    const TO_ROLE: u8 = 34;
    const WHOLE: u8 = 35;
    /// The instruction at `at`: where to go on if the two bytes are these, and if not.
    const fn jump(at: u8, operand: u16, if_true: u8, if_false: u8) -> Instruction {
        // Loads are big-endian, packets are little-endian.
        (JUMP_EQUAL, if_true - at - 1, if_false - at - 1, operand.swap_bytes() as u32)
    }
    const fn jump_byte(at: u8, operand: u8, if_true: u8, if_false: u8) -> Instruction {
        (JUMP_EQUAL, if_true - at - 1, if_false - at - 1, operand as u32)
    }
    let [create, extended_create, extended_create_2] = CREATE_CONNECTION;
    let [complete, enhanced_complete, enhanced_complete_2] = CONNECTION_COMPLETE;
    [
        (LOAD_HALF, 0, 0, 0),
        jump(1, COMMAND, COMMANDS, 2),
        jump(2, EVENT, EVENTS, 3),
        jump(3, ADDED, WHOLE, 4),
        jump(4, INDEX_INFO, WHOLE, 5),
        jump(5, REMOVED, WHOLE, DROP),
        // Events.
        (LOAD_BYTE, 0, 0, CODE),
        jump_byte(7, COMMAND_COMPLETE, ANSWERS, 8),
        jump_byte(8, COMMAND_STATUS, REFUSALS, 9),
        jump_byte(9, LE_META, 10, DROP),
        (LOAD_BYTE, 0, 0, SUBEVENT),
        jump_byte(11, complete, TO_ROLE, 12),
        jump_byte(12, enhanced_complete, TO_ROLE, 13),
        jump_byte(13, enhanced_complete_2, TO_ROLE, DROP),
        // Answers.
        (LOAD_HALF, 0, 0, ANSWERED),
        jump(15, ENABLE, WHOLE, 16),
        jump(16, EXTENDED_ENABLE, WHOLE, 17),
        jump(17, PARAMETERS, WHOLE, 18),
        jump(18, EXTENDED_PARAMETERS, WHOLE, DROP),
        // Refusals.
        (LOAD_HALF, 0, 0, REFUSED),
        jump(20, create, TO_ROLE, 21),
        jump(21, extended_create, TO_ROLE, 22),
        jump(22, extended_create_2, TO_ROLE, DROP),
        // Commands.
        (LOAD_HALF, 0, 0, CODE),
        jump(24, ENABLE, WHOLE, 25),
        jump(25, EXTENDED_ENABLE, WHOLE, 26),
        jump(26, PARAMETERS, WHOLE, 27),
        jump(27, EXTENDED_PARAMETERS, WHOLE, 28),
        jump(28, RESET, TO_OPCODE, 29),
        jump(29, create, TO_OPCODE, 30),
        jump(30, extended_create, TO_OPCODE, 31),
        jump(31, extended_create_2, TO_OPCODE, DROP),
        (RETURN, 0, 0, 0),
        (RETURN, 0, 0, SHORT_COMMAND),
        (RETURN, 0, 0, SHORT_EVENT),
        (RETURN, 0, 0, u32::MAX),
    ]
}

/// A command without its parameters, and a connection's end up to the role.
const SHORT_COMMAND: u32 = HEADER as u32 + 2;
const SHORT_EVENT: u32 = HEADER as u32 + 7;

#[cfg(test)]
mod tests {
    use super::super::packets::{self, extended_event, legacy_event, meta, packet};
    use super::*;
    use proptest::prelude::*;

    /// What the kernel makes of the program: the bytes of the packet that pass.
    fn run(advert_reports: &[Instruction], packet: &[u8]) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let (code, if_true, if_false, k) = advert_reports[at];
            let load = |size: usize| {
                let bytes = packet.get(k as usize..k as usize + size)?;
                Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
            };
            at += 1;
            match code {
                LOAD_HALF | LOAD_BYTE => match load(if code == LOAD_HALF { 2 } else { 1 }) {
                    Some(value) => accumulator = value,
                    None => return 0,
                },
                LOAD_LENGTH => accumulator = packet.len() as u32,
                JUMP_MORE => at += usize::from(if accumulator > k { if_true } else { if_false }),
                JUMP_EQUAL => at += usize::from(if accumulator == k { if_true } else { if_false }),
                RETURN => return k,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    fn passes(packet: &[u8]) -> bool {
        taken_whole(&advert_reports(), packet)
    }

    fn is_command(packet: &[u8]) -> bool {
        taken_whole(&scan_state(), packet)
    }

    fn taken_whole(advert_reports: &[Instruction], packet: &[u8]) -> bool {
        let taken = run(advert_reports, packet);
        taken > 0 && taken >= packet.len() as u32
    }

    #[test]
    fn orders_to_scan_and_their_answers_pass() {
        for adapter in [0, 3, 0xFFFE] {
            for opcode in [[0x0B, 0x20], [0x0C, 0x20], [0x41, 0x20], [0x42, 0x20]] {
                assert!(is_command(&packet(2, adapter, &[&opcode[..], &[6, 1, 0, 0, 0, 0, 0]].concat())));
                assert!(is_command(&packet(3, adapter, &[0x0E, 4, 1, opcode[0], opcode[1], 0x0C])));
            }
        }
    }

    #[test]
    fn connections_pass_without_the_peer() {
        let advert_reports = scan_state();
        for adapter in [0, 3, 0xFFFE] {
            for opcode in CREATE_CONNECTION.into_iter().chain([RESET]) {
                let bytes = opcode.to_le_bytes();
                assert_eq!(
                    run(&advert_reports, &packet(2, adapter, &[&bytes[..], &[25; 26]].concat())),
                    8,
                    "{opcode:#x}"
                );
                let refused = packet(3, adapter, &[&[0x0F, 4, 0x0C, 1][..], &bytes].concat());
                assert_eq!(run(&advert_reports, &refused) > 0, opcode != RESET, "{opcode:#x}");
            }
            for subevent in CONNECTION_COMPLETE {
                assert_eq!(run(&advert_reports, &meta(adapter, subevent, &[0; 18])), 13, "up to the role");
            }
            assert!(is_command(&packet(0, adapter, &[7; 16])) && is_command(&packet(10, adapter, &[7; 8])));
            assert!(run(&advert_reports, &packet(1, adapter, &[])) > 0);
        }
    }

    #[test]
    fn filter_passes_no_other_command() {
        let scan = [ENABLE, EXTENDED_ENABLE, PARAMETERS, EXTENDED_PARAMETERS];
        let known = scan.into_iter().chain([RESET]).chain(CREATE_CONNECTION);
        let known: Vec<_> = known.collect();
        let dropped = |packet: &[u8]| run(&scan_state(), packet) == 0;
        for opcode in (0..=u16::MAX).filter(|opcode| !known.contains(opcode)) {
            let bytes = opcode.to_le_bytes();
            assert!(dropped(&packet(2, 0, &[&bytes[..], &[16; 17]].concat())), "command {opcode:#x}");
            assert!(dropped(&packet(3, 0, &[&[0x0E, 4, 1][..], &bytes, &[0; 17]].concat())), "answer to {opcode:#x}");
            assert!(dropped(&packet(3, 0, &[&[0x0F, 4, 0, 1][..], &bytes].concat())), "status of {opcode:#x}");
        }
        for code in (0..=255).filter(|code| ![COMMAND_COMPLETE, COMMAND_STATUS].contains(code)) {
            assert!(dropped(&packet(3, 0, &[code, 4, 2, 0x42, 0x20, 0])), "event {code:#x}");
        }
        for subevent in (0..=255).filter(|subevent| !CONNECTION_COMPLETE.contains(subevent)) {
            assert!(dropped(&meta(0, subevent, &[1; 30])), "subevent {subevent:#x}");
        }
        for opcode in (0..64).filter(|opcode| ![0, 1, 2, 3, 10].contains(opcode)) {
            assert!(dropped(&packet(opcode, 0, &[0x42, 0x20, 6, 1, 0])), "packet {opcode}");
            assert!(dropped(&packet(opcode, 0, &[0x0E, 4, 1, 0x42, 0x20, 0])), "packet {opcode}");
        }
    }

    #[test]
    fn filter_has_the_numbers_of_the_kernel() {
        assert_eq!((LOAD_HALF, LOAD_BYTE, JUMP_EQUAL, RETURN), (0x28, 0x30, 0x15, 0x06));
        assert_eq!((LOAD_LENGTH, JUMP_MORE), (0x80, 0x25));
        assert_eq!(advert_reports()[1].3, 0x0300);
    }

    #[test]
    fn advertising_reports_pass_whole() {
        for adapter in [0, 3, 0xFFFE] {
            assert!(passes(&legacy_event(adapter, &[packets::legacy(0, 0, &[7; 31], -1)])));
            assert!(passes(&extended_event(adapter, &[packets::extended(0, 0, [1, 1], &[7; 229])])));
        }
    }

    #[test]
    fn filter_passes_nothing_else() {
        let report = legacy_event(0, &[packets::legacy(0, 0, &[7; 31], -1)]);
        // Every other kind of packet of the channel: commands, data, mgmt, logs; opcode 0x0103 has the right low byte.
        for opcode in (0..64).filter(|o| *o != EVENT).chain([0x0103, 0x0300, 0xFF03]) {
            assert!(!passes(&packet(opcode, 0, &report[HEADER..])), "opcode {opcode}");
        }
        // Every other event: 0x17 and 0x18 carry link keys.
        for code in (0..=255).filter(|c| *c != LE_META) {
            assert!(!passes(&packet(EVENT, 0, &[code, 20, LEGACY_REPORT, 1, 0, 0])), "event {code:#x}");
        }
        // Every other LE event: 0x05 asks for a long-term key, 0x09 brings a Diffie-Hellman key.
        for subevent in (0..=255).filter(|s| ![LEGACY_REPORT, EXTENDED_REPORT].contains(s)) {
            assert!(!passes(&meta(0, subevent, &[1; 30])), "subevent {subevent:#x}");
        }
        for cut in 0..=HEADER {
            assert!(!passes(&report[..cut]), "{cut} bytes");
        }
    }

    #[test]
    fn events_without_a_subevent_pass_and_are_counted() {
        let report = legacy_event(0, &[packets::legacy(0, 0, &[7; 31], -1)]);
        assert!([1, 2, 3].iter().all(|more| passes(&report[..HEADER + more])));
        assert!(!passes(&packet(EVENT, 0, &[0x17])) && !passes(&packet(EVENT, 0, &[0x17, 0])));
    }

    proptest! {
        #[test]
        fn filter_passes_advertising_reports_only(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if passes(&bytes) {
                prop_assert_eq!(&bytes[..2], &[3, 0]);
                prop_assert_eq!(bytes[6], 0x3E);
                prop_assert!(bytes.get(8).is_none_or(|subevent| [0x02, 0x0D].contains(subevent)));
            }
        }
    }
}
