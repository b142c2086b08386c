use super::*;
use crate::advert::Pdu;
use crate::hex;
use crate::scan;

const ADDRESS: Address = Address([0xC0, 1, 2, 3, 4, 5]);

/// A controller whose host scans: form, active, filter_dup.
fn scanning(form: Form, active: u8, filter_dup: u8) -> Core {
    let mut core = Core::new(Identity { address: ADDRESS, legacy: form == Form::Legacy });
    let (set, on, parameters) = match form {
        Form::Legacy => (scan::SET_PARAMETERS, scan::SET_ENABLE, vec![active, 0x12, 0, 0x12, 0, 0, 0]),
        Form::Extended => {
            (scan::SET_EXTENDED_PARAMETERS, scan::SET_EXTENDED_ENABLE, vec![0, 0, 1, active, 0x12, 0, 0x12, 0])
        }
    };
    send(&mut core, set, &parameters);
    send(&mut core, on, &[1, filter_dup, 0, 0, 0, 0]);
    core
}

fn send(core: &mut Core, opcode: u16, parameters: &[u8]) -> Vec<u8> {
    let parameters = parameters.to_vec();
    core.command(&Command { opcode, parameters }).concat()
}

fn advert(evt: u16) -> Advert {
    Advert { evt, ..Advert::new(ADDRESS, &[2, 1, 6]) }
}

fn texts(core: &mut Core, adverts: &[Advert]) -> Vec<String> {
    let (events, _) = core.report(adverts, false);
    events.iter().map(|event| hex::encode(event)).collect()
}

#[test]
fn legacy_host_gets_a_legacy_report() {
    let mut core = scanning(Form::Legacy, 1, 0);
    assert_eq!(texts(&mut core, &[advert(3)]), ["043E0F02010301050403020 1C003020106C4".replace(' ', "")]);
}

#[test]
fn extended_host_gets_legacy_pdus_with_the_legacy_bit() {
    let mut core = scanning(Form::Extended, 1, 0);
    assert_eq!(
        texts(&mut core, &[advert(0)]),
        ["043E1D0D01130001050403020 1C00100FF7FC400000000000000000003020106".replace(' ', "")]
    );
    for (legacy, extended) in [(0, 0x13), (1, 0x15), (2, 0x12), (3, 0x10), (4, 0x1B)] {
        assert_eq!(advert(legacy).extended_type(), extended);
    }
}

#[test]
fn connection_attempt_ends_when_it_is_given_up() {
    for opcode in [connection::CREATE, connection::CREATE_EXTENDED] {
        let mut core = scanning(Form::Extended, 0, 0);
        assert_eq!(send(&mut core, connection::CANCEL, &[])[6..], [COMMAND_DISALLOWED]);
        assert_eq!(send(&mut core, opcode, &[0; 25]), command_status(opcode, SUCCESS));
        assert_eq!(send(&mut core, opcode, &[0; 25]), command_status(opcode, COMMAND_DISALLOWED));
        assert!(core.is_connecting());
        let answers = core.command(&Command { opcode: connection::CANCEL, parameters: Vec::new() });
        assert_eq!(answers[0], command_complete(connection::CANCEL, &[SUCCESS]));
        assert_eq!(answers[1][..5], [4, LE_META, 31, 0x0A, 0x02]);
        assert!(!core.is_connecting());
    }
}

#[test]
fn connection_attempt_succeeds_where_the_device_answers() {
    let mut core = scanning(Form::Extended, 0, 0);
    core.answer_connections(true);
    let answers = core.command(&Command { opcode: connection::CREATE_EXTENDED, parameters: vec![0; 26] });
    assert_eq!(answers[0], command_status(connection::CREATE_EXTENDED, SUCCESS));
    assert_eq!(answers[1][..5], [4, LE_META, 31, 0x0A, SUCCESS]);
    assert!(!core.is_connecting());
    let answers = core.command(&Command { opcode: connection::DISCONNECT, parameters: vec![1, 0, 0x13] });
    assert_eq!(answers[1], [4, 0x05, 4, SUCCESS, 1, 0, 0x16]);
}

#[test]
fn event_holds_several_reports() {
    let mut core = scanning(Form::Legacy, 1, 0);
    let adverts = vec![advert(3); 20];
    let (events, counts) = core.report(&adverts, false);
    // 13 bytes each, 253 bytes of room: 19 and 1.
    assert_eq!(events.iter().map(|e| e[4]).collect::<Vec<_>>(), [19, 1]);
    assert_eq!((counts.sent, counts.events), (20, 2));
}

#[test]
fn long_data_becomes_a_chain() {
    let mut core = scanning(Form::Extended, 1, 0);
    let long = Advert { hci: Pdu::Extended, truncated: true, ..Advert::new(ADDRESS, &[0xAA; 300]) };
    let (events, counts) = core.report(&[long], false);
    let types: Vec<_> = events.iter().map(|e| u16::from_le_bytes([e[5], e[6]])).collect();
    assert_eq!(types, [0x20, 0x40]);
    assert_eq!(events.iter().map(|e| e[28]).collect::<Vec<_>>(), [229, 71]);
    assert_eq!((counts.sent, counts.events), (1, 2));
}

#[test]
fn hears_only_what_the_scan_can_hear() {
    let extended = Advert { hci: Pdu::Extended, ..advert(0) };
    let mut legacy = scanning(Form::Legacy, 1, 0);
    assert_eq!(legacy.report(&[extended], false).1.unheard, 1);
    let mut passive = scanning(Form::Extended, 0, 0);
    assert_eq!(passive.report(&[advert(4)], false).1.unheard, 1);
    assert_eq!(passive.report(&[advert(0)], false).1.sent, 1);
    send(&mut passive, RESET, &[]);
    assert_eq!(passive.report(&[advert(0)], false).1.unheard, 1);
    assert_eq!(passive.report(&[advert(0)], true).1.sent, 1);
}

#[test]
fn filters_duplicates_until_scanning_starts_again() {
    let mut core = scanning(Form::Extended, 1, 1);
    let other = Advert { data: vec![1], ..advert(0) };
    let adverts = [advert(0), advert(0), other, advert(4)];
    assert_eq!(core.report(&adverts, false).1, Counts { sent: 3, events: 1, duplicates: 1, unheard: 0 });
    send(&mut core, scan::SET_EXTENDED_ENABLE, &[0; 6]);
    send(&mut core, scan::SET_EXTENDED_ENABLE, &[1, 1, 0, 0, 0, 0]);
    assert_eq!(core.report(&adverts, false).1.sent, 3);
    assert_eq!(core.scan().starts, 2);
}

#[test]
fn raw_events_go_out_untouched_while_scanning() {
    let mut core = scanning(Form::Extended, 1, 1);
    let packet = hex::decode("043E050202FFFFFF").expect("hex");
    assert_eq!(core.raw(&packet, false).0.as_deref(), Some(&packet[..]));
    assert_eq!(core.counts().sent, 2);
    core.restart();
    assert_eq!(core.raw(&packet, false), (None, Counts { unheard: 2, ..Counts::default() }));
    assert!(core.raw(&packet, true).0.is_some());
}

#[test]
fn chosen_commands_fail_without_effect() {
    let mut core = scanning(Form::Legacy, 1, 0);
    core.fail(scan::SET_ENABLE, 0x0C);
    let answer = send(&mut core, scan::SET_ENABLE, &[0, 0]);
    assert_eq!(answer, [4, 0x0E, 4, 1, 0x0C, 0x20, 0x0C]);
    assert!(core.scan().enabled);
    core.fail(scan::SET_ENABLE, SUCCESS);
    send(&mut core, scan::SET_ENABLE, &[0, 0]);
    assert!(!core.scan().enabled);
    assert_eq!(core.commands()[&scan::SET_ENABLE], 3);
}
