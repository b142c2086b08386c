//! The guide's scenarios 4.1-4.4, the versions of MQTT, and what the broker's log says of us.

use crate::service::{Service, apply, candidate, candidate_of};
use crate::support::broker::Scenario;
use crate::support::broker::{Mosquitto, TlsVersion};
use crate::support::broker_subscriber::Subscriber;
use crate::support::eventually;
use cassia_bypass::model::LinkState;

#[test]
fn scenarios_deliver_with_long_and_short_connections_and_every_qos() {
    let broker = Mosquitto::start();
    let subscriber = Subscriber::start(&broker, "scan/#");
    let mut service = Service::start(candidate_of(Scenario::Anonymous, &broker));
    let mut sent = 0;
    for scenario in Scenario::ALL {
        for connection in ["long", "short"] {
            for qos in 0..=2u8 {
                service.set(|candidate| {
                    apply(scenario, candidate, &broker);
                    candidate.raw.connection_type = connection.into();
                    candidate.raw.scan_qos = qos;
                    candidate.raw.scan_topic = format!("scan/{scenario:?}/{connection}/{{router}}");
                });
                (0..5).for_each(|number| service.push(format!("[{{\"n\":{number}}}]")));
                service.all_published();
                sent += 5;
                eventually("the subscriber has them all", || subscriber.count() == sent);
                let topic = format!("scan/{scenario:?}/{connection}/CC:1B:E0:E0:E6:D0");
                for (number, message) in subscriber.received()[sent - 5..].iter().enumerate() {
                    let payload = format!("[{{\"n\":{number}}}]");
                    assert_eq!((message.qos, &*message.topic, &*message.payload), (qos, &*topic, &*payload));
                }
                let state = if connection == "long" { LinkState::Connected } else { LinkState::Idle };
                eventually("the state is right", || service.link().state == state);
                assert_eq!(service.link().error, None);
            }
        }
    }
    assert_eq!(service.link().failures, 0);
    service.stop();
    assert_eq!(subscriber.count(), sent, "nothing came twice");
}

#[test]
fn tls_1_2_and_1_3_both_work_with_a_key_and_with_certificates() {
    for version in [TlsVersion::Only12, TlsVersion::Only13] {
        let broker = Mosquitto::with_tls(version);
        let subscriber = Subscriber::start(&broker, "#");
        for (count, scenario) in [Scenario::Psk, Scenario::Certificate, Scenario::ClientCertificate].iter().enumerate()
        {
            let service = Service::start(candidate_of(*scenario, &broker));
            service.push("[]");
            service.all_published();
            eventually("it arrived", || subscriber.count() == count + 1);
        }
    }
}

#[test]
fn scenario_of_a_pasted_server_certificate_and_an_address_as_common_name() {
    let broker = Mosquitto::start();
    let mut service = Service::start(candidate_of(Scenario::Certificate, &broker));
    // The guide: "copy and paste the server certificate here". No CA is known then.
    service.set(|candidate| candidate.raw.ca_certificate = broker.certificates.server.certificate.clone());
    service.push("[]");
    service.all_published();
    service.set(|candidate| {
        candidate.raw.ca_certificate = broker.certificates.ca.pem();
        candidate.raw.port = broker.ports.common_name;
    });
    service.push("[]");
    service.all_published();
    // By name, too.
    service.set(|candidate| {
        candidate.raw.port = broker.ports.certificate;
        candidate.raw.host = "localhost".into();
    });
    service.push("[]");
    service.all_published();
    assert_eq!(service.link().failures, 0);
}

#[test]
fn scenario_shows_the_broker_the_guides_client_and_each_version_of_mqtt() {
    let broker = Mosquitto::start();
    for (version, level) in [("3.1", 1), ("3.1.1", 2), ("5", 5)] {
        for qos in 0..=2 {
            let mut candidate = candidate_of(Scenario::Password, &broker);
            candidate.raw.mqtt_version = version.into();
            candidate.raw.scan_qos = qos;
            let service = Service::start(candidate);
            service.push("[]");
            service.all_published();
            drop(service);
        }
        let line = format!("as cc:1b:e0:e0:e6:d0-0 (p{level}, c1, k60, u'tester1').");
        eventually(&line, || broker.log.count(&line) == 3);
        eventually("all said goodbye", || broker.log.contains("Client cc:1b:e0:e0:e6:d0-0 disconnected."));
    }
    assert!(!broker.log.contains("already connected") && !broker.log.contains("closed its connection"));
}

#[test]
fn keep_alive_is_sent_as_it_is_set_and_zero_is_off() {
    let broker = Mosquitto::start();
    for seconds in [0, 5, 65_535] {
        let mut candidate = candidate(broker.ports.anonymous);
        candidate.raw.keep_alive_secs = seconds;
        let service = Service::start(candidate);
        service.connected();
        eventually("logged", || broker.log.contains(&format!("c1, k{seconds})")));
    }
}

#[test]
fn scenario_settings_that_do_not_concern_the_broker_keep_the_connection() {
    let broker = Mosquitto::start();
    let subscriber = Subscriber::start(&broker, "#");
    let mut service = Service::start(candidate(broker.ports.anonymous));
    service.connected();
    service.set(|candidate| candidate.raw.scan_mode = "active".into());
    service.set(|candidate| candidate.raw.push_batch_size = 7);
    service.set(|candidate| candidate.raw.queue_max_bytes = 100_000);
    for (qos, topic) in [(1, "one"), (0, "two"), (1, "three")] {
        service.set(|candidate| {
            candidate.raw.scan_qos = qos;
            candidate.raw.scan_topic = topic.into();
        });
        service.push("[]");
        service.all_published();
        // The order of settings and messages is not ordered across threads: the first may go the old way.
        eventually("arrived", || subscriber.received().last().is_some_and(|m| m.topic == topic && m.qos == qos));
    }
    assert_eq!((service.link().connects, service.link().failures), (1, 0));
    // Off, with an advert that came too late, and on again.
    service.set(|candidate| candidate.raw.protocol = "none".into());
    eventually("off", || service.link().state == LinkState::Off);
    service.push("[]");
    eventually("not published", || service.ledger().unpublished == 1);
    service.set(|candidate| candidate.raw.protocol = "mqtt".into());
    service.connected();
}
