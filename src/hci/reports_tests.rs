use super::super::packets::{self, ADDRESS, extended_event, legacy_event, meta, packet};
use super::*;
use proptest::prelude::*;

/// The adverts of a packet, their data owned, and the count of damaged reports.
fn parse(packet: &[u8]) -> (Vec<(Advert<'static>, Vec<u8>)>, u64) {
    let (found, reasons) = parse_all(packet);
    (found, reasons.len() as u64)
}

fn reasons(packet: &[u8]) -> Vec<MalformedReason> {
    parse_all(packet).1.into_iter().map(|malformed| malformed.reason).collect()
}

fn parse_all(packet: &[u8]) -> (Vec<(Advert<'static>, Vec<u8>)>, Vec<Malformed>) {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    adverts(packet, &mut |report| match report {
        Ok(a) => found.push((Advert { data: &[], ..*a }, a.data.to_vec())),
        Err(malformed) => damaged.push(malformed),
    });
    (found, damaged)
}

fn pdus(packet: &[u8]) -> Vec<Pdu> {
    parse(packet).0.into_iter().map(|(advert, _)| advert.pdu).collect()
}

#[test]
fn legacy_event_holds_several_reports() {
    let reports: Vec<_> =
        (0..5).map(|i| packets::legacy(i, i % 4, &vec![i; usize::from(i) * 7], -40 - i as i8)).collect();
    let (found, damaged) = parse(&legacy_event(3, &reports));
    assert_eq!(damaged, 0);
    assert_eq!(found.len(), 5);
    let kinds = [Pdu::Ind, Pdu::DirectInd, Pdu::ScanInd, Pdu::NonconnInd, Pdu::ScanRsp];
    let types = [AddressType::Public, AddressType::Random];
    for (i, (advert, data)) in found.iter().enumerate() {
        assert_eq!((advert.adapter, advert.pdu, advert.rssi), (3, kinds[i], -40 - i as i8));
        assert_eq!(advert.address, Address([0xC1, 0x22, 0x33, 0x44, 0x55, 0x66]));
        assert_eq!(advert.address_type, types[i % 2]);
        assert_eq!(*data, vec![i as u8; i * 7]);
    }
}

#[test]
fn extended_report_keeps_every_field() {
    let event = extended_event(1, &[packets::extended(0x0021, 0x01, [3, 2], &[9; 200])]);
    let (found, damaged) = parse(&event);
    let (advert, data) = &found[0];
    let fields =
        Extended { event_type: 0x0021, primary_phy: 3, secondary_phy: 2, sid: 7, tx_power: 4, interval: 0x0102 };
    assert_eq!((advert.pdu, advert.rssi, advert.adapter, damaged), (Pdu::Extended(fields), -50, 1, 0));
    assert_eq!(*data, [9; 200]);
}

#[test]
fn legacy_pdus_in_extended_reports_are_legacy_adverts() {
    let reports: Vec<_> = [0x13, 0x15, 0x12, 0x10, 0x1A, 0x1B, 0x00]
        .map(|event_type| packets::extended(event_type, 0, [1, 0], &[2, 1, 6]))
        .into();
    let found = pdus(&extended_event(0, &reports));
    let kinds = [Pdu::Ind, Pdu::DirectInd, Pdu::ScanInd, Pdu::NonconnInd, Pdu::ScanRsp, Pdu::ScanRsp];
    assert_eq!(found[..6], kinds);
    assert!(matches!(found[6], Pdu::Extended(_)));
}

#[test]
fn report_of_an_anonymous_advert_has_no_address() {
    let (found, damaged) = parse(&extended_event(0, &[packets::extended(0, 0xFF, [1, 1], &[])]));
    assert_eq!((found[0].0.address_type, found[0].0.address), (AddressType::Anonymous, Address([0; 6])));
    assert_eq!(damaged, 0);
    // Legacy PDUs always have one.
    assert_eq!(parse(&legacy_event(0, &[packets::legacy(0, 0xFF, &[], 0)])), (vec![], 1));
}

#[test]
fn report_with_a_wrong_value_does_not_hide_the_next() {
    let good = packets::legacy(0, 0, &[1], -1);
    for bad in [packets::legacy(5, 0, &[1, 2], -1), packets::legacy(0, 4, &[1, 2], -1)] {
        let (found, damaged) = parse(&legacy_event(0, &[good.clone(), bad, good.clone()]));
        assert_eq!((found.len(), damaged), (2, 1));
    }
    let good = packets::extended(0, 0, [1, 1], &[1]);
    for bad in [packets::extended(0x11, 0, [1, 1], &[]), packets::extended(0, 9, [1, 1], &[])] {
        let (found, damaged) = parse(&extended_event(0, &[bad, good.clone()]));
        assert_eq!((found.len(), damaged), (1, 1));
    }
}

#[test]
fn report_cut_at_any_byte_loses_only_what_is_cut() {
    let sizes = [packets::legacy(0, 0, &[1; 5], 0).len(), packets::extended(0, 0, [1, 1], &[1; 5]).len()];
    let events = [
        legacy_event(0, &vec![packets::legacy(0, 0, &[1; 5], 0); 3]),
        extended_event(0, &vec![packets::extended(0, 0, [1, 1], &[1; 5]); 3]),
    ];
    for (event, size) in events.iter().zip(sizes) {
        for cut in 0..event.len() {
            let (found, damaged) = parse(&event[..cut]);
            assert_eq!(found.len(), cut.saturating_sub(HEADER + 4) / size, "cut at {cut}");
            assert_eq!(damaged, 1, "cut at {cut}");
        }
        assert_eq!((parse(event).0.len(), parse(event).1), (3, 0));
    }
}

#[test]
fn packets_of_other_kinds_hold_no_report() {
    let report = legacy_event(0, &[packets::legacy(0, 0, &[], 0)]);
    for opcode in [0, 1, 2, 4, 8, 17] {
        assert_eq!(parse(&packet(opcode, 0, &report[HEADER..])), (vec![], 0));
    }
    assert_eq!(parse(&packet(3, 0, &[0x0E, 4, 1, 3, 12, 0])), (vec![], 0));
    assert_eq!(parse(&meta(0, 0x03, &[0; 9])), (vec![], 0));
    // No report at all is not an advertising report.
    assert_eq!(parse(&meta(0, LEGACY_REPORT, &[0])), (vec![], 1));
}

#[test]
fn packets_without_an_advert_have_a_reason_and_an_adapter() {
    let report = packets::legacy(0, 0, &[1; 5], 0);
    let whole = legacy_event(4, std::slice::from_ref(&report));
    assert_eq!(reasons(&whole), []);
    assert_eq!(reasons(&whole[..whole.len() - 1]), [CutShort]);
    assert_eq!(reasons(&whole[..2]), [CutShort]);
    assert_eq!(reasons(&packet(EVENT, 4, &[LE_META])), [CutShort], "no length");
    assert_eq!(reasons(&packet(EVENT, 4, &[LE_META, 0])), [CutShort], "no subevent");
    assert_eq!(reasons(&meta(4, LEGACY_REPORT, &[])), [CutShort], "no number of reports");
    assert_eq!(reasons(&meta(4, LEGACY_REPORT, &[0])), [NoReport]);
    assert_eq!(reasons(&legacy_event(4, &[packets::legacy(9, 0, &[1; 5], 0)])), [InvalidValue]);
    let of = |packet: &[u8]| parse_all(packet).1.into_iter().map(|malformed| malformed.adapter).collect::<Vec<_>>();
    assert_eq!((of(&meta(4, LEGACY_REPORT, &[0])), of(&whole[..2])), (vec![4], vec![UNKNOWN]));
}

#[test]
fn bytes_behind_the_reports_are_counted_and_cost_no_report() {
    let report = packets::legacy(0, 0, &[1; 5], 0);
    // Two reports, and the event says one; or the event is longer than it says itself.
    let one_of_two = meta(0, LEGACY_REPORT, &[&[1][..], &report, &report].concat());
    let mut longer = legacy_event(0, std::slice::from_ref(&report));
    longer.push(0);
    longer[4] += 1;
    for event in [one_of_two, longer] {
        assert_eq!((parse(&event).0.len(), reasons(&event)), (1, vec![TrailingBytes]), "{event:?}");
    }
    // It says that it is longer than it is.
    let mut shorter = legacy_event(0, &[report]);
    shorter[HEADER + 1] += 3;
    assert_eq!((parse(&shorter).0.len(), reasons(&shorter)), (1, vec![CutShort]));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes);
        parse(&packet(EVENT, 0, &bytes));
        for subevent in [LEGACY_REPORT, EXTENDED_REPORT] {
            let (found, mut damaged) = parse_all(&meta(0, subevent, &bytes[..bytes.len().min(254)]));
            damaged.retain(|malformed| malformed.reason != TrailingBytes);
            let announced = usize::from(bytes.first().copied().unwrap_or(0)).max(1);
            prop_assert!(found.len() + damaged.len() <= announced);
        }
    }

    #[test]
    fn report_of_any_kind_round_trips(event_type in 0u8..5, data in prop::collection::vec(any::<u8>(), 0..=31), rssi: i8) {
        let (found, damaged) = parse(&legacy_event(0, &[packets::legacy(event_type, 1, &data, rssi)]));
        let mut address = ADDRESS;
        address.reverse();
        prop_assert_eq!(damaged, 0);
        prop_assert_eq!(&found[0].1, &data);
        prop_assert_eq!((found[0].0.rssi, found[0].0.address), (rssi, Address(address)));
    }
}
