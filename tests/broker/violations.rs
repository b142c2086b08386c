//! A broker that breaks the rules of MQTT, on purpose or not: the service lives, says `protocol`, and loses nothing.

use crate::service::{Service, candidate, limits};
use crate::support::eventually;
use crate::support::scripted_broker::{PUBLISH, PUBREL, Packet, Peer, ScriptedBroker, Then};
use cassia_bypass::publisher::Limits;
use std::time::Duration;

type Deed = fn(&mut Peer, &Packet);

/// What a broker does instead of acknowledging the third message of a connection, the QoS and the version.
const DEEDS: &[(&str, &[u8], &[&str], Deed)] = &[
    ("PUBCOMP for QoS 1", &[1], &["3.1.1", "5"], |peer, packet| peer.answer(0x70, packet.id())),
    ("PUBREC for QoS 1", &[1], &["3.1.1", "5"], |peer, packet| peer.answer(0x50, packet.id())),
    ("PUBREC with an error for QoS 1", &[1], &["5"], |peer, packet| peer.answer_with(0x50, packet.id(), 0x87)),
    ("PUBCOMP without PUBREC", &[2], &["3.1", "3.1.1", "5"], |peer, packet| peer.answer(0x70, packet.id())),
    ("PUBCOMP before PUBREL", &[2], &["3.1.1", "5"], |peer, packet| {
        let [high, low] = packet.id();
        peer.send(&[0x50, 2, high, low, 0x70, 2, high, low]);
    }),
    ("PUBREC twice", &[2], &["3.1.1", "5"], |peer, packet| {
        let [high, low] = packet.id();
        peer.send(&[0x50, 2, high, low, 0x50, 2, high, low]);
    }),
    ("SUBACK", &[1, 2], &["3.1.1", "5"], |peer, packet| {
        let [high, low] = packet.id();
        let body: &[u8] = if peer.level == 5 { &[high, low, 0, 0] } else { &[high, low, 0] };
        peer.send(&[&[0x90, body.len() as u8], body].concat());
    }),
    ("SUBACK of two bytes", &[1, 2], &["3.1.1", "5"], |peer, packet| peer.answer(0x90, packet.id())),
    ("UNSUBACK", &[1, 2], &["3.1.1", "5"], |peer, packet| peer.answer(0xB0, packet.id())),
    ("PUBACK for nothing", &[1, 2], &["3.1.1", "5"], |peer, _| peer.answer(0x40, [0xFF, 0xF0])),
    ("PUBACK twice", &[1], &["3.1.1", "5"], |peer, packet| {
        let [high, low] = packet.id();
        peer.send(&[0x40, 2, high, low, 0x40, 2, high, low]);
    }),
    ("PINGRESP", &[0, 1], &["3.1.1", "5"], |peer, _| peer.send(&[0xD0, 0])),
    ("CONNACK", &[0, 1], &["3.1.1", "5"], |peer, _| peer.connack(0, &[])),
    ("a packet without end", &[1], &["3.1.1", "5"], |peer, _| peer.send(&[0x40, 0xFF, 0xFF, 0xFF, 0xFF])),
    ("a malformed property", &[1], &["5"], |peer, packet| {
        let [high, low] = packet.id();
        peer.send(&[0x40, 7, high, low, 0, 3, 0x1F, 0, 9]);
    }),
    ("nonsense", &[1], &["3.1.1", "5"], |peer, _| peer.send(b"GET / HTTP/1.1\r\n\r\n")),
];

fn quick() -> Limits {
    let (base, cap) = (Duration::from_millis(5), Duration::from_millis(20));
    Limits {
        backoff_base: base,
        backoff_cap: cap,
        retire: Duration::from_millis(50),
        settle: Duration::from_millis(50),
        ..limits()
    }
}

#[test]
fn violations_end_the_connection_and_lose_nothing() {
    for (what, all_qos, versions, deed) in DEEDS {
        for (qos, version) in all_qos.iter().flat_map(|qos| versions.iter().map(move |version| (*qos, *version))) {
            println!("{what} at QoS {qos} with MQTT {version}");
            // Connections 0 to 2 do the deed; with QoS 2 the first one only clears the session.
            let broker = ScriptedBroker::start(move |peer, packet| {
                if packet.kind() == PUBLISH && peer.number < 3 && peer.publishes == 3 {
                    deed(peer, packet);
                    return Then::GoOn;
                }
                peer.obey(packet)
            });
            let mut candidate = candidate(broker.port);
            candidate.raw.scan_qos = qos;
            candidate.raw.mqtt_version = version.into();
            let mut service = Service::with(candidate, quick());
            let mut link = service.stats.link();
            for number in 0..20 {
                service.push(format!("[{number}]"));
            }
            let mut words = std::collections::BTreeSet::new();
            eventually("all is published", || {
                words.extend(link.borrow_and_update().error.as_ref().map(|failure| failure.code.as_str()));
                let ledger = service.ledger();
                // QoS 0 is not repeated: what the socket took counts.
                if ledger.published == 20 && service.link().failures >= 1 { Ok(()) } else { Err(format!("{ledger:?}")) }
            });
            assert!(words.iter().all(|word| *word == "protocol"), "{what}: {words:?}");
            let ledger = service.ledger();
            assert_eq!((ledger.published, ledger.dropped_total()), (20, 0), "{what}");
            service.stop();
            if qos > 0 {
                let arrived = broker.arrived();
                for number in 0..20 {
                    let times = arrived.iter().filter(|message| message.payload == format!("[{number}]")).count();
                    assert!(times >= 1, "{what}: {number} came {times} times");
                }
            }
        }
    }
}

#[test]
fn violations_are_named_in_the_detail() {
    let broker = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH {
            peer.answer(0x70, packet.id());
            return Then::GoOn;
        }
        peer.obey(packet)
    });
    let mut candidate = candidate(broker.port);
    candidate.raw.scan_qos = 1;
    let service = Service::with(candidate, quick());
    service.push("[]");
    let detail = service.fails_with("protocol");
    assert!(detail.contains("PUBCOMP for packet") && detail.contains("waits for PUBACK"), "{detail}");
}

#[test]
fn messages_to_us_are_acknowledged_and_adverts_go_on() {
    for version in ["3.1.1", "5"] {
        let broker = ScriptedBroker::start(|peer, packet| {
            let then = peer.obey(packet);
            if packet.kind() == PUBLISH && peer.publishes == 1 {
                let v5: &[u8] = if peer.level == 5 { &[0] } else { &[] };
                for (first, id) in [(0x30, None), (0x32, Some(7)), (0x34, Some(8))] {
                    let id: Vec<u8> = id.map_or_else(Vec::new, |id| vec![0, id]);
                    let body = [&[0, 1, b't'][..], &id, v5, b"hello"].concat();
                    peer.send(&[&[first, body.len() as u8], &*body].concat());
                }
            }
            then
        });
        let mut candidate = candidate(broker.port);
        candidate.raw.scan_qos = 1;
        candidate.raw.mqtt_version = version.into();
        let service = Service::with(candidate, quick());
        for number in 0..200 {
            service.push(format!("[{number}]"));
        }
        service.all_published();
        assert_eq!((service.link().connects, service.link().failures), (1, 0));
    }
}

#[test]
fn messages_to_us_get_their_acknowledgement() {
    use std::sync::{Arc, Mutex};
    let heard = Arc::new(Mutex::new(Vec::new()));
    let seen = heard.clone();
    let broker = ScriptedBroker::start(move |peer, packet| match packet.first {
        0x40 | 0x50 | 0x70 => {
            seen.lock().expect("no panic").push([packet.first, packet.body[0], packet.body[1]]);
            if packet.first == 0x50 {
                peer.answer(0x62, packet.id());
            }
            Then::GoOn
        }
        _ => {
            let then = peer.obey(packet);
            if packet.kind() == PUBREL || packet.kind() == PUBLISH && peer.publishes == 1 {
                peer.send(&[0x32, 5, 0, 1, b't', 1, 7, 0x34, 5, 0, 1, b't', 1, 8]);
            }
            then
        }
    });
    let mut candidate = candidate(broker.port);
    candidate.raw.scan_qos = 1;
    let service = Service::with(candidate, quick());
    service.push("[]");
    service.all_published();
    eventually("PUBACK, PUBREC and PUBCOMP", || {
        let heard = heard.lock().expect("no panic").clone();
        if heard == [[0x40, 1, 7], [0x50, 1, 8], [0x70, 1, 8]] { Ok(()) } else { Err(format!("{heard:x?}")) }
    });
    assert_eq!(service.link().failures, 0);
}
