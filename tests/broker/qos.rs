//! Brokers that do not support the QoS that is set: adverts arrive at the one that they support, and it is told.

use crate::service::{Service, candidate, limits};
use crate::support::eventually;
use crate::support::scripted_broker::{Arrived, CONNECT, PUBLISH, Packet, Peer, ScriptedBroker, Then};
use cassia_bypass::publisher::Limits;
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) fn quick() -> Limits {
    let (base, cap) = (Duration::from_millis(5), Duration::from_millis(20));
    let short = Duration::from_millis(50);
    Limits { backoff_base: base, backoff_cap: cap, retire: short, settle: short, ..limits() }
}

/// Publishes ten messages at `qos`, and returns what the broker got.
fn publish(
    version: &str,
    qos: u8,
    lowered: u8,
    script: impl Fn(&mut Peer, &Packet) -> Then + Send + Sync + 'static,
) -> Vec<Arrived> {
    let broker = ScriptedBroker::start(script);
    let mut candidate = candidate(broker.port);
    candidate.raw.scan_qos = qos;
    candidate.raw.mqtt_version = version.into();
    let service = Service::with(candidate, quick());
    for number in 0..10 {
        service.push(format!("[{number}]"));
    }
    service.all_published();
    eventually("it is told", || {
        let told = service.link().qos_limit;
        match &told {
            Some((maximum, why)) if *maximum == lowered && why.contains("Set ScanQos to") => Ok(()),
            None if lowered == qos => Ok(()),
            _ => Err(format!("{told:?}")),
        }
    });
    assert_eq!(service.ledger().dropped_total(), 0);
    drop(service);
    let arrived = broker.arrived();
    let mut times = BTreeMap::<_, Vec<u8>>::new();
    for message in &arrived {
        times.entry(message.payload.clone()).or_default().push(message.qos);
    }
    assert_eq!(times.len(), 10, "all arrived");
    for (payload, all) in times {
        assert_eq!(all.last(), Some(&lowered), "{payload}: {all:?}");
        let higher = all.iter().filter(|qos| **qos > lowered).count();
        assert!(higher <= 2, "{payload} was sent {higher} times at a higher QoS");
    }
    arrived
}

#[test]
fn qos_is_lowered_to_what_connack_tells() {
    for (qos, maximum) in [(2, 1), (2, 0), (1, 0)] {
        let arrived = publish("5", qos, maximum, move |peer, packet| match packet.kind() {
            CONNECT => {
                peer.connack(0, &[0x24, maximum]);
                Then::GoOn
            }
            _ => peer.obey(packet),
        });
        assert!(arrived.iter().all(|message| message.qos == maximum), "no message above it");
        assert_eq!(arrived.len(), 10);
    }
    let arrived = publish("5", 0, 0, |peer, packet| match packet.kind() {
        CONNECT => {
            peer.connack(0, &[0x24, 1]);
            Then::GoOn
        }
        _ => peer.obey(packet),
    });
    assert_eq!(arrived.len(), 10);
}

#[test]
fn qos_is_lowered_when_qos_2_is_answered_with_puback() {
    for version in ["3.1", "3.1.1", "5"] {
        publish(version, 2, 1, |peer, packet| {
            if packet.kind() == PUBLISH {
                peer.answer(0x40, packet.id());
                return Then::GoOn;
            }
            peer.obey(packet)
        });
    }
}

#[test]
fn qos_is_lowered_when_qos_2_ends_the_connection() {
    for version in ["3.1.1", "5"] {
        publish(version, 2, 1, |peer, packet| {
            if packet.kind() == PUBLISH && packet.qos() == 2 { Then::Close } else { peer.obey(packet) }
        });
    }
    // With the reason code for it.
    publish("5", 2, 1, |peer, packet| {
        if packet.kind() == PUBLISH && packet.qos() == 2 {
            peer.send(&[0xE0, 1, 0x9B]);
            return Then::Close;
        }
        peer.obey(packet)
    });
}

#[test]
fn qos_2_stays_with_a_broker_that_supports_it() {
    publish("3.1.1", 2, 2, |peer, packet| {
        // Closes now and then for other reasons.
        if packet.kind() == PUBLISH && peer.number < 6 && peer.publishes == 5 { Then::Close } else { peer.obey(packet) }
    });
}

#[test]
fn qos_of_a_broker_that_takes_no_status_is_right_for_adverts() {
    type Script = fn(&mut Peer, &Packet) -> Then;
    let scripts: [(&str, &str, Script); 6] = [
        ("3.1.1", "closes over the will", |peer, packet| {
            if packet.kind() == CONNECT && packet.connect_flags() & 4 != 0 { Then::Close } else { peer.obey(packet) }
        }),
        ("3.1.1", "not authorised with the will", |peer, packet| {
            if packet.kind() == CONNECT && packet.connect_flags() & 4 != 0 {
                peer.connack(5, &[]);
                return Then::Close;
            }
            peer.obey(packet)
        }),
        ("5", "not authorised with the will", |peer, packet| {
            if packet.kind() == CONNECT && packet.connect_flags() & 4 != 0 {
                peer.connack(0x87, &[]);
                return Then::Close;
            }
            peer.obey(packet)
        }),
        ("5", "Retain not supported", |peer, packet| {
            if packet.kind() == CONNECT && packet.connect_flags() & 4 != 0 {
                peer.connack(0x9A, &[]);
                return Then::Close;
            }
            peer.obey(packet)
        }),
        ("5", "Maximum QoS 0", |peer, packet| match packet.kind() {
            CONNECT if packet.connect_flags() & 4 != 0 => {
                peer.connack(0x9B, &[]);
                Then::Close
            }
            CONNECT => {
                peer.connack(0, &[0x24, 0]);
                Then::GoOn
            }
            _ => peer.obey(packet),
        }),
        ("5", "Retain Available 0", |peer, packet| match packet.kind() {
            CONNECT => {
                peer.connack(0, &[0x25, 0]);
                Then::GoOn
            }
            PUBLISH if packet.first & 1 == 1 => {
                peer.send(&[0xE0, 1, 0x9A]);
                Then::Close
            }
            _ => peer.obey(packet),
        }),
    ];
    for (version, what, script) in scripts {
        let broker = ScriptedBroker::start(script);
        let mut candidate = candidate(broker.port);
        candidate.raw.mqtt_version = version.into();
        candidate.raw.status_topic = "status".into();
        let service = Service::with(candidate, quick());
        for number in 0..10 {
            service.push(format!("[{number}]"));
        }
        service.all_published();
        assert!(broker.connections() <= 4, "{what}: {} connections", broker.connections());
    }
}
