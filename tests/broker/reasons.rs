//! Why a broker does not take us, or not any more, in words: what it says, and what shows without its saying so.

use crate::qos::quick;
use crate::service::{ROUTER, Service, candidate};
use crate::support::eventually;
use crate::support::scripted_broker::{CONNECT, PUBLISH, Packet, Peer, ScriptedBroker, Then};
use cassia_bypass::config::Config;
use cassia_bypass::model::{Failure, LastError};
use cassia_bypass::publisher;

/// `TestConnection` with these settings.
pub(crate) fn tested(candidate: &cassia_bypass::config::Candidate) -> publisher::ConnectionTest {
    let config = Config::check(candidate).expect("right");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(publisher::test(&config, ROUTER)).expect("a broker")
}

#[test]
fn reason_of_an_older_broker_that_is_asked_for_version_5_is_mqtt_version() {
    type Script = fn(&mut Peer, &Packet) -> Then;
    let answers: [(&str, Script); 4] = [
        ("return code 1", |peer, _| {
            peer.send(&[0x20, 2, 0, 1]);
            Then::Close
        }),
        ("return code 0, as if it were version 3", |peer, _| {
            peer.send(&[0x20, 2, 0, 0]);
            Then::GoOn
        }),
        ("a reason code without properties", |peer, _| {
            peer.send(&[0x20, 2, 0, 0x84]);
            Then::Close
        }),
        ("reason code 0x84", |peer, _| {
            peer.connack(0x84, &[]);
            Then::Close
        }),
    ];
    for (what, script) in answers {
        let broker = ScriptedBroker::start(script);
        let mut candidate = candidate(broker.port);
        candidate.raw.mqtt_version = "5".into();
        let trial = tested(&candidate);
        assert_eq!(trial.failure.map(|(_, failure)| failure.code.as_str()), Some("mqtt-version"), "{what}");
        let service = Service::with(candidate, quick());
        let detail = service.fails_with("mqtt-version");
        assert!(detail.contains("MqttVersion"), "{what}: {detail}");
    }
    // One that only hangs up.
    let hangs_up = |peer: &mut Peer, packet: &Packet| {
        if packet.kind() == CONNECT && peer.level == 5 { Then::Close } else { peer.obey(packet) }
    };
    let broker = ScriptedBroker::start(hangs_up);
    let mut candidate = candidate(broker.port);
    candidate.raw.mqtt_version = "5".into();
    let failure = tested(&candidate).failure.map(|(_, failure)| failure).expect("it fails");
    assert_eq!(failure.code.as_str(), "mqtt-version", "{}", failure.detail);
    let service = Service::with(candidate, quick());
    assert!(service.fails_with("closed").contains("set MqttVersion to 3.1.1"));
}

#[test]
fn reason_of_two_routers_with_one_client_id_is_found_with_mqtt_3() {
    // A connection ends when the next one is made, as brokers do it; another client makes one each 200 ms.
    let broker = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH {
            let then = peer.obey(packet);
            std::thread::sleep(std::time::Duration::from_millis(200));
            return if then == Then::GoOn { Then::Close } else { then };
        }
        peer.obey(packet)
    });
    let service = Service::with(candidate(broker.port), quick());
    eventually("it is told", || {
        service.push("[]");
        let error = service.link().error;
        match &error {
            Some(Failure { code: LastError::SessionTakenOver, detail }) if detail.contains("same ClientId") => Ok(()),
            _ => Err(format!("{error:?}")),
        }
    });
    assert_eq!(service.ledger().dropped_total(), 0);
}

#[test]
fn reason_of_a_disconnect_is_the_same_each_time() {
    for (code, word) in
        [(0x8E, "session-taken-over"), (0x8B, "server-unavailable"), (0x98, "administrative"), (0x93, "protocol")]
    {
        for closes in [false, true] {
            let broker = ScriptedBroker::start(move |peer, packet| {
                if packet.kind() == PUBLISH {
                    let text = b"maintenance until 18:00";
                    let properties = [&[0x1F, 0, text.len() as u8][..], text].concat();
                    let mut packet = vec![0xE0, 2 + properties.len() as u8, code, properties.len() as u8];
                    packet.extend(properties);
                    peer.send(&packet);
                    return if closes { Then::Close } else { Then::GoOn };
                }
                peer.obey(packet)
            });
            let mut candidate = candidate(broker.port);
            (candidate.raw.mqtt_version, candidate.raw.scan_qos) = ("5".into(), 1);
            let service = Service::with(candidate, quick());
            service.push("[]");
            let mut words = Vec::new();
            for connection in 1..=20 {
                eventually("it goes on", || broker.connections() > connection);
                words.extend(service.link().error);
            }
            assert!(!words.is_empty());
            for failure in words {
                assert_eq!(failure.code.as_str(), word, "{}", failure.detail);
                assert!(failure.detail.contains("It says: maintenance until 18:00."), "{}", failure.detail);
            }
        }
    }
}
