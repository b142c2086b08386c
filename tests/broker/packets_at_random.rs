//! Packets of every type, right and wrong, at random moments: the service lives, and what it was given ends up somewhere.
//! `fuzz/asan` runs this for an hour with the MQTT library and the service under AddressSanitizer.

use crate::service::{Service, candidate, limits};
use crate::support::eventually;
use crate::support::scripted_broker::{CONNECT, PUBLISH, Packet, Peer, ScriptedBroker, Then};
use cassia_bypass::publisher::Limits;
use fastrand::Rng;
use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// For how long, unless the environment says otherwise.
const SECONDS: u64 = 6;
/// Messages that are on their way at a time.
const WAITING: usize = 40;

fn quick() -> Limits {
    let (base, cap) = (Duration::from_millis(1), Duration::from_millis(5));
    let short = Duration::from_millis(50);
    Limits { backoff_base: base, backoff_cap: cap, retire: short, settle: short, ..limits() }
}

/// A packet of any type: mostly of a plausible form, with an id that is or was in use.
fn packet(rng: &mut Rng, peer: &Peer, seen: &Packet) -> Vec<u8> {
    let id = match rng.u8(..4) {
        0 => [rng.u8(..), rng.u8(..)],
        1 => [0, rng.u8(..8)],
        _ if seen.kind() == PUBLISH && seen.qos() > 0 => seen.id(),
        _ => [0, 1],
    };
    let kind = rng.u8(..16);
    // The flags that the type wants, or any.
    let flags = if rng.u8(..8) == 0 { rng.u8(..16) } else { [0, 0, 0, rng.u8(..6), 0, 0, 2][usize::from(kind.min(6))] };
    let mut body = match kind {
        2 => vec![rng.u8(..2), rng.u8(..7)],
        3 => [&[0, 1, b't'][..], &id, b"payload"].concat(),
        9 | 11 => [&id[..], &[rng.u8(..3)]].concat(),
        12..=14 => Vec::new(),
        _ => id.to_vec(),
    };
    if peer.level == 5 && rng.bool() {
        // A reason code, and properties of a length that is right or not.
        body.push([0, 0x10, 0x80, 0x83, 0x87, 0x97][rng.usize(..6)]);
        let properties: &[&[u8]] = &[&[0], &[4, 0x1F, 0, 1, b'x'], &[9, 0x1F, 0, 1], &[5, 0x27, 0, 0, 0, 1], &[0xFF]];
        body.extend_from_slice(properties[rng.usize(..properties.len())]);
    }
    if rng.u8(..10) == 0 {
        let length = rng.usize(..300);
        body.resize_with(length, || rng.u8(..));
    }
    let mut bytes = vec![kind << 4 | flags];
    let mut length = if rng.u8(..20) == 0 { rng.usize(..400) } else { body.len() };
    while length >= 128 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(body);
    bytes
}

/// Answers rightly most of the time; else with anything, twice, late, in pieces, or with the end.
fn misbehave(rng: &mut Rng, peer: &mut Peer, seen: &Packet, sent: &AtomicU64) -> Then {
    let rare = if seen.kind() == CONNECT { 20 } else { 4 };
    if rng.u8(..rare) > 0 {
        return peer.obey(seen);
    }
    for _ in 0..rng.u8(1..4) {
        let bytes = packet(rng, peer, seen);
        let (first, rest) = bytes.split_at(rng.usize(..=bytes.len()));
        peer.send(first);
        peer.send(rest);
        sent.fetch_add(1, Ordering::Relaxed);
    }
    match rng.u8(..8) {
        0 => Then::Close,
        1 => Then::GoOn,
        _ => peer.obey(seen),
    }
}

#[test]
fn packets_at_random_end_nothing_but_connections() {
    let seconds = env::var("CASSIA_PACKETS_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    let seed =
        env::var("CASSIA_PACKETS_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().expect("a number"));
    println!("CASSIA_PACKETS_SEED={seed}");
    let sent = Arc::new(AtomicU64::new(0));
    let mut connections = 0;
    let settings = [("3.1.1", 0), ("3.1.1", 1), ("3.1.1", 2), ("5", 0), ("5", 1), ("5", 2), ("3.1", 2)];
    for (n, (version, qos)) in settings.into_iter().enumerate() {
        let end = Instant::now() + Duration::from_secs(seconds) / settings.len() as u32;
        let (well, counted) = (Arc::new(AtomicBool::new(false)), sent.clone());
        let behaves = well.clone();
        let dice = Mutex::new(Rng::with_seed(seed.wrapping_add(n as u64)));
        let broker = ScriptedBroker::start(move |peer, packet| {
            if behaves.load(Ordering::Relaxed) {
                return peer.obey(packet);
            }
            let mut rng = dice.lock().expect("no panic").fork();
            misbehave(&mut rng, peer, packet, &counted)
        });
        let mut candidate = candidate(broker.port);
        (candidate.raw.mqtt_version, candidate.raw.scan_qos) = (version.into(), qos);
        let service = Service::with(candidate, quick());
        let (mut pushed, mut rng) = (0, Rng::with_seed(seed));
        while Instant::now() < end {
            for _ in 0..rng.usize(1..WAITING) {
                service.push(format!("[{pushed}]"));
                pushed += 1;
            }
            let settled = || {
                let ledger = service.ledger();
                let over = Instant::now() >= end || ledger.published + ledger.dropped_total() >= pushed;
                if over { Ok(()) } else { Err(format!("{ledger:?} of {pushed}, {:?}", service.link())) }
            };
            eventually("the messages end up somewhere", settled);
        }
        well.store(true, Ordering::Relaxed);
        service.push("the last");
        pushed += 1;
        eventually("a broker that behaves gets the rest", || {
            let ledger = service.ledger();
            let all = ledger.published + ledger.dropped_total() == pushed && service.link().error.is_none();
            if all { Ok(()) } else { Err(format!("{ledger:?} of {pushed}, {:?}", service.link())) }
        });
        connections += broker.connections();
        println!("MQTT {version} at QoS {qos}: {pushed} messages over {} connections", broker.connections());
    }
    println!("{} odd packets over {connections} connections in {seconds} s", sent.load(Ordering::Relaxed));
    assert!(sent.load(Ordering::Relaxed) > 0);
}
