//! Brokers and lines that are slow and healthy.

use crate::qos::quick;
use crate::service::{Service, candidate};
use crate::support::eventually;
use crate::support::scripted_broker::{CONNECT, PINGREQ, ScriptedBroker};
use cassia_bypass::publisher::Limits;
use socket2::SockRef;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn slow_connack_is_waited_for_longer_with_each_attempt() {
    let broker = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == CONNECT {
            std::thread::sleep(Duration::from_millis(1_500));
        }
        peer.obey(packet)
    });
    let service = Service::with(candidate(broker.port), Limits { answer: Duration::from_secs(1), ..quick() });
    service.connected();
    assert!((2..=3).contains(&broker.connections()), "{} connections", broker.connections());
}

#[test]
fn slow_ping_response_is_none_within_the_keep_alive() {
    let pings = Arc::new(AtomicUsize::new(0));
    let counted = pings.clone();
    let broker = ScriptedBroker::start(move |peer, packet| {
        if packet.kind() == PINGREQ {
            std::thread::sleep(Duration::from_millis(3_500));
            counted.fetch_add(1, Ordering::Relaxed);
        }
        peer.obey(packet)
    });
    let mut candidate = candidate(broker.port);
    candidate.raw.keep_alive_secs = 5;
    let service = Service::with(candidate, Limits { answer: Duration::from_secs(1), ..quick() });
    service.connected();
    eventually("it is asked again", || pings.load(Ordering::Relaxed) >= 2);
    assert_eq!((broker.connections(), service.link().failures), (1, 0));
}

/// A line of some kB a second: what it took so far, and how many connections there were.
fn slow_line() -> (u16, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    SockRef::from(&listener).set_recv_buffer_size(4_096).expect("set");
    let port = listener.local_addr().expect("bound").port();
    let (arrived, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, accepted) = (arrived.clone(), connections.clone());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            accepted.fetch_add(1, Ordering::Relaxed);
            let counted = counted.clone();
            std::thread::spawn(move || {
                use std::io::Write;
                let mut buffer = [0; 2_000];
                // An answer before CONNECT has arrived would be a violation.
                let Ok(connect @ 1..) = stream.read(&mut buffer) else { return };
                counted.fetch_add(connect, Ordering::Relaxed);
                let _ = stream.write_all(&[0x20, 2, 0, 0]);
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    counted.fetch_add(read, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
    });
    (port, arrived, connections)
}

#[test]
fn slow_line_at_qos_0_is_not_cut_and_its_count_is_honest() {
    let (port, arrived, connections) = slow_line();
    let mut candidate = candidate(port);
    (candidate.raw.scan_qos, candidate.raw.keep_alive_secs) = (0, 5);
    // Less than one message takes.
    let limit = Duration::from_secs(1);
    let service = Service::with(candidate, Limits { stall: limit, answer: limit, ..quick() });
    service.connected();
    (0..60).for_each(|_| service.push(vec![b'x'; 15_000]));
    // Several times the keep alive.
    eventually("it arrives", || {
        let arrived = arrived.load(Ordering::Relaxed);
        (arrived > 400_000).then_some(()).ok_or(format!("{arrived} bytes, {:?}", service.link()))
    });
    let published = service.ledger().published as usize * 15_000;
    let arrived = arrived.load(Ordering::Relaxed);
    assert!(published <= arrived + 64_000, "{published} bytes published, {arrived} arrived");
    let link = service.link();
    assert_eq!((connections.load(Ordering::Relaxed), link.failures), (1, 0), "{link:?}");
}
