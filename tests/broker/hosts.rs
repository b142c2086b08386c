//! Fallbacks: brokers that are away, refuse, freeze, and come back.

use crate::service::{Service, candidate, candidate_of, limits};
use crate::support::broker::{Mosquitto, Scenario};
use crate::support::broker_subscriber::Subscriber;
use crate::support::eventually;
use cassia_bypass::model::LinkState;
use cassia_bypass::publisher::Limits;
use std::time::Duration;

fn quick() -> Limits {
    Limits {
        hop: Duration::from_millis(700),
        probe: Duration::from_millis(500),
        backoff_base: Duration::from_millis(50),
        ..limits()
    }
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

#[track_caller]
fn uses(service: &Service, port: u16) {
    eventually(&format!("connected to {port}"), || {
        let link = service.link();
        (link.state == LinkState::Connected && link.broker == at(port)).then_some(()).ok_or(format!("{link:?}"))
    });
}

#[test]
fn failover_from_a_killed_broker_and_back() {
    for qos in 0..=2 {
        let (mut first, second) = (Mosquitto::start(), Mosquitto::start());
        let at_second = Subscriber::start(&second, "#");
        let mut candidate = candidate(first.ports.anonymous);
        candidate.raw.scan_qos = qos;
        candidate.raw.fallback_hosts = vec![at(second.ports.anonymous)];
        let service = Service::with(candidate, quick());
        uses(&service, first.ports.anonymous);
        first.kill();
        uses(&service, second.ports.anonymous);
        (0..100).for_each(|_| service.push("[]"));
        service.all_published();
        eventually("all arrived at the fallback", || at_second.count() == 100);
        first.restart();
        uses(&service, first.ports.anonymous);
        let at_first = Subscriber::start(&first, "#");
        service.push("[]");
        service.all_published();
        eventually("it arrived at the first one", || at_first.count() == 1);
        assert_eq!((service.link().failovers, at_second.count()), (1, 100));
        assert_eq!(second.log.count("already connected") + first.log.count("already connected"), 0);
    }
}

#[test]
fn failover_from_a_frozen_broker_checks_the_name_of_the_host_that_is_tried() {
    let (first, second) = (Mosquitto::start(), Mosquitto::start());
    first.freeze();
    let mut candidate = candidate_of(Scenario::Certificate, &second);
    candidate.raw.port = first.ports.certificate;
    // Its certificate is for another name: a failure that needs repair, so the next one is tried.
    candidate.raw.fallback_hosts = vec![at(second.ports.elsewhere), format!("localhost:{}", second.ports.certificate)];
    let mut service = Service::with(candidate, quick());
    let name = format!("localhost:{}", second.ports.certificate);
    eventually("connected to the third one", || {
        service.link().state == LinkState::Connected && service.link().broker == name
    });
    service.push("[]");
    service.all_published();
    assert_eq!(second.received(), 1);
    // With another CA there is nobody left.
    service.set(|candidate| candidate.raw.ca_certificate = second.certificates.other_ca.pem());
    eventually("nobody", || service.link().error.is_some_and(|failure| failure.code.as_str() == "tls-certificate"));
    first.thaw();
}

#[test]
fn short_connections_use_the_fallback_too() {
    let (mut first, second) = (Mosquitto::start(), Mosquitto::start());
    let mut candidate = candidate(first.ports.anonymous);
    candidate.raw.scan_qos = 1;
    candidate.raw.connection_type = "short".into();
    candidate.raw.fallback_hosts = vec![at(second.ports.anonymous)];
    let service = Service::with(candidate, quick());
    first.kill();
    (0..10).for_each(|_| service.push("[]"));
    service.all_published();
    assert_eq!((second.received(), service.link().failovers), (10, 1));
    first.restart();
    eventually("back at the first one", || {
        service.push("[]");
        service.all_published();
        first.received() > 0
    });
}
