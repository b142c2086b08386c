//! Two hundred routers at one cluster: the figures of docs/fleet.md.

use crate::support::air::{Air, packet};
use crate::support::broker_subscriber::Subscriber;
use crate::support::bus::Bus;
use crate::support::busctl::STATS;
use crate::support::envelopes::Envelopes;
use crate::support::process::{cpu, memory};
use crate::support::rabbit::Cluster;
use crate::support::service::Service;
use crate::support::within;
use rustix::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const ROUTERS: usize = 200;
/// Adverts of each router in a second, in messages of at most 20.
const ADVERTS: usize = 5;
const STEADY: Duration = Duration::from_secs(30);
/// Starting this many processes takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

struct Router {
    bus: Bus,
    service: Service,
    air: Air,
}

impl Router {
    /// Its first broker is one of the nodes, the others are its fallbacks.
    fn start(number: usize, cluster: &Cluster) -> Self {
        let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
        let order: Vec<_> = (0..3).map(|n| &cluster.nodes[(number + n) % 3]).collect();
        let site = format!(
            "protocol = \"mqtt\"\nhost = \"127.0.0.1\"\nport = {}\nfallback_hosts = [\"{}\", \"{}\"]\nscan_qos = 1\n\
             payload_format = \"envelope\"\npush_interval_ms = 1000\nscan_topic = \"scan/{{router}}\"\n\
             router_address = \"CC:1B:E0:00:{:02X}:{:02X}\"\n",
            order[0].port,
            order[1].address(),
            order[2].address(),
            number >> 8,
            number & 0xFF
        );
        std::fs::write(bus.layer("site"), site).expect("written");
        let (air, theirs) = Air::new();
        let service = bus.start_service_quietly(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
        Self { bus, service, air }
    }

    fn stat(&self, name: &str) -> serde_json::Value {
        self.bus.value(STATS, name)
    }

    /// Lines of its log that tell of a connection.
    fn connections(&self) -> usize {
        self.bus.log().matches("connected to ").count()
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f32 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).map_or(0.0, Duration::as_secs_f32)
}

fn node_memory(cluster: &Cluster) -> u64 {
    let total = |node: &crate::support::rabbit::Node| {
        let said = node.ask("[erlang:garbage_collect(P) || P <- processes()], erlang:memory(total).");
        said.parse::<u64>().unwrap_or_else(|_| panic!("no number: {said}"))
    };
    cluster.nodes.iter().map(total).sum()
}

#[test]
#[ignore = "heavy: tests/cluster/run"]
fn fleet_of_two_hundred_routers_at_three_nodes() {
    let mut cluster = Cluster::start(3);
    let subscriber = Subscriber::at(cluster.nodes[2].port, "scan/#");
    let empty = node_memory(&cluster);
    let started = Instant::now();
    let routers: Vec<_> = (0..ROUTERS).map(|number| Router::start(number, &cluster)).collect();
    for router in &routers {
        within(PATIENCE, "connected", || router.connections() > 0);
    }
    println!("{ROUTERS} routers started and connected in {:.0} s", started.elapsed().as_secs_f32());
    let full = node_memory(&cluster);
    let each = full.saturating_sub(empty) / ROUTERS as u64 / 1024;
    println!("memory of the nodes: {} MiB, then {} MiB; {each} KiB a connection", empty >> 20, full >> 20);

    let (over, played) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let next = Instant::now() + Duration::from_secs(1) / ADVERTS as u32;
                for router in &routers {
                    router.air.send(&packet(played.fetch_add(1, Ordering::Relaxed), 50));
                }
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        // Steady.
        std::thread::sleep(Duration::from_secs(5));
        let used = || routers.iter().map(|router| cpu(router.service.id())).sum::<Duration>();
        let nodes = |cluster: &Cluster| cluster.nodes.iter().map(|node| node.cpu()).sum::<Duration>();
        let (messages, cpu_before, nodes_before) = (subscriber.count(), used(), nodes(&cluster));
        std::thread::sleep(STEADY);
        let per = |spent: Duration| 100.0 * spent.as_secs_f32() / STEADY.as_secs_f32();
        let arrived = (subscriber.count() - messages) as f32 / STEADY.as_secs_f32();
        println!("{arrived:.0} messages/s of about {ADVERTS} adverts");
        println!("a router: {:.2} % of a core", per(used() - cpu_before) / ROUTERS as f32);
        println!("the three nodes: {:.0} % of a core", per(nodes(&cluster) - nodes_before));
        let sizes: Vec<_> = routers.iter().map(|router| memory(router.service.id())).collect();
        println!("a router: {} KiB of memory (Pss)", sizes.iter().sum::<u64>() / sizes.len() as u64 / 1024);

        // A node dies.
        let before: Vec<_> = routers.iter().map(Router::connections).collect();
        cluster.nodes[0].kill();
        let killed = Instant::now();
        let mine = |number: &usize| number.is_multiple_of(3);
        let mut waiting: Vec<_> = (0..ROUTERS).filter(mine).collect();
        let (moved, mut times) = (waiting.len(), Vec::new());
        while !waiting.is_empty() {
            assert!(killed.elapsed() < PATIENCE, "{waiting:?} did not come back");
            waiting.retain(|number| {
                let back = routers[*number].connections() > before[*number];
                if back {
                    times.push(killed.elapsed());
                }
                !back
            });
            std::thread::sleep(Duration::from_millis(10));
        }
        times.sort();
        println!(
            "{moved} routers had the killed node; connected to another one after {:.2} s (half), {:.2} s (90 %), {:.2} s (all)",
            percentile(&times, 50),
            percentile(&times, 90),
            percentile(&times, 100)
        );
        // It comes back.
        cluster.nodes[0].restart();
        let up = Instant::now();
        let first = cluster.nodes[0].address();
        within(PATIENCE, "all of them are back", || {
            let back =
                (0..ROUTERS).filter(mine).filter(|n| routers[*n].bus.log().contains(&format!("back at {first}")));
            back.count() == moved
        });
        println!("all of them were back at their first node {:.0} s after it was up", up.elapsed().as_secs_f32());
        over.store(true, Ordering::Relaxed);
    });

    let played = played.load(Ordering::Relaxed);
    within(PATIENCE, "everything is published", || {
        routers.iter().all(|router| {
            let ledger = router.stat("Ledger");
            ledger["Published"] == ledger["Received"]
        })
    });
    let read = || Envelopes::read(subscriber.received().iter().map(|message| &*message.payload));
    within(PATIENCE, "everything arrived", || read().adverts.len() == played as usize);
    let seen = read();
    assert_eq!(seen.missing(), [], "lost");
    let sizes: usize = subscriber.received().iter().map(|message| message.payload.len()).sum();
    println!("{played} adverts in {} messages, none lost, {} twice", seen.count(), seen.repeated().len());
    println!("{} bytes of payload for each advert", sizes / played as usize);
    assert_eq!(seen.epochs.len(), ROUTERS);
}
