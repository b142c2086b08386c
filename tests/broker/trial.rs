//! `TestConnection` tells the truth about brokers that take less than others.

use crate::reasons::tested;
use crate::service::candidate;
use crate::support::scripted_broker::{CONNECT, PUBLISH, Packet, Peer, ScriptedBroker, Then};
use cassia_bypass::config::Candidate;

type Script = fn(&mut Peer, &Packet) -> Then;

fn has_will(packet: &Packet) -> bool {
    packet.kind() == CONNECT && packet.connect_flags() & 4 != 0
}

/// Word and sentence; `ok` with what is to be known besides.
fn verdict(script: Script, change: impl FnOnce(&mut Candidate)) -> (&'static str, String) {
    let broker = ScriptedBroker::start(script);
    let mut candidate = candidate(broker.port);
    change(&mut candidate);
    let trial = tested(&candidate);
    assert!(trial.steps.len() >= 3, "{trial:?}");
    trial.failure.map_or(("ok", trial.note), |(_, failure)| (failure.code.as_str(), failure.detail))
}

fn obey(peer: &mut Peer, packet: &Packet) -> Then {
    peer.obey(packet)
}

#[test]
fn trial_names_the_qos_that_the_broker_does_not_support() {
    let at_2 = |candidate: &mut Candidate| candidate.raw.scan_qos = 2;
    let puback: Script = |peer, packet| {
        if packet.kind() == PUBLISH {
            peer.answer(0x40, packet.id());
            return Then::GoOn;
        }
        peer.obey(packet)
    };
    let closes: Script =
        |peer, packet| if packet.kind() == PUBLISH && packet.qos() == 2 { Then::Close } else { peer.obey(packet) };
    for script in [puback, closes] {
        let (word, detail) = verdict(script, at_2);
        assert!(word == "qos" && detail.contains("Set ScanQos to 1"), "{word}: {detail}");
    }
    let tells: Script = |peer, packet| match packet.kind() {
        CONNECT => {
            peer.connack(0, &[0x24, 0]);
            Then::GoOn
        }
        _ => peer.obey(packet),
    };
    let (word, detail) =
        verdict(tells, |candidate| (candidate.raw.scan_qos, candidate.raw.mqtt_version) = (2, "5".into()));
    assert!(word == "qos" && detail.contains("Set ScanQos to 0"), "{word}: {detail}");
    let (word, _) = verdict(tells, |candidate| (candidate.raw.scan_qos, candidate.raw.mqtt_version) = (0, "5".into()));
    assert_eq!(word, "ok");
}

#[test]
fn trial_names_a_status_topic_that_the_broker_does_not_take() {
    let closes: Script = |peer, packet| if has_will(packet) { Then::Close } else { peer.obey(packet) };
    let refuses: Script = |peer, packet| {
        if has_will(packet) {
            peer.connack(if peer.level == 5 { 0x87 } else { 5 }, &[]);
            return Then::Close;
        }
        peer.obey(packet)
    };
    for version in ["3.1.1", "5"] {
        for script in [closes, refuses] {
            let change = |candidate: &mut Candidate| {
                (candidate.raw.status_topic, candidate.raw.mqtt_version) = ("status".into(), version.into());
            };
            let (word, detail) = verdict(script, change);
            assert!(word == "status-topic" && detail.contains("StatusTopic"), "{version} {word}: {detail}");
            assert_eq!(verdict(script, |candidate| candidate.raw.mqtt_version = version.into()).0, "ok", "without it");
        }
    }
    let retains_nothing: Script = |peer, packet| match packet.kind() {
        CONNECT => {
            peer.connack(0, &[0x25, 0]);
            Then::GoOn
        }
        _ => peer.obey(packet),
    };
    let change =
        |candidate: &mut Candidate| (candidate.raw.status_topic, candidate.raw.mqtt_version) = ("s".into(), "5".into());
    assert_eq!(verdict(retains_nothing, change).0, "status-topic");
}

#[test]
fn trial_judges_the_batch_that_would_be_sent() {
    let tells: Script = |peer, packet| match packet.kind() {
        CONNECT => {
            peer.connack(0, &[0x27, 0, 0, 0x03, 0xE8]);
            Then::GoOn
        }
        _ => peer.obey(packet),
    };
    let batch = |size: u32| {
        move |candidate: &mut Candidate| {
            (candidate.raw.push_batch_size, candidate.raw.mqtt_version) = (size, "5".into())
        }
    };
    let (word, note) = verdict(tells, batch(20));
    assert!(word == "ok" && note.contains("at most 1000 bytes") && note.contains("PushBatchSize 20"), "{word}: {note}");
    assert_eq!(verdict(tells, batch(2)), ("ok", String::new()));
    let long = |candidate: &mut Candidate| {
        (candidate.raw.scan_topic, candidate.raw.mqtt_version) = ("t".repeat(900), "5".into())
    };
    let (word, detail) = verdict(tells, long);
    assert!(word == "too-large" && detail.contains("not even one advert"), "{word}: {detail}");
    // It does not tell.
    let closes: Script =
        |peer, packet| if packet.kind() == PUBLISH && packet.size() > 2_000 { Then::Close } else { peer.obey(packet) };
    for version in ["3.1.1", "5"] {
        let change = |candidate: &mut Candidate| {
            (candidate.raw.push_batch_size, candidate.raw.mqtt_version) = (20, version.into())
        };
        let (word, note) = verdict(closes, change);
        assert!(word == "ok" && note.contains("does not take a message of 4400 bytes"), "{word}: {note}");
        let (word, note) = verdict(obey, change);
        assert!(word == "ok" && !note.contains("bytes"), "{word}: {note}");
    }
}

#[test]
fn trial_asks_with_version_5_whether_a_topic_is_forbidden() {
    let forbids: Script = |peer, packet| {
        if packet.kind() == PUBLISH && peer.level == 5 {
            peer.answer_with(0x40, packet.id(), 0x87);
            return Then::GoOn;
        }
        peer.obey(packet)
    };
    assert_eq!(verdict(forbids, |_| {}).0, "not-authorised");
    let older: Script = |peer, packet| {
        if packet.kind() == CONNECT && peer.level == 5 {
            peer.send(&[0x20, 2, 0, 1]);
            return Then::Close;
        }
        peer.obey(packet)
    };
    let (word, note) = verdict(older, |_| {});
    assert!(word == "ok" && note.contains("Whether it may is not known"), "{word}: {note}");
    assert!(!verdict(obey, |_| {}).1.contains("not known"));
}

#[test]
fn trial_is_not_confused_by_a_broker_that_publishes_first() {
    let publishes: Script = |peer, packet| {
        let then = peer.obey(packet);
        if packet.kind() == CONNECT {
            let properties: &[u8] = if peer.level == 5 { &[0] } else { &[] };
            for (first, id) in [(0x30, &[][..]), (0x33, &[0, 7]), (0x34, &[0, 8])] {
                let body = [&[0, 1, b't'][..], id, properties, b"hello"].concat();
                peer.send(&[&[first, body.len() as u8][..], &body].concat());
            }
        }
        then
    };
    for version in ["3.1", "3.1.1", "5"] {
        for qos in 0..=2 {
            let change = |candidate: &mut Candidate| {
                (candidate.raw.scan_qos, candidate.raw.mqtt_version) = (qos, version.into())
            };
            assert_eq!(verdict(publishes, change).0, "ok", "{version} {qos}");
        }
    }
}
