//! Where the monitor channel is the capture, bluetoothd need not tell everyone of every advert.

use std::fs;
use std::process::Command;
use std::time::Duration;

use radio_controller::Advert;
use rustix::process::{Pid, Signal};

use crate::bench;
use crate::guest::{Guest, Radio, eventually};
use crate::process::Process;
use crate::rig::{ADDRESS, Rig, SOON, wait_scan};

const LONG: Duration = Duration::from_secs(180);
const ADVERTS: u16 = 300;

/// Signals of bluetoothd, as anyone on the bus may hear them.
fn eavesdrop() -> Process {
    let mut command = Command::new("stdbuf");
    command.args(["-oL", "dbus-monitor", "--system", "--profile", "type='signal',sender='org.bluez'"]);
    let monitor = Process::start("eavesdrop", &mut command);
    eventually(SOON, "it listens", || monitor.lines().iter().any(|line| line.contains("NameAcquired")));
    monitor
}

/// Processor time of a process so far.
fn cpu(process: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).expect("it runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks: u32 = fields.split(' ').skip(11).take(2).map(|n| n.parse::<u32>().expect("a number")).sum();
    Duration::from_millis(10) * ticks
}

/// Adverts on the air, all different, all of which the service hears; gives the signals that bluetoothd sent meanwhile.
fn signals(rig: &Rig<'_>, radio: &Radio) -> u64 {
    let ear = eavesdrop();
    let (before, bluetoothd, bus) = (rig.received(), cpu(radio.bluetoothd.id()), cpu(radio.bus.id()));
    let mut sent = 0;
    for [low, high] in (0..ADVERTS).map(u16::to_le_bytes) {
        let address = format!("C0:FF:EE:00:06:{:02X}", low % 5).parse().expect("an address");
        let data = [2, 1, 6, 5, 0xFF, 0xFF, 0xFF, low, high];
        let advert = Advert { evt: 3, ..Advert::new(address, &data) };
        // BlueZ restarts an active scan now and then: what is on the air meanwhile is heard by nobody.
        eventually(SOON, "it is heard", || {
            radio.controller.report(std::slice::from_ref(&advert), false).is_ok_and(|counts| counts.sent == 1)
        });
        sent += 1;
        // As fast as the air, not as the bench.
        std::thread::sleep(Duration::from_millis(20));
    }
    let exact = rig.text("Capture") == "monitor";
    eventually(SOON, "they are heard", || rig.received() - before >= if exact { sent } else { sent / 2 });
    let (bluetoothd, bus) = (cpu(radio.bluetoothd.id()) - bluetoothd, cpu(radio.bus.id()) - bus);
    ear.end(Signal::TERM);
    let of_device =
        |line: &&String| line.starts_with("sig") && (line.contains("/dev_") || line.contains("InterfacesAdded"));
    let count = ear.lines().iter().filter(of_device).count() as u64;
    println!("[rig] {count} signals for {sent} adverts; processor: bluetoothd {bluetoothd:?}, dbus-daemon {bus:?}");
    count
}

/// A service on a fresh set of settings.
fn start<'a>(guest: &'a Guest, net_raw: bool, mode: &str) -> Rig<'a> {
    let service = if net_raw { guest.service() } else { guest.service().without_net_raw() };
    Rig::start_service(guest, service, mode)
}

#[test]
fn bluetoothd_keeps_to_itself_what_nobody_asked_for() {
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        for net_raw in [true, false] {
            let rig = start(guest, net_raw, "passive");
            for (mode, active) in [("passive", false), ("active", true)] {
                rig.mode(mode);
                rig.wait_stat("Capture", if net_raw { "monitor" } else { "signals" });
                rig.wait_state("scanning");
                wait_scan(&radio.controller, mode, |scan| scan.active == active && !scan.filter_dup);
                println!("[rig] {mode}, captured by {}", rig.text("Capture"));
                let count = signals(&rig, &radio);
                match (net_raw, mode) {
                    (true, "passive") => assert_eq!(count, 0),
                    (true, _) => {}
                    // The fallback lives on them.
                    (false, _) => assert!(count >= u64::from(ADVERTS) / 2, "{count} signals"),
                }
            }
            rig.ledger();
            rig.service.end(Signal::TERM);
            rig.broker.end(Signal::TERM);
        }
    });
}

/// Another program's advertisement monitor: it is told of what matches its own patterns, whatever we ask for.
#[test]
fn monitor_of_another_client_is_served_beside_ours() {
    use bluer::monitor::{Monitor, MonitorEvent, Pattern, data_type};
    use futures_util::StreamExt;
    bench::run_within(LONG, |guest| {
        let radio = guest.radio(ADDRESS);
        let rig = start(guest, true, "passive");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for (mode, active) in [("passive", false), ("active", true)] {
            rig.mode(mode);
            rig.wait_state("scanning");
            wait_scan(&radio.controller, mode, |scan| scan.active == active && !scan.filter_dup);
            let seen = runtime.block_on(async {
                let session = bluer::Session::new().await.expect("the bus");
                let manager =
                    session.default_adapter().await.expect("an adapter").monitor().await.expect("its monitors");
                let pattern = Pattern::new(data_type::MANUFACTURER_SPECIFIC_DATA, 0, &[0x34, 0x12]);
                let monitor = Monitor { patterns: Some(vec![pattern]), ..Monitor::default() };
                let mut handle = manager.register(monitor).await.expect("a monitor");
                let address = if active { "C0:FF:EE:00:05:02" } else { "C0:FF:EE:00:05:01" };
                let advert = radio_controller::Advert {
                    evt: 3,
                    ..radio_controller::Advert::new(address.parse().expect("an address"), b"\x05\xFF\x34\x12\x01\x02")
                };
                for _ in 0..50 {
                    drop(radio.controller.report(std::slice::from_ref(&advert), false));
                    let event = tokio::time::timeout(Duration::from_millis(200), handle.next()).await;
                    if let Ok(Some(MonitorEvent::DeviceFound(_))) = event {
                        return true;
                    }
                }
                false
            });
            println!("[rig] {mode}: another monitor is told: {seen}");
            assert!(seen, "{mode}");
        }
        rig.ledger();
    });
}
