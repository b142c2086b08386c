use super::*;
use crate::capture::Each;
use crate::config::{Candidate, RawConfig};
use crate::hci::packets::{extended, extended_event, legacy, legacy_event};
use crate::hci::reports;
use crate::model::FilterKind;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

/// A capture of packets that a test wrote.
#[derive(Default)]
struct Tape(VecDeque<Vec<u8>>);

impl Capture for Tape {
    async fn ready(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn take(&mut self, each: &mut Each<'_>) -> io::Result<ReadOutcome> {
        self.0.drain(..).for_each(|packet| reports::adverts(&packet, each));
        Ok(ReadOutcome::default())
    }
}

struct Bench {
    pipeline: Pipeline,
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    candidate: Candidate,
}

const ROUTER: Address = Address([0xCC, 0x1B, 0xE0, 0xE0, 0xE6, 0xD0]);

impl Bench {
    fn new(change: impl FnOnce(&mut RawConfig)) -> Self {
        let mut candidate = Candidate::default();
        candidate.raw.protocol = "mqtt".into();
        candidate.raw.host = "broker".into();
        change(&mut candidate.raw);
        let stats = Arc::new(Stats::default());
        let queue = Arc::new(Queue::new(1 << 24, stats.clone()));
        let pipeline = Pipeline::new(queue.clone(), stats.clone(), Arc::default(), &checked(&candidate), ROUTER);
        Self { pipeline, queue, stats, candidate }
    }

    fn set(&mut self, change: impl FnOnce(&mut RawConfig)) {
        change(&mut self.candidate.raw);
        self.pipeline.configure(&checked(&self.candidate));
        assert!(self.stats.snapshot().balances());
    }

    fn hear(&mut self, packet: Vec<u8>) {
        self.pipeline.take(&mut Tape([packet].into()), None).expect("a tape");
        assert!(self.stats.snapshot().balances());
    }

    fn hear_data(&mut self, data: &[u8], rssi: i8) {
        self.hear(legacy_event(0, &[legacy(3, 1, data, rssi)]));
    }

    /// Finished messages.
    fn messages(&self) -> Vec<Value> {
        let pop = || self.queue.try_pop().map(|m| serde_json::from_slice(&m.payload).expect("JSON"));
        std::iter::from_fn(pop).collect()
    }

    /// `adData` of every item, all batches closed.
    fn data(&mut self) -> Vec<String> {
        self.pipeline.flush();
        let items = self.messages().into_iter().flat_map(|m| m.as_array().cloned().expect("an array"));
        items.map(|item| item["adData"].as_str().expect("adData").to_owned()).collect()
    }
}

fn checked(candidate: &Candidate) -> Arc<Config> {
    Arc::new(Config::check(candidate).expect("right"))
}

#[test]
fn pipeline_counts_what_each_filter_leaves_out() {
    let mut bench = Bench::new(|f| f.filter_rssi = -70);
    bench.hear_data(b"\x01", -71);
    bench.hear_data(b"\x02", -70);
    bench.set(|f| (f.filter_rssi, f.filter_names) = (-128, vec!["*".into()]));
    bench.hear_data(b"\x03", -71);
    bench.set(|f| (f.filter_names, f.filter_macs) = (vec![], vec!["00*".into()]));
    bench.hear_data(b"\x04", 0);
    bench.set(|f| (f.filter_macs, f.filter_uuids) = (vec![], vec!["180F".into()]));
    bench.hear_data(b"\x05", 0);
    bench.set(|f| (f.filter_uuids, f.filter_values) = (vec![], vec![(0, "06".into())]));
    bench.hear_data(b"\x05", 0);
    bench.hear_data(b"\x06", 0);
    assert_eq!(bench.data(), ["02", "06"]);
    let ledger = bench.stats.snapshot();
    assert_eq!((ledger.received, ledger.filtered_total()), (7, 5));
    for kind in crate::model::FilterKind::ALL {
        assert_eq!(ledger.filtered(kind), 1, "{kind:?}");
    }
}

#[test]
fn repeats_are_left_out_until_their_rule_changes() {
    let mut bench = Bench::new(|f| f.duplicates_ms = 86_400_000);
    for data in [b"a", b"a", b"b", b"a"] {
        bench.hear_data(data, -60);
    }
    // Nothing that concerns them.
    bench.set(|f| (f.push_batch_size, f.filter_rssi) = (7, -100));
    bench.hear_data(b"a", -60);
    bench.set(|f| f.duplicates_ms = 1);
    bench.hear_data(b"a", -60);
    bench.hear_data(b"c", -60);
    bench.set(|f| f.duplicates_ms = 0);
    bench.hear_data(b"a", -60);
    assert_eq!(bench.data(), ["61", "62", "61", "61"]);
    assert_eq!(bench.stats.snapshot().deduplicated, 4);
}

#[test]
fn filters_come_before_repeats_and_both_before_the_protocol_matters() {
    let mut bench = Bench::new(|f| (f.protocol, f.filter_rssi, f.duplicates_ms) = ("none".into(), -70, 1));
    bench.hear_data(b"a", -71);
    bench.hear_data(b"a", -60);
    let ledger = bench.stats.snapshot();
    assert_eq!((ledger.filtered(FilterKind::Rssi), ledger.unpublished), (1, 1));
    // What was dropped is not known to anyone: it is not a repeat.
    bench.set(|f| f.protocol = "mqtt".into());
    bench.hear_data(b"b", -71);
    bench.hear_data(b"a", -60);
    assert_eq!(bench.data(), ["61"]);
}

#[test]
fn timestamps_wait_for_a_clock() {
    let mut bench = Bench::new(|f| f.timestamp = true);
    bench.hear_data(b"a", 0);
    bench.stats.set_clock_synchronised(true);
    bench.hear_data(b"b", 0);
    bench.set(|f| f.timestamp_format = "local".into());
    bench.hear_data(b"c", 0);
    bench.set(|f| f.timestamp = false);
    bench.stats.set_clock_synchronised(false);
    bench.hear_data(b"d", 0);
    bench.pipeline.flush();
    let items = bench.messages().remove(0);
    let stamp = |i: usize| items[i]["timestamp"].as_str().map(str::len);
    assert_eq!((stamp(0), stamp(1), stamp(3)), (None, Some(24), None));
    assert!(stamp(2).is_some_and(|length| length >= 25), "with the name of a zone: {items}");
    assert_eq!(bench.stats.snapshot().timestamps_withheld, 1);
}

#[test]
fn pipeline_uses_other_framing_from_the_next_advert_on() {
    let mut bench = Bench::new(|_| {});
    bench.hear_data(b"a", 0);
    bench.set(|f| f.payload_format = "object".into());
    assert_eq!(bench.messages().len(), 1, "the array is closed");
    assert_eq!(bench.pipeline.next_deadline(), None);
    bench.hear(legacy_event(0, &vec![legacy(3, 1, b"b", 0); 3]));
    assert_eq!(bench.messages().iter().filter(|m| m.is_object()).count(), 3);
    bench.set(|f| (f.payload_format, f.push_batch_size) = ("envelope".into(), 1));
    bench.hear_data(b"c", 0);
    bench.set(|f| f.router_address = "00:1A:7D:DA:71:13".into());
    bench.stats.set_clock_synchronised(true);
    bench.hear_data(b"d", 0);
    let messages = bench.messages();
    assert_eq!((&messages[0]["seq"], &messages[1]["seq"]), (&Value::from(0), &Value::from(1)));
    assert_eq!((&messages[0]["gateway"], &messages[0]["timestamp"]), (&"CC:1B:E0:E0:E6:D0".into(), &Value::from(0)));
    assert_eq!(messages[1]["gateway"], "00:1A:7D:DA:71:13");
    assert!(messages[1]["timestamp"].as_u64().is_some_and(|ms| ms > 1_700_000_000_000));
    assert_eq!(messages[0]["epoch"].as_str().map(str::len), Some(16));
}

#[test]
fn pipeline_filters_a_chain_as_one_advert() {
    let mut bench = Bench::new(|f| f.filter_values = vec![(1, "0203".into())]);
    let piece = |event_type, data: &[u8]| extended_event(0, &[extended(event_type, 0, [1, 2], data)]);
    bench.hear(piece(0x20, b"\x01\x02"));
    assert_eq!(bench.stats.snapshot().received, 0);
    assert!(bench.pipeline.next_deadline().is_some());
    bench.hear(piece(0x00, b"\x03"));
    assert_eq!((bench.stats.snapshot().received, bench.stats.snapshot().queued), (1, 1));
    // The rest of this one never comes.
    bench.hear(piece(0x20, b"\x01\x02\x03"));
    assert_eq!(bench.data(), ["010203", "010203"]);
    assert_eq!(bench.stats.snapshot().truncated, 1);
}

/// Twenty long adverts are more than a small queue holds: one message of them all would be dropped.
#[test]
fn pipeline_makes_no_batch_larger_than_a_part_of_the_queue() {
    const MAX_QUEUED_MESSAGES: u32 = 65_536;
    let mut bench = Bench::new(|f| (f.queue_max_bytes, f.push_batch_size) = (MAX_QUEUED_MESSAGES, 20));
    bench.queue.set_max_bytes(MAX_QUEUED_MESSAGES as usize);
    let (mut adverts, mut largest) = (0, 0);
    for _ in 0..20 {
        let piece = |status: u16, length| extended(status << 5, 0, [1, 1], &vec![0; length]);
        let pieces: Vec<_> = [1; 7].map(|status| piece(status, 229)).into_iter().chain([piece(0, 47)]).collect();
        pieces.into_iter().for_each(|piece| bench.hear(extended_event(0, &[piece])));
        while let Some(message) = bench.queue.try_pop() {
            (adverts, largest) = (adverts + message.adverts, largest.max(message.payload.len()));
        }
    }
    bench.pipeline.flush();
    adverts += bench.queue.try_pop().map_or(0, |message| message.adverts);
    assert_eq!((adverts, bench.stats.snapshot().dropped_total()), (20, 0));
    assert!(largest <= MAX_QUEUED_MESSAGES as usize / 4, "{largest}");
}

#[tokio::test(start_paused = true)]
async fn pipeline_sends_what_is_overdue() {
    let mut bench = Bench::new(|f| f.push_interval_ms = 10_000);
    bench.hear_data(b"a", 0);
    bench.hear(extended_event(0, &[extended(0x20, 0, [1, 2], b"b")]));
    let due = bench.pipeline.next_deadline().expect("a chain");
    bench.pipeline.close_due();
    assert_eq!(bench.pipeline.next_deadline(), Some(due), "nothing is due yet");
    tokio::time::sleep_until(due).await;
    bench.pipeline.close_due();
    assert_eq!(bench.stats.snapshot().truncated, 0, "its rest may wait in the capture");
    bench.pipeline.take(&mut Tape::default(), None).expect("a tape");
    bench.pipeline.close_due();
    assert_eq!(bench.stats.snapshot().truncated, 1);
    assert!(bench.queue.is_empty());
    tokio::time::sleep_until(bench.pipeline.next_deadline().expect("a batch")).await;
    bench.pipeline.close_due();
    assert_eq!(bench.messages()[0].as_array().map(Vec::len), Some(2));
    assert_eq!(bench.pipeline.next_deadline(), None);
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn pipeline_allocates_nothing_for_an_advert_that_joins_the_open_batch() {
    let mut bench = Bench::new(|f| {
        (f.push_batch_size, f.timestamp, f.beacon, f.duplicates_ms) = (1000, true, true, 1000);
        (f.filter_rssi, f.filter_names, f.filter_macs) = (-90, vec!["De*".into()], vec!["C1*".into()]);
        (f.filter_uuids, f.filter_values) = (vec!["180F".into()], vec![(-1, "0F18".into())]);
    });
    bench.stats.set_clock_synchronised(true);
    // Each one twice, once too weak, once extended, once in two pieces.
    let packets = (0..200_u16).flat_map(|n| {
        let data = [&b"\x03\x03\x0F\x18\x05\x09Desk\x03\xFF"[..], &n.to_be_bytes()].concat();
        let once = legacy_event(0, &[legacy(0, 1, &data, -60)]);
        let weak = legacy_event(0, &[legacy(0, 1, &data, -91)]);
        let piece = |event_type, data: &[u8]| extended(event_type, 1, [1, 1], data);
        let pieces = extended_event(0, &[piece(0x21, &data[..5]), piece(0x01, &data[5..])]);
        [once.clone(), once, weak, extended_event(0, &[piece(0, &data)]), pieces]
    });
    let packets: VecDeque<_> = packets.collect();
    // The first rounds make room.
    for _ in 0..3 {
        bench.pipeline.take(&mut Tape(packets.clone()), None).expect("a tape");
        bench.pipeline.flush();
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    let mut last = Tape(packets);
    let info = allocation_counter::measure(|| drop(bench.pipeline.take(&mut last, None)));
    let ledger = bench.stats.snapshot();
    assert_eq!((ledger.received, ledger.filtered_total(), ledger.deduplicated), (4000, 800, 800));
    assert_eq!(ledger.timestamps_withheld, 0);
    assert_eq!(info.count_total, 0, "{} bytes", info.bytes_total);
}

proptest! {
    #[test]
    fn pipeline_accounts_for_every_advert_whatever_is_heard_and_set(steps in prop::collection::vec((0u8..9, any::<u8>(), 0u16..4), 0..60)) {
        let mut bench = Bench::new(|_| {});
        for (step, value, status) in steps {
            match step {
                0 => bench.set(|f| f.filter_rssi = [-128, 0][usize::from(value % 2)]),
                1 => bench.set(|f| f.duplicates_ms = [0, 1, 1000][usize::from(value % 3)]),
                2 => bench.set(|f| f.protocol = ["none", "mqtt"][usize::from(value % 2)].into()),
                3 => bench.set(|f| f.payload_format = ["array", "object", "envelope"][usize::from(value % 3)].into()),
                4 => bench.pipeline.flush(),
                5 | 6 => bench.hear_data(&[value % 4], value.cast_signed()),
                _ => bench.hear(extended_event(0, &[extended(status << 5, value % 3, [1, 1], &[value])])),
            }
        }
        bench.pipeline.flush();
        let ledger = bench.stats.snapshot();
        prop_assert!(ledger.balances());
        let waiting: u64 = std::iter::from_fn(|| bench.queue.try_pop()).map(|m| m.adverts).sum();
        prop_assert_eq!(ledger.queued, waiting);
    }
}
