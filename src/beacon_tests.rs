use super::*;
use proptest::prelude::*;

/// An Eddystone frame as advertising data.
fn eddystone_data(frame: &[u8]) -> Vec<u8> {
    let head = [3, 0x03, 0xAA, 0xFE, frame.len() as u8 + 3, 0x16, 0xAA, 0xFE];
    [&head[..], frame].concat()
}

fn url_text(data: &[u8]) -> Option<String> {
    match decode(data)? {
        Beacon::Url { url, .. } => Some(url.pieces().map(|p| std::str::from_utf8(p).expect("ASCII")).collect()),
        _ => None,
    }
}

#[test]
fn ibeacons_may_have_bytes_behind_the_power() {
    let data = b"\x02\x01\x04\x1b\xff\x4c\x00\x02\x15\xb9\x40\x7f\x30\xf5\xf8\x46\x6e\xaf\xf9\x25\x55\x6b\x57\xfe\x6d\x00\x01\x00\x02\xbb\x4e";
    let found = decode(data);
    assert!(matches!(found, Some(Beacon::IBeacon { major: 1, minor: 2, tx_power: -69, .. })), "{found:?}");
    // One byte less, and there is no power.
    assert_eq!(decode(&[&[0x19][..], &data[4..29]].concat()), None);
}

#[test]
fn ibeacon_is_decoded() {
    let data = b"\x02\x01\x06\x1A\xFF\x4C\x00\x02\x15\xB9\x40\x7F\x30\xF5\xF8\x46\x6E\xAF\xF9\x25\x55\x6B\x57\xFE\x6D\x00\x49\x00\x0A\xC5";
    let uuid = b"\xB9\x40\x7F\x30\xF5\xF8\x46\x6E\xAF\xF9\x25\x55\x6B\x57\xFE\x6D";
    assert_eq!(decode(data), Some(Beacon::IBeacon { uuid, major: 73, minor: 10, tx_power: -59 }));
    // With a battery byte behind the power.
    let battery = [&data[..3], &[0x1B], &data[4..], &[0x4E]].concat();
    assert_eq!(decode(&battery), decode(data));
    // One byte less, another company.
    assert_eq!(decode(&data[..data.len() - 1]), None);
    let mut other = data.to_vec();
    other[5] = 0x4D;
    assert_eq!(decode(&other), None);
}

#[test]
fn eddystone_uid_with_and_without_the_reserved_bytes() {
    let frame = b"\x00\xEE0123456789abcdef\x00\x00";
    let wanted = Beacon::Uid { tx_power: -18, namespace: b"0123456789", instance: b"abcdef" };
    assert_eq!(decode(&eddystone_data(frame)), Some(wanted));
    assert_eq!(decode(&eddystone_data(&frame[..18])), Some(wanted));
    assert_eq!(decode(&eddystone_data(&frame[..17])), None);
}

#[test]
fn eddystone_url() {
    assert_eq!(url_text(&eddystone_data(b"\x10\xF8\x03goo.gl/S6zT6P")).as_deref(), Some("https://goo.gl/S6zT6P"));
    assert_eq!(url_text(&eddystone_data(b"\x10\xF8\x00a\x00b\x0D")).as_deref(), Some("http://www.a.com/b.gov"));
    for bad in [&b"\x10\xF8\x04a"[..], b"\x10\xF8\x00a\x0E", b"\x10\xF8\x00 ", b"\x10\xF8\x00\x7F", b"\x10\xF8"] {
        assert_eq!(decode(&eddystone_data(bad)), None);
    }
}

#[test]
fn eddystone_tlm() {
    let frame = b"\x20\x00\x0B\xB8\x19\x80\x00\x00\x00\x05\x00\x01\x00\x00";
    let wanted = Telemetry { battery: Some(3000), temperature: Some(0x1980), frames: 5, uptime: 65_536 };
    assert_eq!(decode(&eddystone_data(frame)), Some(Beacon::Tlm(wanted)));
    let unmeasured = b"\x20\x00\x00\x00\x80\x00\x00\x00\x00\x05\x00\x01\x00\x00";
    let wanted = Telemetry { battery: None, temperature: None, ..wanted };
    assert_eq!(decode(&eddystone_data(unmeasured)), Some(Beacon::Tlm(wanted)));
    assert_eq!(decode(&eddystone_data(&[&b"\x20\x01"[..], &[7; 16]].concat())), Some(Beacon::EncryptedTlm));
    assert_eq!(decode(&eddystone_data(&[&b"\x20\x02"[..], &[7; 16]].concat())), None);
}

#[test]
fn eddystone_eid() {
    let wanted = Beacon::Eid { tx_power: 4, eid: b"01234567" };
    assert_eq!(decode(&eddystone_data(b"\x30\x0401234567")), Some(wanted));
    assert_eq!(decode(&eddystone_data(b"\x30\x040123456")), None);
}

#[test]
fn bytes_behind_an_eddystone_frame_are_ignored() {
    let frames: [&[u8]; 4] = [
        b"\x00\xEE0123456789abcdef\x00\x00",
        b"\x20\x00\x0B\xB8\x19\x80\x00\x00\x00\x05\x00\x01\x00\x00",
        b"\x20\x010123456789abcdef",
        b"\x30\x0401234567",
    ];
    for frame in frames {
        let (exact, longer) = (eddystone_data(frame), eddystone_data(&[frame, &[0x4E]].concat()));
        assert!(decode(&exact).is_some(), "{frame:?}");
        assert_eq!(decode(&longer), decode(&exact), "{frame:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn random_bytes_never_panic_and_what_is_found_is_there(
        kind in prop::sample::select(vec![0u8, 0x10, 0x20, 0x30]), body in prop::collection::vec(any::<u8>(), 0..30),
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Some(Beacon::Url { url, .. }) = decode(&noise) {
            prop_assert!(url.pieces().flatten().all(u8::is_ascii_graphic));
        }
        let data = eddystone_data(&[&[kind], &body[..]].concat());
        match decode(&data) {
            Some(Beacon::Uid { tx_power, namespace, instance }) => {
                let rest = &body[17..];
                prop_assert_eq!([&[tx_power as u8], &namespace[..], instance, rest].concat(), body);
            }
            Some(Beacon::Url { url, .. }) => {
                prop_assert!(body.len() >= 2 && url.pieces().flatten().all(u8::is_ascii_graphic));
            }
            Some(Beacon::Eid { tx_power, eid }) => prop_assert_eq!([&[tx_power as u8], &eid[..], &body[9..]].concat(), body),
            Some(Beacon::Tlm(t)) => {
                let numbers = [t.frames.to_be_bytes(), t.uptime.to_be_bytes()].concat();
                prop_assert_eq!(&body[5..13], &numbers[..]);
            }
            Some(Beacon::EncryptedTlm) => prop_assert!(body.len() >= 17 && body[0] == 1),
            Some(Beacon::IBeacon { .. }) => prop_assert!(false, "this is no iBeacon"),
            None => {}
        }
    }

    #[test]
    fn ibeacon_round_trips(
        uuid: [u8; 16], major: u16, minor: u16, tx_power: i8, behind in prop::collection::vec(any::<u8>(), 0..5),
    ) {
        let numbers = [major.to_be_bytes(), minor.to_be_bytes()].concat();
        let data = [&[26 + behind.len() as u8, 0xFF, 0x4C, 0, 2, 0x15][..], &uuid, &numbers, &[tx_power as u8], &behind].concat();
        prop_assert_eq!(decode(&data), Some(Beacon::IBeacon { uuid: &uuid, major, minor, tx_power }));
    }
}
