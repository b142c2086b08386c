use super::*;
use proptest::prelude::*;
use std::cell::Cell;

thread_local! {
    /// Bytes of which checksums were made.
    pub(in super::super) static HASHED: Cell<usize> = const { Cell::new(0) };
}

pub(in super::super) fn message() -> impl Strategy<Value = Message> {
    let times = prop::collection::vec(0i64..4, 0..30).prop_map(|steps| {
        let mut at = BootTime(-1000);
        steps.iter().fold(RxTimes::default(), |mut times, step| {
            at = at.plus(*step);
            times.push(at);
            times
        })
    });
    (prop::collection::vec(any::<u8>(), 0..200), 1u64..1000, any::<Option<[u8; 6]>>(), times).prop_map(
        |(payload, adverts, device, received)| Message {
            payload,
            adverts,
            device: device.map(Address),
            received,
            ..Message::default()
        },
    )
}

/// A record as version 1 wrote it.
pub(in super::super) fn write_1(out: &mut Vec<u8>, written: u32, message: &Message) {
    let device = message.device.map(|device| [&[1][..], &device.0].concat()).unwrap_or(vec![0]);
    let body =
        [&written.to_le_bytes()[..], &(message.adverts as u32).to_le_bytes(), &device, &message.payload].concat();
    let length = (body.len() as u32).to_le_bytes();
    out.extend(length);
    out.extend(hash(&[&length, &body]).to_le_bytes());
    out.extend(body);
}

/// The message that a record holds.
pub(in super::super) fn owned(view: &View, record: &[u8]) -> Message {
    let received = match &view.received {
        Received::SinceBoot(times) => times.clone(),
        Received::Before(_) => RxTimes::default(),
    };
    let payload = record[view.payload.clone()].to_vec();
    Message { payload, adverts: view.adverts.into(), device: view.device, received, ..Message::default() }
}

#[test]
fn version_is_told_by_the_first_bytes() {
    assert_eq!(Version::of(b"CBSPOOL1"), Version::One);
    assert_eq!(Version::of(b"CBSPOOL2"), Version::Two);
    assert_eq!(Version::of(b"CBSPOOL3"), Version::Foreign(b'3'));
    assert_eq!(Version::of(b"CBSPOOLx"), Version::Damaged);
    assert_eq!(Version::of(&[0; 8]), Version::Blank);
}

proptest! {
    #[test]
    fn record_is_read_as_it_was_written(message in message(), boot: Option<[u8; 16]>, uptime: i64, wall: Option<u32>) {
        let mut budget = 0;
        let mut bytes = Vec::new();
        write(&mut bytes, &message);
        prop_assert_eq!(bytes.len(), size(&message));
        let Found::Record(Body::Message(view), length) = find(&bytes, Version::Two, &mut budget) else { panic!("no record") };
        prop_assert_eq!((owned(&view, &bytes), length), (message, bytes.len()));

        let boot = boot.filter(|boot| *boot != [0; 16]).map(BootId);
        let clocks = Clocks { boot, uptime: BootTime(uptime), wall: wall.map(i64::from) };
        bytes.clear();
        write_clocks(&mut bytes, &clocks);
        prop_assert_eq!(bytes.len() + MAGIC.len(), SIZE_OF_CLOCKS);
        prop_assert_eq!(find(&bytes, Version::Two, &mut budget), Found::Record(Body::Clocks(clocks), bytes.len()));
    }

    #[test]
    fn record_of_version_1_is_read_and_is_none_of_version_2(message in message(), written: u32) {
        let mut bytes = Vec::new();
        write_1(&mut bytes, written, &message);
        let message = Message { received: RxTimes::default(), ..message };
        for version in [Version::One, Version::Damaged] {
            let Found::Record(Body::Message(view), length) = find(&bytes, version, &mut (bytes.len() as u64)) else { panic!("no record") };
            prop_assert_eq!(&view.received, &Received::Before(Some(written).filter(|at| *at != 0)));
            prop_assert_eq!((owned(&view, &bytes), length), (Message { payload: message.payload.clone(), received: RxTimes::default(), ..message }, bytes.len()));
        }
        prop_assert!(!matches!(find(&bytes, Version::Two, &mut 0), Found::Record(..) | Found::Damaged(_)));
    }

    #[test]
    fn record_that_is_cut_or_changed_is_none(message in message(), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = Vec::new();
        write(&mut bytes, &message);
        let at = at.index(bytes.len());
        let cut = find(&bytes[..at], Version::Two, &mut 0);
        prop_assert!(matches!(cut, Found::More { bytes: needed, .. } if needed > at), "{:?}", cut);
        bytes[at] ^= 1 << bit;
        match find(&bytes, Version::Two, &mut 0) {
            Found::Damaged(length) => prop_assert_eq!(length, bytes.len()),
            found => prop_assert!(found == Found::Nothing && at < HEAD, "{:?}", found),
        }
    }

    #[test]
    fn record_in_any_bytes_lies_inside_them(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for version in [Version::One, Version::Two, Version::Damaged] {
            match find(&bytes, version, &mut 1_000_000) {
                Found::Record(_, length) | Found::Damaged(length) => prop_assert!(length <= bytes.len()),
                Found::More { bytes: needed, .. } => prop_assert!(needed > bytes.len()),
                Found::Nothing => {}
            }
        }
    }
}
