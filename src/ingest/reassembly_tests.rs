use super::*;
use crate::hci::packets::{extended, extended_event};
use crate::hci::reports;
use proptest::prelude::*;

/// What came out: the advert without its data, and the data.
type Item = (Advert<'static>, Vec<u8>);

const FIELDS: Extended =
    Extended { event_type: 0, primary_phy: 3, secondary_phy: 3, sid: 5, tx_power: 127, interval: 80 };

fn piece(tag: u8, status: u16, data: &[u8]) -> Advert<'_> {
    Advert {
        adapter: 0,
        address: Address([0xC0, 0, 0, 0, 0, tag]),
        address_type: AddressType::Random,
        pdu: Pdu::Extended(Extended { event_type: status << 5, ..FIELDS }),
        rssi: -60,
        data,
    }
}

fn keep(items: &mut Vec<Item>) -> impl FnMut(&Advert<'_>) {
    |a| items.push((Advert { data: &[], ..*a }, a.data.to_vec()))
}

#[derive(Default)]
struct Bench {
    reassembly: Reassembly,
    items: Vec<Item>,
}

impl Bench {
    fn take(&mut self, piece: &Advert<'_>, now: Instant) {
        self.reassembly.take(piece, Received::at(now), &mut keep(&mut self.items));
    }

    /// Data and status of what came out since the last call.
    fn out(&mut self) -> Vec<(Vec<u8>, DataStatus)> {
        let status = |a: &Advert<'_>| match a.pdu {
            Pdu::Extended(e) => e.data_status(),
            _ => DataStatus::Complete,
        };
        self.items.drain(..).map(|(advert, data)| (data, status(&advert))).collect()
    }
}

#[test]
fn reassembly_passes_whole_adverts_as_they_are_at_no_cost() {
    let (mut reassembly, now, mut count) = (Reassembly::default(), Instant::now(), 0);
    let legacy = Advert { pdu: Pdu::NonconnInd, ..piece(1, 0, b"legacy") };
    let whole = [legacy, piece(1, 0, b"whole"), piece(1, 2, b"cut by the controller")];
    let info = allocation_counter::measure(|| {
        for _ in 0..1000 {
            for advert in &whole {
                reassembly.take(advert, Received::at(now), &mut |out| {
                    assert_eq!(out, advert);
                    count += 1;
                });
            }
        }
    });
    assert_eq!((count, info.count_total), (3000, 0));
    assert_eq!(reassembly.due(), None);
}

#[test]
fn chains_of_several_advertisers_do_not_mix() {
    let (mut bench, now) = (Bench::default(), Instant::now());
    bench.take(&piece(1, 1, b"a"), now);
    bench.take(&piece(2, 1, b"x"), now);
    bench.take(&Advert { adapter: 1, ..piece(1, 1, b"m") }, now);
    let sid = Pdu::Extended(Extended { event_type: 0x20, sid: 6, ..FIELDS });
    bench.take(&Advert { pdu: sid, ..piece(1, 1, b"s") }, now);
    let response = Pdu::Extended(Extended { event_type: 0x28, ..FIELDS });
    bench.take(&Advert { pdu: response, ..piece(1, 1, b"r") }, now);
    bench.take(&Advert { address_type: AddressType::Public, ..piece(1, 1, b"p") }, now);
    bench.take(&piece(3, 0, b"whole"), now);
    bench.take(&piece(2, 0, b"y"), now);
    bench.take(&piece(1, 1, b"b"), now);
    bench.take(&piece(1, 0, b"c"), now);
    let wanted = [&b"whole"[..], b"xy", b"abc"].map(|data| (data.to_vec(), DataStatus::Complete));
    assert_eq!(bench.out(), wanted);
    bench.reassembly.flush(&mut keep(&mut bench.items));
    let wanted = [b"m", b"s", b"r", b"p"].map(|data| (data.to_vec(), DataStatus::Truncated));
    assert_eq!(bench.out(), wanted);
}

#[test]
fn reassembly_of_a_chain_that_the_controller_gives_up_is_truncated() {
    let (mut bench, now) = (Bench::default(), Instant::now());
    bench.take(&piece(1, 1, b"a"), now);
    bench.take(&piece(1, 2, b"b"), now);
    assert_eq!(bench.out(), [(b"ab".to_vec(), DataStatus::Truncated)]);
}

#[test]
fn reassembly_of_a_chain_without_its_rest_is_truncated_soon() {
    let (mut bench, now) = (Bench::default(), Instant::now());
    bench.take(&piece(1, 1, b"a"), now);
    assert_eq!(bench.reassembly.due(), Some(now + MAX_GAP));
    bench.reassembly.expire(now + MAX_GAP / 2, &mut keep(&mut bench.items));
    assert_eq!(bench.out(), []);
    bench.take(&piece(1, 1, b"b"), now + MAX_GAP / 2);
    assert_eq!(bench.reassembly.due(), Some(now + MAX_GAP * 3 / 2), "from its last piece");
    bench.reassembly.expire(now + MAX_GAP * 3 / 2, &mut keep(&mut bench.items));
    assert_eq!(bench.out(), [(b"ab".to_vec(), DataStatus::Truncated)]);
    assert_eq!(bench.reassembly.due(), None);
}

/// 42 bytes, then the rest, of an advert of flags, two lists of UUIDs and manufacturer data.
const FIRST: &[u8] = b"\x02\x01\x06\x07\x03\x0A\x18\x0F\x18\x10\x30\x11\x07\x94\x9A\x42\x5C\x03\xCF\x21\xAE\x82\x4B\x6B\xEB\x01\x30\x70\xB4\x0F\xFF\x99\x9911111111111";
const REST: &[u8] = b"222";

/// Some controllers report the first piece of each chain only.
#[test]
fn first_pieces_alone_are_an_advert_each() {
    for gap in [1, 20, 100, 2000] {
        let (mut bench, mut now) = (Bench::default(), Instant::now());
        for _ in 0..5 {
            bench.take(&piece(1, 1, FIRST), now);
            now += Duration::from_millis(gap);
        }
        bench.reassembly.flush(&mut keep(&mut bench.items));
        assert_eq!(bench.out(), vec![(FIRST.to_vec(), DataStatus::Truncated); 5], "{gap} ms apart");
    }
}

#[test]
fn reassembly_keeps_the_next_advert_out_of_a_chain_whose_rest_was_lost() {
    let whole = [FIRST, REST].concat();
    for gap in [1, 20, 100, 2000] {
        let (mut bench, now) = (Bench::default(), Instant::now());
        bench.take(&piece(1, 1, FIRST), now);
        let next = now + Duration::from_millis(gap);
        bench.take(&piece(1, 1, FIRST), next);
        bench.take(&piece(1, 0, REST), next);
        bench.take(&piece(1, 1, FIRST), next);
        bench.take(&piece(1, 0, &whole), next + Duration::from_millis(gap));
        let (first, whole) = ((FIRST.to_vec(), DataStatus::Truncated), (whole.clone(), DataStatus::Complete));
        assert_eq!(bench.out(), [first.clone(), whole.clone(), first, whole], "{gap} ms apart");
    }
    // Another advert than before.
    let (mut bench, now) = (Bench::default(), Instant::now());
    let other = b"\x02\x01\x06\x05\x09Desk".to_vec();
    bench.take(&piece(1, 1, FIRST), now);
    bench.take(&piece(1, 0, &other), now + 2 * MAX_GAP);
    assert_eq!(bench.out(), [(FIRST.to_vec(), DataStatus::Truncated), (other, DataStatus::Complete)]);
}

#[test]
fn reassembly_marks_the_tail_of_a_cut_chain_as_not_complete() {
    let truncated = |data: &[u8]| (data.to_vec(), DataStatus::Truncated);
    // Its rest comes late.
    let (mut bench, now) = (Bench::default(), Instant::now());
    bench.take(&piece(1, 1, FIRST), now);
    bench.take(&piece(1, 0, REST), now + 2 * MAX_GAP);
    assert_eq!(bench.out(), [truncated(FIRST), truncated(REST)]);
    // After a second nobody knows any more.
    bench.take(&piece(1, 1, FIRST), now);
    bench.take(&piece(1, 0, REST), now + MAX_CHAIN);
    assert_eq!(bench.out(), [truncated(FIRST), (REST.to_vec(), DataStatus::Complete)]);

    // It had to give way to others.
    let (mut bench, now) = (Bench::default(), Instant::now());
    bench.take(&piece(200, 1, FIRST), now);
    (0..MAX_CHAINS as u8).for_each(|tag| bench.take(&piece(tag, 1, b"xyz"), now));
    bench.take(&piece(200, 1, b"\x02\x0A\x00"), now);
    bench.take(&piece(200, 0, b"rest"), now);
    let out = bench.out();
    assert_eq!(out, [truncated(FIRST), truncated(b"xyz"), truncated(b"\x02\x0A\x00rest")]);
    // And the next one is whole again.
    bench.take(&piece(200, 1, FIRST), now);
    bench.take(&piece(200, 0, REST), now);
    assert_eq!(bench.out().last(), Some(&([FIRST, REST].concat(), DataStatus::Complete)));
}

#[test]
fn reassembly_hands_an_endless_chain_over_each_second() {
    let (mut bench, start) = (Bench::default(), Instant::now());
    for n in 0..=100_u32 {
        bench.take(&piece(1, 1, &n.to_be_bytes()), start + MAX_GAP * n / 2);
    }
    let out = bench.out();
    assert_eq!(out.len(), 2);
    assert!(out.iter().all(|(_, status)| *status == DataStatus::Truncated));
    bench.reassembly.flush(&mut keep(&mut bench.items));
    let all: usize = out.iter().chain(&bench.out()).map(|(data, _)| data.len()).sum();
    assert_eq!(all, 101 * 4);
}

/// Whoever reads late does not know when a piece arrived: it has the benefit of the doubt.
#[test]
fn reassembly_takes_a_rest_that_waited_in_the_socket_as_in_time() {
    let (mut bench, now) = (Bench::default(), Instant::now());
    bench.take(&piece(1, 1, FIRST), now);
    let at = Received { earliest: now + MAX_GAP / 2, latest: now + MAX_GAP * 9 };
    bench.reassembly.take(&piece(1, 0, REST), at, &mut keep(&mut bench.items));
    assert_eq!(bench.out(), [([FIRST, REST].concat(), DataStatus::Complete)]);
}

/// Padding is the same everywhere.
#[test]
fn padding_is_no_beginning() {
    for byte in [0, 0x31, 0xFF] {
        let (mut bench, now) = (Bench::default(), Instant::now());
        (0..7).for_each(|_| bench.take(&piece(1, 1, &[byte; 229]), now));
        bench.take(&piece(1, 0, &[byte; 47]), now);
        assert_eq!(bench.out(), [(vec![byte; MAX_DATA], DataStatus::Complete)]);
    }
}

#[test]
fn reassembly_bounds_the_memory_of_a_storm_of_chains_and_loses_none() {
    let (mut bench, now) = (Bench::default(), Instant::now());
    for tag in 0..=255 {
        bench.take(&piece(tag, 1, &[tag; 100]), now);
        assert!(bench.reassembly.open.len() <= MAX_CHAINS);
    }
    let out = bench.out();
    assert_eq!(out.len(), 256 - MAX_CHAINS);
    assert_eq!(out[0], (vec![0; 100], DataStatus::Truncated));
    assert!(bench.reassembly.spare.len() <= MAX_CHAINS);
    // Buffers are used again.
    let mut reassembly = bench.reassembly;
    let info = allocation_counter::measure(|| {
        for tag in 0..=255 {
            reassembly.take(&piece(tag, 1, &[tag; 100]), Received::at(now), &mut |_| {});
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn reassembly_cuts_and_reports_more_bytes_than_there_can_be() {
    let (mut bench, now) = (Bench::default(), Instant::now());
    for _ in 0..9 {
        bench.take(&piece(1, 1, &[7; 229]), now);
    }
    bench.take(&piece(1, 0, &[7; 229]), now);
    assert_eq!(bench.out(), [(vec![7; MAX_DATA], DataStatus::Truncated)]);
}

#[test]
fn reassembly_makes_one_advert_with_every_field_of_a_real_event() {
    // Directed, LE Coded, anonymous: what `packets` gives has SID 7, TX power 4, periodic interval 0x0102.
    let pieces = [(0x0024, b"one"), (0x0024, b"two"), (0x0004, b"end")];
    let reports = pieces.map(|(event_type, data)| extended(event_type, 0xFF, [3, 3], data));
    let (mut bench, now) = (Bench::default(), Instant::now());
    reports::adverts(&extended_event(2, &reports), &mut |report| bench.take(report.expect("whole"), now));
    let fields = Extended { event_type: 4, primary_phy: 3, secondary_phy: 3, sid: 7, tx_power: 4, interval: 0x0102 };
    let wanted = Advert {
        adapter: 2,
        address: Address([0; 6]),
        address_type: AddressType::Anonymous,
        pdu: Pdu::Extended(fields),
        rssi: -50,
        data: &[],
    };
    assert_eq!(bench.items, [(wanted, b"onetwoend".to_vec())]);
}

proptest! {
    #[test]
    fn reassembly_of_any_split_gives_the_whole_advert(
        adverts in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..=MAX_DATA), prop::collection::vec(0..=MAX_DATA, 0..8), any::<(u8, u16, i8, i8)>()),
            1..6,
        ),
        order in prop::collection::vec(0usize..6, 0..60),
    ) {
        let now = Instant::now();
        // Advertisers that differ in their tag, each with a whole advert and the pieces of it.
        let wholes: Vec<_> = adverts.iter().enumerate().map(|(tag, (data, _, (sid, event_type, rssi, tx_power)))| {
            let event_type = event_type & !0x70;
            let pdu = Pdu::Extended(Extended { event_type, sid: *sid, tx_power: *tx_power, ..FIELDS });
            Advert { pdu, rssi: *rssi, ..piece(tag as u8, 0, data) }
        }).collect();
        let mut queues: Vec<Vec<_>> = wholes.iter().zip(&adverts).map(|(whole, (data, cuts, _))| {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (data.len() + 1)).chain([0, data.len()]).collect();
            cuts.sort_unstable();
            let mut pieces: Vec<_> = cuts.windows(2).map(|pair| {
                let Pdu::Extended(e) = whole.pdu else { unreachable!() };
                let pdu = Pdu::Extended(e.with_data_status(DataStatus::Incomplete));
                Advert { pdu, data: &whole.data[pair[0]..pair[1]], ..*whole }
            }).collect();
            pieces.last_mut().expect("one at least").pdu = whole.pdu;
            pieces.reverse();
            pieces
        }).collect();
        let mut bench = Bench::default();
        for turn in order.into_iter().chain((0..6).cycle().take(600)) {
            if let Some(piece) = queues.get_mut(turn).and_then(Vec::pop) {
                bench.take(&piece, now);
            }
        }
        prop_assert_eq!(bench.reassembly.due(), None);
        let mut out: Vec<_> = bench.items.iter().map(|(advert, data)| Advert { data, ..*advert }).collect();
        out.sort_by_key(|advert| advert.address);
        prop_assert_eq!(out, wholes);
    }

    #[test]
    fn reassembly_loses_nothing_and_makes_nothing_too_large(
        steps in prop::collection::vec((0u8..100, 0u16..4, 0usize..300, 0u64..300), 0..300)
    ) {
        let (mut bench, mut now) = (Bench::default(), Instant::now());
        let bytes = [9; 300];
        let (mut given, mut pieces) = (0, 0);
        for (tag, status, length, wait) in steps {
            now += Duration::from_millis(wait / 50);
            given += length;
            pieces += 1;
            bench.take(&piece(tag, status, &bytes[..length]), now);
            prop_assert!(bench.reassembly.open.len() <= MAX_CHAINS);
        }
        bench.reassembly.flush(&mut keep(&mut bench.items));
        let cut = bench.items.iter().any(|(_, data)| data.len() == MAX_DATA);
        let out: usize = bench.items.iter().map(|(_, data)| data.len()).sum();
        prop_assert!(out == given || cut && out < given);
        prop_assert!(bench.items.len() <= pieces && bench.items.iter().all(|(_, data)| data.len() <= MAX_DATA));
    }
}
