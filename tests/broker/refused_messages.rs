//! What a broker does not take: for the moment, or for its size. Nothing is dropped that it could be given.

use crate::qos::quick;
use crate::service::{Service, candidate};
use crate::support::eventually;
use crate::support::scripted_broker::{CONNECT, PUBLISH, PUBREL, Packet, Peer, ScriptedBroker, Then};
use cassia_bypass::model::Message;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

fn service(port: u16, version: &str, qos: u8) -> Service {
    let mut candidate = candidate(port);
    (candidate.raw.mqtt_version, candidate.raw.scan_qos) = (version.into(), qos);
    Service::with(candidate, quick())
}

/// A batch of numbered items.
fn push(service: &Service, numbers: std::ops::Range<usize>) {
    let items: Vec<_> = numbers.clone().map(|n| format!("{{\"n\":{n},\"adData\":\"{}\"}}", "0".repeat(150))).collect();
    let adverts = numbers.len() as u64;
    service.stats.ledger(|l| l.receive_queued(adverts));
    let payload = format!("[{}]", items.join(",")).into_bytes();
    service.queue.push(Message { payload, adverts, ..Message::default() });
}

/// Numbers of the items that arrived, of messages up to this size.
fn numbers(broker: &ScriptedBroker, largest: usize) -> BTreeSet<u64> {
    let items = |payload: &str| serde_json::from_str::<Vec<serde_json::Value>>(payload).unwrap_or_default();
    let taken = broker.arrived().into_iter().filter(|message| message.size <= largest);
    taken.flat_map(|message| items(&message.payload)).filter_map(|item| item["n"].as_u64()).collect()
}

#[test]
fn refused_for_a_quota_is_sent_again_and_nothing_is_lost() {
    for (qos, code, first) in [(1, 0x97, 0x40), (2, 0x97, 0x50), (1, 0x83, 0x40), (2, 0x83, 0x50)] {
        let refused = AtomicUsize::new(0);
        let broker = ScriptedBroker::start(move |peer, packet| {
            if packet.kind() == PUBLISH && refused.fetch_add(1, Ordering::Relaxed) < 60 {
                peer.answer_with(first, packet.id(), code);
                return Then::GoOn;
            }
            peer.obey(packet)
        });
        let service = service(broker.port, "5", qos);
        (0..50).for_each(|n| service.push(format!("[{n}]")));
        eventually("the reason is told", || {
            let refusal = service.link().refusal.map(|refusal| refusal.failure.detail).unwrap_or_default();
            refusal.contains(&format!("({code:#04X})")).then_some(()).ok_or(refusal)
        });
        service.all_published();
        let payloads: BTreeSet<_> = broker.arrived().into_iter().map(|message| message.payload).collect();
        assert_eq!(
            (payloads.len(), service.ledger().dropped_total(), broker.connections()),
            (50, 0, if qos == 2 { 2 } else { 1 })
        );
    }
}

#[test]
fn refused_again_and_again_while_others_get_through_is_dropped() {
    let broker = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH && packet.payload(5) == "[7]" {
            peer.answer_with(0x40, packet.id(), 0x83);
            return Then::GoOn;
        }
        peer.obey(packet)
    });
    let service = service(broker.port, "5", 1);
    (0..20).for_each(|n| service.push(format!("[{n}]")));
    let mut pushed = 20;
    eventually("all but one are published, and that one is given up", || {
        let (ledger, link) = (service.ledger(), service.link());
        if ledger.dropped_total() == 1 && ledger.published == pushed - 1 {
            return Ok(());
        }
        // With no other message there is no proof.
        if ledger.dropped_total() == 0 && ledger.published == pushed - 1 {
            service.push(format!("[{pushed}]"));
            pushed += 1;
        }
        Err(format!("{ledger:?} of {pushed}, {link:?} {:?}", broker.arrived().len()))
    });
}

#[test]
fn size_that_connack_tells_is_kept() {
    let broker = ScriptedBroker::start(|peer, packet| match packet.kind() {
        CONNECT => {
            peer.connack(0, &[0x27, 0, 0, 0x03, 0xE8]);
            Then::GoOn
        }
        _ => peer.obey(packet),
    });
    for qos in [0, 1, 2] {
        let service = service(broker.port, "5", qos);
        (0..10).for_each(|n| push(&service, n * 30..(n + 1) * 30));
        service.push(vec![b'x'; 1_001]);
        service.soon("all but what cannot be cut", |s| s.ledger().published == 300 && s.ledger().dropped_total() == 1);
        eventually("how large is told", || {
            let told = service.link().maximum_packet_size;
            (told == Some(1_000)).then_some(()).ok_or(format!("{told:?}"))
        });
    }
    assert_eq!(numbers(&broker, 1_000), (0..300).collect());
    assert!(broker.arrived().iter().all(|message| message.size <= 1_000));
}

/// Closes over packets of more than this.
fn closes_over(largest: usize) -> impl Fn(&mut Peer, &Packet) -> Then + Send + Sync + 'static {
    move |peer, packet| {
        if packet.kind() == PUBLISH && packet.size() > largest { Then::Close } else { peer.obey(packet) }
    }
}

#[test]
fn size_that_the_broker_closes_over_is_learned() {
    for (version, qos) in [("3.1.1", 1), ("3.1.1", 2), ("3.1", 1), ("5", 1)] {
        let broker = ScriptedBroker::start(closes_over(2_000));
        let service = service(broker.port, version, qos);
        (0..30).for_each(|n| push(&service, n * 40..(n + 1) * 40));
        service.all_published();
        let learned = broker.connections();
        assert!(learned <= 15, "{version} {qos}: {learned} connections");
        assert_eq!(numbers(&broker, 2_000), (0..1_200).collect(), "{version} {qos}");
        // From now on such a message costs nothing.
        (30..40).for_each(|n| push(&service, n * 40..(n + 1) * 40));
        service.all_published();
        assert_eq!(broker.connections(), learned, "{version} {qos}");
        assert_eq!(service.ledger().dropped_total(), 0);
    }
}

#[test]
fn size_that_disconnect_names_is_learned_at_once() {
    let broker = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH && packet.size() > 2_000 {
            peer.send(&[0xE0, 1, 0x95]);
            return Then::Close;
        }
        peer.obey(packet)
    });
    let service = service(broker.port, "5", 1);
    (0..20).for_each(|n| push(&service, n * 40..(n + 1) * 40));
    service.push(vec![b'x'; 9_000]);
    service.soon("all but one", |s| s.ledger().published == 800 && s.ledger().dropped_total() == 1);
    assert!(broker.connections() <= 6, "{} connections", broker.connections());
}

#[test]
fn size_is_learned_at_qos_0_too() {
    let broker = ScriptedBroker::start(closes_over(2_000));
    let service = service(broker.port, "3.1.1", 0);
    let next = AtomicUsize::new(0);
    eventually("messages arrive", || {
        let n = next.fetch_add(1, Ordering::Relaxed);
        push(&service, n * 40..(n + 1) * 40);
        let arrived = numbers(&broker, 2_000).len();
        if arrived > 200 { Ok(()) } else { Err(format!("{arrived} after {} connections", broker.connections())) }
    });
}

#[test]
fn refused_is_no_message_while_the_broker_takes_none() {
    let broker = ScriptedBroker::start(|peer, packet| match packet.kind() {
        PUBLISH | PUBREL if peer.number < 25 => Then::Close,
        _ => peer.obey(packet),
    });
    let service = service(broker.port, "3.1.1", 1);
    (0..5).for_each(|n| push(&service, n * 10..(n + 1) * 10));
    service.push("alone");
    service.all_published();
    assert_eq!(service.ledger().dropped_total(), 0);
    assert_eq!(numbers(&broker, usize::MAX), (0..50).collect());
}
