//! What an advert costs between the socket and the queue: parsed, put together, judged, written as JSON.
//!
//!     cargo bench --bench pipeline [-- NAME]
//!     benches/instructions                    # how many instructions each takes, compared with what is written down
//!
//! `advert` is one packet that ends in the open batch or at a filter (every twentieth closes the batch), `batch` twenty of them
//! and the finished message. No socket, no clock, no locks: those are in `throughput`.

use cassia_bypass::config::{Candidate, Config, Filters, RawConfig};
use cassia_bypass::encode::{Batch, Plan};
use cassia_bypass::ingest::bench::Parser;
use cassia_bypass::ingest::{Duplicates, check_filters};
use cassia_bypass::model::{Address, BootTime};
use criterion::{Criterion, Throughput, criterion_group};
use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

const BATCH: usize = 20;
/// A multiple of that.
const DEVICES: usize = 200;

/// All that stands between the socket and the queue.
struct Pipeline {
    parser: Parser,
    filters: Filters,
    duplicates: Duplicates,
    batch: Batch,
    now: Instant,
    wall: Option<SystemTime>,
}

impl Pipeline {
    fn new(change: impl FnOnce(&mut RawConfig)) -> Self {
        let mut raw = RawConfig { protocol: "mqtt".into(), host: "broker".into(), ..RawConfig::default() };
        change(&mut raw);
        let config = Config::check(&Candidate { raw, ..Candidate::default() }).expect("settings");
        let gateway = Address([0xCC, 0x1B, 0xE0, 0, 0, 1]);
        let plan = Plan { size: BATCH as u32, max_bytes: usize::MAX, payload: config.payload, gateway };
        Self {
            parser: Parser::default(),
            filters: config.filters.clone(),
            duplicates: Duplicates::new(config.duplicates_ms),
            batch: Batch::new(plan, 1),
            now: Instant::now(),
            wall: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
        }
    }

    fn hear(&mut self, packet: &[u8]) {
        let Self { parser, filters, duplicates, batch, now, wall } = self;
        parser.hear(packet, *now, &mut |advert| {
            if check_filters(filters, advert).is_ok() && duplicates.pass(advert, *now) {
                black_box(batch.push(advert, *wall, BootTime(1)));
            }
        });
    }
}

/// A packet of the monitor channel: an LE Meta event with one report.
fn packet(subevent: u8, report: &[u8]) -> Vec<u8> {
    let event = [&[0x3E, report.len() as u8 + 2, subevent, 1], report].concat();
    [&[3, 0, 0, 0][..], &(event.len() as u16).to_le_bytes(), &event].concat()
}

/// One of so many devices.
fn address(device: usize) -> [u8; 6] {
    let [low, high, ..] = device.to_le_bytes();
    [low, high, 0x22, 0x33, 0x44, 0xC5]
}

/// Core 5.4, Vol 4, Part E, 7.7.65.2: ADV_IND.
fn legacy(device: usize, data: &[u8]) -> Vec<u8> {
    packet(0x02, &[&[0, 1][..], &address(device), &[data.len() as u8], data, &[196]].concat())
}

/// Core 5.4, Vol 4, Part E, 7.7.65.13: connectable, both packets on 1M.
fn extended(device: usize, data: &[u8]) -> Vec<u8> {
    let middle = [1, 1, 7, 4, 196, 0, 0, 0, 0, 0, 0, 0, 0, 0, data.len() as u8];
    packet(0x0D, &[&[0x01, 0, 1][..], &address(device), &middle, data].concat())
}

/// Flags, a list of service UUIDs, and a name: 31 bytes.
fn named() -> Vec<u8> {
    [&[2, 0x01, 6, 5, 0x03, 0x0F, 0x18, 0x0A, 0x18, 21, 0x09][..], b"Temperature Sensor 7"].concat()
}

/// An iBeacon: 30 bytes.
fn beacon() -> Vec<u8> {
    [&[2, 0x01, 6, 26, 0xFF, 0x4C, 0x00, 0x02, 0x15][..], &[0xA5; 16], &[0, 1, 0, 2, 0xC5]].concat()
}

/// Flags and manufacturer data: 200 bytes.
fn long() -> Vec<u8> {
    [&[2, 0x01, 6, 196, 0xFF, 0xFF, 0xFF][..], &[0x5A; 193]].concat()
}

/// Filters of each kind, so that each one is asked; the advert of [`named`] passes them.
fn filters(raw: &mut RawConfig) {
    raw.filter_rssi = -90;
    raw.filter_macs = ["CC:1B:E0*", "C5:44:33*"].map(str::to_owned).to_vec();
    raw.filter_names = ["Pressure*", "*Strap", "Temperature*"].map(str::to_owned).to_vec();
    raw.filter_uuids = ["FEAA", "180A"].map(str::to_owned).to_vec();
    raw.filter_values = vec![(-1, "53656E736F72".into())];
}

/// As many as there may be, of which the last one decides.
fn many_filters(raw: &mut RawConfig) {
    raw.filter_names = (0..63).map(|n| format!("Sensor {n}*")).chain(["Temperature*".into()]).collect();
    raw.filter_macs = (0..63).map(|n| format!("00:00:{n:02}*")).chain(["C5:44*".into()]).collect();
}

type Change = fn(&mut RawConfig);

/// Name, data, whether it is extended, and the settings.
type Case = (&'static str, Vec<u8>, bool, Change);

fn cases() -> [Case; 11] {
    [
        ("legacy", named(), false, |_| {}),
        ("legacy, timestamp", named(), false, |raw| raw.timestamp = true),
        ("legacy, filters that let it pass", named(), false, filters),
        ("legacy, 64 names and 64 addresses", named(), false, many_filters),
        ("legacy, filtered by RSSI", named(), false, |raw| raw.filter_rssi = -40),
        ("legacy, filtered by name", named(), false, |raw| raw.filter_names = vec!["Pulse*".into()]),
        ("legacy, repeats of 200 devices left out", named(), false, |raw| raw.duplicates_ms = 1000),
        ("iBeacon", beacon(), false, |_| {}),
        ("iBeacon, decoded, timestamp", beacon(), false, |raw| (raw.beacon, raw.timestamp) = (true, true)),
        ("extended, 200 bytes", long(), true, |_| {}),
        ("extended, 200 bytes, timestamp", long(), true, |raw| raw.timestamp = true),
    ]
}

fn packets((_, data, is_extended, _): &Case) -> Vec<Vec<u8>> {
    let report = if *is_extended { extended } else { legacy };
    (0..DEVICES).map(|device| report(device, data)).collect()
}

fn benches(criterion: &mut Criterion) {
    for case in &cases() {
        let (name, .., change) = case;
        let packets = packets(case);
        for (kind, count) in [("advert", 1), ("batch", BATCH)] {
            let (mut pipeline, mut next) = (Pipeline::new(change), 0);
            let mut group = criterion.benchmark_group(kind);
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(*name, |bencher| {
                bencher.iter(|| {
                    packets[next..next + count].iter().for_each(|packet| pipeline.hear(black_box(packet)));
                    next = (next + count) % DEVICES;
                });
            });
            group.finish();
        }
    }
}

/// Hears so many adverts of a case, for who counts instructions.
fn count(name: &str, adverts: usize) {
    let cases = cases();
    let case = cases.iter().find(|(other, ..)| *other == name).expect("the name of a case");
    let (mut pipeline, packets) = (Pipeline::new(case.3), packets(case));
    packets.iter().cycle().take(adverts).for_each(|packet| pipeline.hear(black_box(packet)));
}

criterion_group! {
    name = pipeline;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = benches
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--names"] => cases().iter().for_each(|(name, ..)| println!("{name}")),
        ["--count", name, adverts] => count(name, adverts.parse().expect("a number")),
        _ => {
            pipeline();
            Criterion::default().configure_from_args().final_summary();
        }
    }
}
