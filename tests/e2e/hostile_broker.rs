//! A broker that sends what nobody asked for: the whole service lives, and its memory is its own.

use crate::rig::Rig;
use crate::support::scripted_broker::{CONNECT, PUBLISH, ScriptedBroker};
use crate::support::{eventually, within};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Resident memory of a process, in bytes.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a number") * 1024
}

const MEGABYTE: u64 = 1 << 20;

/// Publishes adverts through a broker that sends 100 MB of `flood`, and watches the memory meanwhile.
fn floods(version: &str, header: &'static [u8], body: usize) {
    let sent = Arc::new(AtomicU64::new(0));
    let counting = sent.clone();
    let broker = ScriptedBroker::start(move |peer, packet| {
        let then = peer.obey(packet);
        // The first messages are acknowledged without trouble.
        if packet.kind() == PUBLISH && peer.publishes == 5 {
            let packet = [header, &vec![b'x'; body]].concat();
            while counting.load(Ordering::Relaxed) < 100 * MEGABYTE {
                peer.send(&packet);
                counting.fetch_add(packet.len() as u64, Ordering::Relaxed);
            }
        }
        then
    });
    let rig = Rig::start();
    rig.set("MqttVersion", &["s", version]);
    rig.set("ScanQos", &["y", "1"]);
    rig.set("PushIntervalMs", &["u", "10"]);
    rig.set("Host", &["s", "127.0.0.1"]);
    rig.set("Port", &["q", &broker.port.to_string()]);
    rig.set("Protocol", &["s", "mqtt"]);
    rig.await_stat("LinkState", "connected");
    for number in 0..4 {
        rig.air.play(number..number + 1, 1);
        eventually("it is published", || rig.stat("Published") == u64::from(number) + 1);
    }
    let before = resident(rig.service.id());
    rig.air.play(4..30, 1);
    let mut most = 0;
    within(Duration::from_secs(120), "the flood is over and adverts went on", || {
        most = most.max(resident(rig.service.id()));
        sent.load(Ordering::Relaxed) >= 100 * MEGABYTE && rig.stat("Published") == 30
    });
    rig.ledger();
    let grown = most.saturating_sub(before);
    println!("MQTT {version}, packets of {body} bytes: {} kB more", grown / 1024);
    assert!(grown <= 2 * MEGABYTE, "{grown} bytes more");
    assert_eq!(rig.stat("Dropped"), 0);
}

#[test]
fn memory_is_not_the_brokers_with_small_messages() {
    // Topic t, QoS 0.
    floods("3.1.1", &[0x30, 103, 0, 1, b't'], 100);
}

#[test]
fn memory_is_not_the_brokers_with_small_messages_at_qos_1() {
    floods("5", &[0x32, 106, 0, 1, b't', 0, 9, 0], 100);
}

#[test]
fn memory_is_not_the_brokers_with_a_huge_message() {
    // 100 MB less a little: 104,857,603 bytes.
    floods("3.1.1", &[0x30, 0x83, 0x80, 0x80, 0x32, 0, 1, b't'], 100 << 20);
}

#[test]
fn memory_is_not_the_brokers_with_a_huge_message_that_mqtt_5_forbids() {
    let broker = ScriptedBroker::start(|peer, packet| {
        let then = peer.obey(packet);
        if packet.kind() == CONNECT && peer.number == 0 {
            peer.send(&[&[0x30, 0x83, 0x80, 0x80, 0x32, 0, 1, b't'][..], &[0; 100_000]].concat());
        }
        then
    });
    let rig = Rig::start();
    for (property, words) in [("MqttVersion", ["s", "5"]), ("Host", ["s", "127.0.0.1"]), ("ScanQos", ["y", "1"])] {
        rig.set(property, &words);
    }
    rig.set("Port", &["q", &broker.port.to_string()]);
    rig.set("Protocol", &["s", "mqtt"]);
    rig.await_stat("LastError", "protocol");
    rig.await_stat("LinkState", "connected");
    rig.air.play(0..10, 1);
    eventually("adverts go on", || rig.stat("Published") == 10);
}
