//! What goes wrong on the way: names, ports, things that are no brokers.

use crate::service::{Service, candidate, candidate_of};
use crate::support::broker::Mosquitto;
use crate::support::broker::Scenario;
use crate::support::free_port;
use cassia_bypass::model::LinkState;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn network_name_that_does_not_exist_is_dns_and_a_closed_port_is_refused() {
    let broker = Mosquitto::start();
    let mut wrong = candidate(broker.ports.anonymous);
    wrong.raw.host = "no-such-host.invalid".into();
    let mut service = Service::start(wrong);
    service.push("[]");
    let detail = service.fails_with("dns");
    assert!(detail.contains("no-such-host.invalid"), "{detail}");
    service.set(|d| {
        d.raw.host = "127.0.0.1".into();
        d.raw.port = free_port();
    });
    service.fails_with_next("refused");
    service.set(|d| {
        d.raw.host = "::1".into();
    });
    service.fails_with_next("refused");
    service.set(|d| {
        d.raw.host = "localhost".into();
        d.raw.port = broker.ports.anonymous;
    });
    service.all_published();
}

/// Answers every connection with these bytes and closes it (or, without bytes, stays silent).
fn something_else(answer: Option<&'static [u8]>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            match answer {
                None => silent.push(stream),
                Some(answer) => {
                    let mut bytes = [0; 1024];
                    let _ = stream.read(&mut bytes);
                    let _ = stream.write_all(answer);
                }
            }
        }
    });
    port
}

#[test]
fn network_peer_that_is_no_broker_differs_from_one_that_closes_and_one_that_is_silent() {
    let broker = Mosquitto::start();
    let mut limits = crate::service::limits();
    (limits.connect, limits.answer) = (Duration::from_secs(2), Duration::from_secs(2));
    let cases: [(u16, &str, &str); 8] = [
        (something_else(Some(b"HTTP/1.0 400 Bad Request\r\n\r\n")), "none", "protocol"),
        (something_else(Some(b"SSH-2.0-x\r\n")), "none", "protocol"),
        (something_else(Some(b"")), "none", "closed"),
        (something_else(None), "none", "timeout"),
        (something_else(Some(b"HTTP/1.0 400 Bad Request\r\n\r\n")), "certificate", "tls"),
        (something_else(Some(b"")), "certificate", "tls"),
        (something_else(None), "certificate", "timeout"),
        // A broker's encrypted port.
        (broker.ports.certificate, "none", "closed"),
    ];
    for (port, mode, word) in cases {
        let mut wrong = candidate(port);
        wrong.raw.encryption_mode = mode.into();
        let mut service = Service::with(wrong, limits);
        service.push("[]");
        println!("{port} {mode}: {}", service.fails_with(word));
        assert_eq!(service.ledger().published, 0);
        service.set(|d| *d = candidate_of(Scenario::Password, &broker));
        service.soon("the right one is used at once", |s| s.link().state == LinkState::Connected);
    }
}
