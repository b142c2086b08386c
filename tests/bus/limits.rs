//! What a call may ask for: how much, and how often at a time.

use crate::client::{PROPERTIES, apply, connect, refused};
use crate::started;
use crate::support::air::Air;
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::identities::Who;
use crate::support::process::peak;
use crate::support::{DEADLINE, eventually};
use cassia_bypass::dbus::{self, MAX_ARGUMENTS, MAX_CONNECTION_TESTS};
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use tokio::net::TcpListener;
use tokio::time::timeout;
use zbus::{Connection, OwnedVariant, Variant};

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";
const METHODS: [&str; 3] = ["Apply", "Check", "TestConnection"];

async fn refusal(client: &Connection, method: &str, values: &BTreeMap<String, Variant<'_>>) -> (String, String) {
    refused(client.call_method(Some(NAME), PATH, Some(CONFIG), method, values).await)
}

fn names(count: usize) -> Variant<'static> {
    Variant::from((0..count).map(|n| format!("Tag {n}")).collect::<Vec<_>>())
}

#[tokio::test]
async fn limits_of_a_value_are_told_with_the_setting() {
    let (bus, service) = started();
    let client = connect(&bus).await;
    let before = peak(service.id());
    for (name, value, told) in [
        ("FilterNames", names(65), "(it has 65 entries, at most 64 are taken)"),
        ("FallbackHosts", names(17), "(it has 17 entries, at most 16 are taken)"),
        ("CaCertificate", Variant::from("x".repeat(1_000_000)), "(it has 1000000 bytes, at most 262144 are taken)"),
        ("ClientKey", Variant::from("x".repeat(20_000)), "(it has 20000 bytes, at most 16384 are taken)"),
        ("ScanTopic", Variant::from("x".repeat(65_536)), "(it has 65536 bytes, at most 65535 are taken)"),
    ] {
        for method in METHODS {
            let values = BTreeMap::from([(name.to_owned(), value.try_clone().expect("no descriptors"))]);
            let (error, text) = refusal(&client, method, &values).await;
            assert_eq!(error, INVALID, "{method} {name}");
            assert!(text.starts_with(&format!("{name}: expected ")) && text.ends_with(told), "{method}: {text}");
        }
        let (error, text) = refused(crate::client::set(&client, name, value).await);
        assert_eq!(error, INVALID, "Set {name}");
        assert!(text.starts_with(&format!("{name}: expected ")), "Set: {text}");
    }
    apply(&client, &[("FilterNames", names(64))]).await.expect("as many as are taken");
    assert!(peak(service.id()) - before < 24 << 20, "{} bytes", peak(service.id()) - before);
}

#[tokio::test]
async fn limits_of_a_call_are_told_at_once() {
    let (bus, service) = started();
    let client = connect(&bus).await;
    let before = peak(service.id());
    let many: BTreeMap<_, _> = (0..=MAX_ARGUMENTS).map(|n| (format!("Port{n}"), Variant::from(7u16))).collect();
    let crowd: BTreeMap<_, _> = (0..100_000).map(|n| (format!("Port{n}"), Variant::from(7u16))).collect();
    let large = BTreeMap::from([("CaCertificate".to_owned(), Variant::from("x".repeat(24_000_000)))]);
    for method in METHODS {
        let (error, text) = refusal(&client, method, &many).await;
        assert_eq!((&*error, &*text), (INVALID, "expected at most 64 settings in a call (found 65): give each once"));
        for (values, told) in
            [(&crowd, method), (&large, "CaCertificate: expected empty or PEM text of at most 262144")]
        {
            let (error, text) = refusal(&client, method, values).await;
            assert_eq!(error, INVALID);
            assert!(text.starts_with(told) && text.contains("at most 1310720 are taken"), "{text}");
        }
    }
    let names: Vec<String> = (0..=MAX_ARGUMENTS).map(|_| "Port".to_owned()).collect();
    let reset = client.call_method(Some(NAME), PATH, Some(CONFIG), "Reset", &names).await;
    assert_eq!(refused(reset).0, INVALID);
    let long = "x".repeat(24_000_000);
    let get = client.call_method(Some(NAME), PATH, Some(PROPERTIES), "Get", &(CONFIG, &long)).await;
    assert_eq!(refused(get).0, INVALID);
    assert!(peak(service.id()) - before < 24 << 20, "{} bytes", peak(service.id()) - before);
    assert_eq!(bus.value(CONFIG, "Port"), 0);
}

#[test]
fn limits_are_those_of_the_manual() {
    let manual = include_str!("../../dbus/README.md");
    let rows: Vec<_> = manual.split_once("\n### Limits\n").expect("a section").1.lines().collect();
    for (limit, of) in [
        (dbus::MAX_CALLS, "calls at work;"),
        (dbus::MAX_CALLS_PER_CLIENT, "calls of a client"),
        (dbus::MAX_SLOW_CALLS, "calls of `Apply`"),
        (dbus::MAX_CONNECTION_TESTS, "`TestConnection` at work"),
        (dbus::MAX_CALL_BYTES, "bytes of the arguments"),
        (dbus::MAX_CALLS_BYTES, "bytes of all calls"),
        (dbus::MAX_ARGUMENTS, "settings in a call"),
    ] {
        let row = format!("| {limit} | {of}");
        assert!(rows.iter().any(|line| line.starts_with(&row)), "{row}");
    }
}

/// A broker that accepts connections and says nothing.
async fn tarpit() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

fn descriptors(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).expect("it runs").count()
}

fn threads(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/task")).expect("it runs").count()
}

/// Tests that nobody answers, as many as there are places.
async fn tests_at(bus: &Bus, port: u16) -> Vec<tokio::task::JoinHandle<zbus::Result<zbus::Message>>> {
    let mut tests = Vec::new();
    for _ in 0..MAX_CONNECTION_TESTS {
        let client = connect(bus).await;
        tests.push(tokio::spawn(async move {
            let overrides = BTreeMap::from([("Host", Variant::from("127.0.0.1")), ("Port", Variant::from(port))]);
            client.call_method(Some(NAME), PATH, Some(CONFIG), "TestConnection", &overrides).await
        }));
    }
    tests
}

#[tokio::test]
async fn limits_of_tests_at_a_time_are_told_by_a_name_of_their_own() {
    let (bus, service) = started();
    let (listener, port) = tarpit().await;
    let before = (descriptors(service.id()), threads(service.id()));
    let tests = tests_at(&bus, port).await;
    let mut held = Vec::new();
    while held.len() < MAX_CONNECTION_TESTS {
        held.push(timeout(DEADLINE, listener.accept()).await.expect("a test in time").expect("a test"));
    }
    let client = connect(&bus).await;
    let overrides = BTreeMap::from([("Host".to_owned(), Variant::from("127.0.0.1"))]);
    for _ in 0..200 {
        let (error, text) = refusal(&client, "TestConnection", &overrides).await;
        assert_eq!(error, "com.cassianetworks.Bypass1.Error.TooManyTests");
        assert!(text.starts_with("TestConnection: 4 tests run"), "{text}");
    }
    // The control of the radio, which looks for a bluetoothd that is not there, has connections of its own now and then.
    eventually("few descriptors", || descriptors(service.id()) <= before.0 + MAX_CONNECTION_TESTS + 4);
    eventually("few threads", || threads(service.id()) <= before.1 + 4);
    // Whose caller is gone ends, and makes room.
    for test in tests {
        test.abort();
        assert!(test.await.is_err_and(|error| error.is_cancelled()));
    }
    eventually("there is room", || {
        let words = ["a{sv}", "2", "Host", "s", "127.0.0.1", "Port", "q", "1"];
        bus.call(Who::Admin, "TestConnection", &words).is_ok()
    });
    drop(held);
}

#[tokio::test]
async fn get_all_of_statistics_adds_up() {
    let bus = crate::bus();
    let (air, theirs) = Air::new();
    let _service = bus.start_service_quietly(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
    bus.set(Who::Admin, "FilterRssi", &["n", "0"]).expect("Set");
    let playing = std::thread::spawn(move || air.play(0..20_000, 200));
    let reader = connect(&bus).await;
    let (mut moments, mut last) = (0, 0);
    while last < 20_000 {
        let all = reader.call_method(Some(NAME), PATH, Some(PROPERTIES), "GetAll", &STATS).await.expect("GetAll");
        let all: BTreeMap<String, OwnedVariant> = all.body().deserialize().expect("properties");
        let of = |name: &&str| u64::try_from(all[*name].try_clone().expect("no descriptors")).expect("t");
        let heard: u64 = ["Received", "Recovered"].iter().map(of).sum();
        let kinds =
            ["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"];
        assert_eq!(heard, kinds.iter().map(of).sum::<u64>());
        moments += usize::from(heard > last);
        last = heard;
    }
    playing.join().expect("no panic");
    assert!(moments > 3, "{moments}");
}

#[tokio::test]
async fn get_all_is_of_one_moment() {
    let (bus, _service) = started();
    let writer = connect(&bus).await;
    let writing = tokio::spawn(async move {
        for n in 0..400u16 {
            let pair = [("Port", Variant::from(1 + n)), ("KeepAliveSecs", Variant::from(5 + n))];
            apply(&writer, &pair).await.expect("Apply");
        }
    });
    let reader = connect(&bus).await;
    let (mut seen, mut last) = (0, 0);
    while !writing.is_finished() {
        let all = reader.call_method(Some(NAME), PATH, Some(PROPERTIES), "GetAll", &CONFIG).await.expect("GetAll");
        let all: BTreeMap<String, OwnedVariant> = all.body().deserialize().expect("properties");
        let of = |name: &str| u16::try_from(all[name].try_clone().expect("no descriptors")).expect("q");
        let (port, keep_alive) = (of("Port"), of("KeepAliveSecs"));
        assert!(port == 0 || keep_alive == port + 4, "{port} {keep_alive}");
        seen += usize::from(port != last);
        last = port;
    }
    writing.await.expect("no panic");
    assert!(seen > 10, "{seen} changes were seen");
}
