use super::*;
use crate::config::{AddressPattern, Candidate, Config, RawConfig};
use crate::model::{Address, AddressType, Pdu};
use proptest::prelude::*;

fn advert(data: &[u8]) -> Advert<'_> {
    Advert {
        adapter: 0,
        address: Address([0xCC, 0x1B, 0xE0, 0xE0, 0xE6, 0xD0]),
        address_type: AddressType::Public,
        pdu: Pdu::Ind,
        rssi: -60,
        data,
    }
}

fn check(change: impl FnOnce(&mut RawConfig), data: &[u8]) -> Result<(), FilterKind> {
    let mut raw = RawConfig::default();
    change(&mut raw);
    let config = Config::check(&Candidate { raw, ..Candidate::default() }).expect("settings that the service accepts");
    super::check(&config.filters, &advert(data))
}

/// Flags, the UUIDs 180F and FEE9, one of 32 bits, one of 128 bits, the name "Desk".
const DATA: &[u8] = b"\x02\x01\x06\x05\x03\x0F\x18\xE9\xFE\x05\x05\x04\x03\x02\x01\
    \x11\x07\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x05\x09Desk";

#[test]
fn filter_that_is_empty_passes_everything() {
    assert_eq!(check(|_| {}, b""), Ok(()));
}

#[test]
fn names() {
    for good in ["Desk", "De*", "*sk", "*", "Desk*"] {
        assert_eq!(check(|f| f.filter_names = vec!["no".into(), good.into()], DATA), Ok(()), "{good}");
    }
    for bad in ["desk", "Des", "*De", "k*"] {
        assert_eq!(check(|f| f.filter_names = vec![bad.into()], DATA), Err(FilterKind::Name), "{bad}");
    }
    for unnamed in [&b"\x02\x01\x06"[..], b"\x01\x09", b"\x02\x09\0", b"\x03\x08\0a"] {
        assert_eq!(check(|f| f.filter_names = vec!["*".into()], unnamed), Err(FilterKind::Name), "{unnamed:?}");
    }
    let padded = b"\x02\x01\x06\x0A\x09Perdix 3\0";
    for good in ["Perdix 3", "*3", "Perdix 3*"] {
        assert_eq!(check(|f| f.filter_names = vec![good.into()], padded), Ok(()), "{good}");
    }
}

#[test]
fn macs() {
    for good in ["CC:1B:E0:E0:E6:D0", "cc:1b:e0*", "CC:1*", "C*", "*", "CC:1B:E0:*"] {
        assert_eq!(check(|f| f.filter_macs = vec![good.into()], DATA), Ok(()), "{good}");
    }
    for bad in ["CC:1B:E0:E0:E6:D1", "CD*", "CC:1B:E1*"] {
        assert_eq!(check(|f| f.filter_macs = vec![bad.into()], DATA), Err(FilterKind::Mac), "{bad}");
    }
}

#[test]
fn uuids_are_big_endian_and_only_service_class_lists_count() {
    for good in ["180F", "180f", "FEE9", "01020304", "0F0E0D0C0B0A09080706050403020100"] {
        assert_eq!(check(|f| f.filter_uuids = vec![good.into()], DATA), Ok(()), "{good}");
    }
    for bad in ["0F18", "04030201", "0000180F"] {
        assert_eq!(check(|f| f.filter_uuids = vec![bad.into()], DATA), Err(FilterKind::Uuid), "{bad}");
    }
    assert_eq!(check(|f| f.filter_uuids = vec!["180F".into()], b"\x03\x16\x0F\x18"), Err(FilterKind::Uuid));
}

#[test]
fn rssi_drops_weaker_ones() {
    assert_eq!(check(|f| f.filter_rssi = -60, b""), Ok(()));
    assert_eq!(check(|f| f.filter_rssi = -59, b""), Err(FilterKind::Rssi));
    let strong = Filters { rssi: Some(20), ..Filters::default() };
    assert_eq!(super::check(&strong, &Advert { rssi: 127, ..advert(b"") }), Ok(()));
}

#[test]
fn values_at_an_offset_or_anywhere() {
    assert_eq!(check(|f| f.filter_values = vec![(3, "0503".into())], DATA), Ok(()));
    assert_eq!(check(|f| f.filter_values = vec![(2, "0503".into())], DATA), Err(FilterKind::Value));
    assert_eq!(check(|f| f.filter_values = vec![(-1, "4465".into())], DATA), Ok(()));
    assert_eq!(check(|f| f.filter_values = vec![(1649, "44".into())], DATA), Err(FilterKind::Value));
    assert_eq!(check(|f| f.filter_values = vec![(-1, "4465".into())], b"D"), Err(FilterKind::Value));
}

#[test]
fn filters_are_anded() {
    let both = |mac: &str| {
        check(
            |f| {
                f.filter_names = vec!["Desk".into()];
                f.filter_macs = vec![mac.into()];
            },
            DATA,
        )
    };
    assert_eq!(both("CC*"), Ok(()));
    assert_eq!(both("CD*"), Err(FilterKind::Mac));
}

/// The same rules as plainly as they can be said, on text.
fn naive(raw: &RawConfig, advert: &Advert<'_>) -> bool {
    let hex: String = advert.data.iter().map(|b| format!("{b:02X}")).collect();
    let mac = advert.address.to_string();
    let name = advert.name();
    let any_name = |p: &String| {
        let Some(name) = name else { return false };
        let name = name.to_vec();
        match (p.as_str(), p.ends_with('*'), p.starts_with('*')) {
            ("*", ..) => true,
            (p, true, _) => name.starts_with(&p.as_bytes()[..p.len() - 1]),
            (p, _, true) => name.ends_with(&p.as_bytes()[1..]),
            (p, ..) => name == p.as_bytes(),
        }
    };
    let any_mac = |p: &String| match p.strip_suffix('*') {
        Some(prefix) => mac.starts_with(&prefix.to_uppercase()),
        None => mac == p.to_uppercase(),
    };
    let any_uuid = |p: &String| {
        ad_structures(advert.data).any(|(kind, list)| {
            let width = match kind {
                2 | 3 => 2,
                4 | 5 => 4,
                6 | 7 => 16,
                _ => return false,
            };
            (0..list.len() / width).any(|i| {
                let text: String = list[i * width..][..width].iter().rev().map(|b| format!("{b:02X}")).collect();
                text == p.to_uppercase()
            })
        })
    };
    let any_value = |(offset, p): &(i32, String)| {
        let p = p.to_uppercase();
        match usize::try_from(*offset) {
            Ok(at) => hex.get(2 * at..).is_some_and(|tail| tail.starts_with(&p)),
            Err(_) => (0..hex.len()).step_by(2).any(|i| hex[i..].starts_with(&p)),
        }
    };
    (raw.filter_rssi == -128 || i16::from(advert.rssi) >= raw.filter_rssi)
        && (raw.filter_macs.is_empty() || raw.filter_macs.iter().any(any_mac))
        && (raw.filter_names.is_empty() || raw.filter_names.iter().any(any_name))
        && (raw.filter_uuids.is_empty() || raw.filter_uuids.iter().any(any_uuid))
        && (raw.filter_values.is_empty() || raw.filter_values.iter().any(any_value))
}

/// AD bytes from a small alphabet, so that patterns do hit: structures of the interesting types, and damage.
fn ad_bytes() -> impl Strategy<Value = Vec<u8>> {
    let structure = (prop::sample::select(vec![1u8, 2, 3, 5, 7, 8, 9, 0x16]), prop::collection::vec(0u8..4, 0..18))
        .prop_map(|(kind, value)| [&[value.len() as u8 + 1, kind][..], &value].concat());
    (prop::collection::vec(structure, 0..5), prop::collection::vec(0u8..4, 0..3))
        .prop_map(|(structures, tail)| [structures.concat(), tail].concat())
}

fn hex_of(length: impl Strategy<Value = usize>) -> impl Strategy<Value = String> {
    length
        .prop_flat_map(|n| prop::collection::vec(0u8..4, n))
        .prop_map(|v| v.iter().map(|b| format!("{b:02x}")).collect())
}

/// As the settings have them, but for names that they refuse: these bytes are control characters.
fn parsed(raw: &RawConfig) -> Filters {
    fn all<E, T>(list: &[E], parse: impl Fn(&E) -> Option<T>) -> Vec<T> {
        list.iter().map(parse).collect::<Option<_>>().expect("patterns that are right")
    }
    Filters {
        rssi: (raw.filter_rssi > -128).then_some(raw.filter_rssi),
        addresses: all(&raw.filter_macs, |mac| AddressPattern::parse(mac)),
        names: all(&raw.filter_names, |name| NamePattern::parse(name)),
        uuids: all(&raw.filter_uuids, |uuid| UuidPattern::parse(uuid)),
        values: all(&raw.filter_values, ValuePattern::parse),
    }
}

fn raw_configs() -> impl Strategy<Value = RawConfig> {
    let name =
        prop_oneof![Just("*".to_owned()), "[\u{1}-\u{3}]{1,3}\\*", "\\*[\u{1}-\u{3}]{1,3}", "[\u{1}-\u{3}]{1,4}"];
    let mac = prop::sample::select(vec!["0*", "00:0*", "00:01:*", "00:01:02:03:00:01", "00:00:01*", "01:02*"]);
    let uuid = hex_of(prop::sample::select(vec![2usize, 4, 16]));
    let value = (-1i32..6, hex_of(1usize..3));
    (
        prop_oneof![Just(-128i16), -90i16..-30],
        prop::collection::vec(name, 0..3),
        prop::collection::vec(mac.prop_map(str::to_owned), 0..3),
        prop::collection::vec(uuid, 0..4),
        prop::collection::vec(value, 0..3),
    )
        .prop_map(|(filter_rssi, filter_names, filter_macs, filter_uuids, filter_values)| RawConfig {
            filter_rssi,
            filter_names,
            filter_macs,
            filter_uuids,
            filter_values,
            ..RawConfig::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn compiled_filters_agree_with_the_naive_ones(
        raw in raw_configs(), data in ad_bytes(), address in prop::array::uniform6(0u8..3), rssi in -100i8..-20,
    ) {
        let advert = Advert { address: Address(address), rssi, ..advert(&data) };
        prop_assert_eq!(super::check(&parsed(&raw), &advert).is_ok(), naive(&raw, &advert));
    }
}
