//! How much the whole service carries, and at what cost, beside the floor of any publisher in the same run.
//!
//! A generator plays packets of the HCI monitor channel into a socket that the service inherits; the service, set through
//! D-Bus, publishes to a Mosquitto on loopback; a subscriber counts what arrives. Then `mosquitto_pub -l` publishes the very
//! same payloads. Machines are shared: compare ratios within one run.
//!
//!     cargo bench --bench throughput                       # 20,000 adverts/s for 10 s, batches of 20, QoS 0
//!     cargo bench --bench throughput -- RATE [SECONDS]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::air::{Air, packet};
use support::broker::Mosquitto;
use support::broker_subscriber::Subscriber;
use support::bus::Bus;
use support::busctl::{CONFIG, NAME, PATH, STATS};
use support::identities::Who;
use support::process::Process;
use support::{eventually, within};

const BATCH: u64 = 20;
const DEVICES: u16 = 200;

/// Time on a processor of all threads of a process, to the nanosecond, also of one that ended and was not waited for. (The
/// ticks of `/proc/PID/stat` are samples, and miss what runs for microseconds at a time.)
fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("our own process");
    let nanoseconds = |path: std::path::PathBuf| -> Option<u64> {
        fs::read_to_string(path.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(threads.flatten().filter_map(|thread| nanoseconds(thread.path())).sum())
}

fn resident_kib(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("our own process");
    let line = status.lines().find(|line| line.starts_with(field)).expect("a line of memory");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// Plays numbered adverts at this rate. How long it took: longer than planned if the service did not keep up.
fn generate(air: &Air, rate: u64, total: u64) -> Duration {
    let packets: Vec<Vec<u8>> = (0..total as u32).map(|number| packet(number, DEVICES)).collect();
    let start = Instant::now();
    let mut sent = 0;
    while sent < total {
        let due = total.min((start.elapsed().as_secs_f64() * rate as f64) as u64 + 1);
        packets[sent as usize..due as usize].iter().for_each(|packet| air.send(packet));
        sent = due;
        thread::sleep(Duration::from_millis(1));
    }
    start.elapsed()
}

/// Asks for the ledger ten times a second for as long as `running`; the slowest and the median answer.
fn ask(bus: &Bus, running: &AtomicBool) -> (Duration, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut answers = runtime.block_on(async {
        let client = zbus::connection::Builder::address(bus.address()).build().await.expect("the bus");
        let mut answers = Vec::new();
        while running.load(Ordering::Acquire) {
            let asked = Instant::now();
            let get = (STATS, "Ledger");
            let properties = Some("org.freedesktop.DBus.Properties");
            client.call_method(Some(NAME), PATH, properties, "Get", &get).await.expect("an answer");
            answers.push(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        answers
    });
    answers.sort();
    (answers[answers.len() / 2], *answers.last().expect("at least one"))
}

/// `mosquitto_pub -l` with these payloads: time and processor time.
fn reference(broker: &Mosquitto, payloads: &[String]) -> (Duration, Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("payloads");
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    payloads.iter().for_each(|payload| writeln!(file, "{payload}").expect("written"));
    file.flush().expect("written");
    let received = broker.received();
    let start = Instant::now();
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", "127.0.0.1", "-p", &broker.ports.anonymous.to_string(), "-t", "reference", "-l"]);
    let process = Process::spawn(command.stdin(File::open(&path).expect("the file")).stdout(Stdio::null()));
    let pid = process.id();
    // A zombie still tells what it used.
    within(Duration::from_secs(600), "mosquitto_pub ends", || {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    });
    let (took, used) = (start.elapsed(), cpu(pid));
    eventually("the broker has all of the reference", || broker.received() - received >= payloads.len());
    (took, used)
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let (rate, secs) = (numbers.next().unwrap_or(20_000), numbers.next().unwrap_or(10));
    let total = rate * secs;

    let broker = Mosquitto::start();
    let subscriber = Subscriber::start(&broker, "scanTopic");
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    let (air, theirs) = Air::new();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&theirs).to_string();
    let service = bus.start_service_quietly(&["--monitor-fd", &fd]);
    let port = broker.ports.anonymous.to_string();
    let words = ["a{sv}", "3", "Host", "s", "127.0.0.1", "Port", "q", &port, "Protocol", "s", "mqtt"];
    bus.busctl(Who::Root, &[&["call", NAME, PATH, CONFIG, "Apply"], &words[..]].concat()).expect("settings");
    eventually("connected", || bus.value(STATS, "LinkState") == "connected");

    let (idle_rss, before) = (resident_kib(service.id(), "VmRSS"), cpu(service.id()));
    let running = AtomicBool::new(true);
    let ((took, used), (median, slowest)) = thread::scope(|scope| {
        let generator = scope.spawn(|| {
            let took = generate(&air, rate, total);
            within(Duration::from_secs(120), "every advert is published or lost", || {
                let ledger = bus.value(STATS, "Ledger");
                ledger["Received"] == total && ledger["Queued"] == 0 && ledger["InFlight"] == 0
            });
            running.store(false, Ordering::Release);
            (took, cpu(service.id()) - before)
        });
        let answers = ask(&bus, &running);
        (generator.join().expect("the generator"), answers)
    });
    let (rss, peak) = (resident_kib(service.id(), "VmRSS"), resident_kib(service.id(), "VmHWM"));
    let published = bus.value(STATS, "Published").as_u64().expect("a count");
    eventually("the subscriber has it all", || subscriber.count() as u64 >= published.div_ceil(BATCH));
    let payloads: Vec<String> = subscriber.received().into_iter().map(|message| message.payload).collect();
    let arrived = payloads.iter().map(|payload| payload.matches("\"bdaddrs\"").count() as u64).sum::<u64>();
    let (reference_took, reference_used) = reference(&broker, &payloads);

    let micros = |time: Duration| time.as_secs_f64() * 1e6 / total as f64;
    let (ours, floor) = (micros(used), micros(reference_used));
    println!("QoS 0, batches of {BATCH}, {DEVICES} devices, {} messages", payloads.len());
    println!("                          cassia-bypassd   mosquitto_pub -l");
    println!("adverts sent              {total:>14}   {total:>16}");
    println!("adverts at the subscriber {arrived:>14}");
    println!(
        "adverts/s                 {:>14.0}   {:>16.0}   (ours paced, mosquitto_pub as fast as it can)",
        total as f64 / took.as_secs_f64(),
        total as f64 / reference_took.as_secs_f64()
    );
    println!("CPU us/advert             {ours:>14.2}   {floor:>16.2}   (ratio {:.2})", ours / floor);
    println!("RSS KiB idle/end/peak     {:>14}", format!("{idle_rss}/{rss}/{peak}"));
    println!("D-Bus Get, median/max     {:>14}", format!("{median:.1?}/{slowest:.1?}"));
    println!("lost                      {:>14}", total - arrived);
}
