//! A flood of calls by local users: it fills no memory, loses no advert, and others are answered meanwhile.

use crate::bus;
use crate::client::{PROPERTIES, connect};
use crate::flooder::RawClient;
use crate::support::air::Air;
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::peak;
use crate::support::service::Service;
use cassia_bypass::dbus::MAX_CALLS_PER_CLIENT;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use zbus::Connection;

/// As many as a client may have unanswered on a system bus, but one.
const WINDOW: usize = 127;
const CLIENTS: usize = 40;
/// What a flood may take. Before there was a limit it took 375 MB.
const ROOM: u64 = 12 << 20;
const ADVERTS: u32 = 20_000;

/// Calls of a kind, from many clients.
struct Flood {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<(usize, usize)>>,
}

impl Flood {
    /// Each client has always so many calls waiting.
    fn start(bus: &Bus, path: &'static str, interface: &'static str, member: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |mut client: RawClient| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                let call = client.call_of(path, interface, member);
                client.send(&call, WINDOW);
                let (mut answers, mut errors) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    errors += client.answers(1);
                    answers += 1;
                    client.send(&call, 1);
                }
                (answers + WINDOW, errors + client.answers(WINDOW))
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| RawClient::connect(bus)).collect();
        Self { clients: clients.into_iter().map(client).collect(), stop }
    }

    /// Answers, and errors among them.
    fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        let each = self.clients.into_iter().map(|client| client.join().expect("no panic"));
        each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

async fn received(client: &Connection) -> u64 {
    let answer = client.call_method(Some(NAME), PATH, Some(PROPERTIES), "Get", &(STATS, "Received")).await;
    let answer = answer.expect("others are answered");
    let value: zbus::OwnedVariant = answer.body().deserialize().expect("a value");
    u64::try_from(value).expect("a count")
}

fn hearing(bus: &Bus) -> (Air, Service) {
    let (air, theirs) = Air::new();
    let service = bus.start_service_quietly(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
    eventually("it hears", || bus.value(STATS, "RadioState") == "test");
    (air, service)
}

#[tokio::test]
async fn flood_fills_no_memory_and_others_are_answered() {
    let bus = bus();
    let (air, mut service) = hearing(&bus);
    let other = connect(&bus).await;
    // What an answer takes is there before the flood.
    bus.call(Who::Nobody, "Describe", &[]).expect("Describe");
    bus.introspect(Who::Nobody).expect("Introspect");
    let (before, mut played) = (peak(service.id()), 0);
    for (path, interface, member) in [
        (PATH, CONFIG, "Describe"),
        (PATH, "org.freedesktop.DBus.Introspectable", "Introspect"),
        (PATH, PROPERTIES, "GetAll"),
        (PATH, "org.freedesktop.DBus.Peer", "GetMachineId"),
        ("/no/such/object", CONFIG, "Describe"),
    ] {
        let flood = Flood::start(&bus, path, interface, member);
        for _ in 0..2 {
            air.play(played..played + ADVERTS / 10, 200);
            played += ADVERTS / 10;
            received(&other).await;
        }
        let (answers, errors) = flood.end();
        assert!(answers > CLIENTS * WINDOW && errors > 0, "{member}: {answers} answers, {errors} errors");
        let grown = peak(service.id()) - before;
        assert!(grown < ROOM, "{member}: {grown} bytes after {answers} answers");
    }
    eventually("every advert is heard", || bus.value(STATS, "Received") == played);
    assert_eq!(bus.value(STATS, "CaptureLost"), 0);
    assert!(service.runs());
}

/// Clients that read nothing: what the bus keeps for them is not the service's.
#[tokio::test]
async fn flood_of_clients_that_do_not_read_fills_no_memory() {
    let bus = bus();
    let (_air, service) = hearing(&bus);
    let other = connect(&bus).await;
    bus.call(Who::Nobody, "Describe", &[]).expect("Describe");
    let before = peak(service.id());
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| RawClient::connect(&bus)).collect();
    for client in &mut clients {
        let call = client.call_of(PATH, CONFIG, "Describe");
        client.send(&call, WINDOW);
    }
    received(&other).await;
    let grown = peak(service.id()) - before;
    assert!(grown < ROOM, "{grown} bytes");
    clients.iter_mut().for_each(|client| assert!(client.answers(WINDOW) <= WINDOW));
}

#[test]
fn flood_of_one_client_is_refused_by_name_and_ends() {
    let bus = bus();
    let (_air, service) = hearing(&bus);
    let mut client = RawClient::connect(&bus);
    let describe = client.call_of(PATH, CONFIG, "Describe");
    // All of them wait when it reads the first one.
    service.freeze();
    client.send(&describe, MAX_CALLS_PER_CLIENT + 10);
    // The bus passed them on when it answers the second of these.
    (0..2).for_each(|_| client.ping_bus());
    service.thaw();
    let mut names = Vec::new();
    let errors = client.named_answers(MAX_CALLS_PER_CLIENT + 10, &mut names);
    assert_eq!(errors, 10);
    assert!(names.iter().all(|name| name == "org.freedesktop.DBus.Error.LimitsExceeded"), "{names:?}");
    // And those of a moment later are not.
    client.send(&describe, 1);
    assert_eq!(client.answers(1), 0);
    // Who wants no answer frees its place nevertheless.
    let silent = client.call_of(PATH, CONFIG, "Describe").without_answer();
    (0..3 * MAX_CALLS_PER_CLIENT).for_each(|_| {
        client.send(&silent, 1);
        client.send(&describe, 1);
        assert_eq!(client.answers(1), 0);
    });
}
