//! Runs of faults of the radio, of bluetoothd, of the clock and of the service, each in a guest of its own with the real bluetoothd.

use crate::bench;
use crate::bluez::Bluez;
use crate::books::{Allowed, Books};
use crate::guest::{Guest, Radio, eventually};
use crate::plan::{Entry, Kind, Step, plan, wanted};
use crate::recorder::Arrivals;
use crate::rig::{ADDRESS, Rig, SOON};
use radio_controller::{Controller, Load, hex};
use rustix::process::Signal;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};
use zbus::Variant;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    DaemonKilled,
    DaemonRestarted,
    DaemonStopped,
    Unplugged,
    Hung,
    HardwareError,
    PoweredOff,
    Blocked,
    OtherScans,
    OtherGone,
    ClockForward,
    ClockBack,
    ServiceKilled,
}

use Fault::*;

impl Kind for Fault {
    fn table() -> &'static [Entry<Self>] {
        &[
            (DaemonKilled, 1, 3, "bluetoothd killed (SIGKILL)"),
            (DaemonRestarted, 1, 3, "bluetoothd restarted (SIGTERM)"),
            (DaemonStopped, 1, 8, "bluetoothd stalled (SIGSTOP)"),
            (Unplugged, 1, 3, "adapter unplugged"),
            (Hung, 1, 3, "controller hung"),
            (HardwareError, 1, 3, "Hardware Error event of the controller"),
            (PoweredOff, 1, 3, "adapter powered off by another client"),
            (Blocked, 1, 3, "blocked by rfkill"),
            (OtherScans, 1, 8, "another client discovers with its own filter"),
            (OtherGone, 1, 3, "another client discovers, then ends"),
            (ClockForward, 1, 3, "clock set forward by up to 30 days"),
            (ClockBack, 1, 3, "clock set back by up to 30 days"),
            (ServiceKilled, 1, 3, "service killed (SIGKILL), real radio"),
        ]
    }

    fn goes_with(self, _: Self) -> bool {
        false
    }
}

/// What is on the air.
#[derive(Default)]
struct Sent {
    /// For each number whether it went to the host.
    numbers: Vec<bool>,
    count: u64,
    paused: bool,
    over: bool,
}

struct Playing(Arc<Mutex<Sent>>, Option<JoinHandle<()>>);

const LOAD: Load = Load { devices: 20, rate: 50, count: 0, evt: 3 };

impl Playing {
    fn start(controller: &Controller) -> Self {
        let (sent, controller) = (Arc::<Mutex<Sent>>::default(), controller.clone());
        let ours = sent.clone();
        let play = move || {
            loop {
                sleep(Duration::from_secs(1) / LOAD.rate);
                let mut sent = ours.lock().expect("no panic");
                if sent.over {
                    return;
                }
                if !sent.paused {
                    let advert = LOAD.advert(sent.numbers.len() as u32);
                    // What a device that is just being unplugged does not take is not sent.
                    let taken = controller.report(&[advert], false).is_ok_and(|counts| counts.sent == 1);
                    sent.numbers.push(taken);
                    sent.count += u64::from(taken);
                }
            }
        };
        Self(sent, Some(std::thread::spawn(play)))
    }

    fn sent<T>(&self, look: impl FnOnce(&mut Sent) -> T) -> T {
        look(&mut self.0.lock().expect("no panic"))
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.sent(|sent| sent.over = true);
        drop(self.1.take().map(JoinHandle::join));
    }
}

struct Run<'a> {
    playing: Playing,
    rig: Rig<'a>,
    radio: Radio,
    guest: &'a Guest,
    other: Option<Bluez>,
    books: Books,
    allowed: Allowed,
    dropped: BTreeMap<String, u64>,
    recoveries: BTreeMap<&'static str, Vec<Duration>>,
}

/// Blocks or unblocks all Bluetooth adapters: `struct rfkill_event` with RFKILL_OP_CHANGE_ALL.
fn rfkill(block: bool) {
    fs::write("/dev/rfkill", [0, 0, 0, 0, 2, 3, block.into(), 0]).expect("/dev/rfkill");
}

impl Run<'_> {
    fn arrivals(&self) -> Vec<Arrivals> {
        let mut arrivals = Vec::new();
        for item in self.rig.items() {
            let data = hex::decode(item["adData"].as_str().expect("adData")).expect("hex");
            let number = u32::from_le_bytes(*data.last_chunk().expect("a number")) as usize;
            arrivals.resize(arrivals.len().max(number + 1), Arrivals::default());
            arrivals[number].times += 1;
        }
        arrivals
    }

    fn begin(&mut self, fault: Fault, dice: u64) {
        match fault {
            DaemonKilled | DaemonRestarted => {
                self.radio.bluetoothd.end(if fault == DaemonKilled { Signal::KILL } else { Signal::TERM });
            }
            DaemonStopped => self.radio.bluetoothd.signal(Signal::STOP),
            Unplugged => self.radio.controller.unplug(),
            Hung => self.radio.controller.set_hung(true),
            HardwareError => self.radio.controller.hardware_error(0x42).expect("plugged in"),
            PoweredOff => self.power(false),
            Blocked => rfkill(true),
            OtherScans | OtherGone => {
                let other = self.guest.bluez();
                let adapter = other.wait_powered(ADDRESS);
                let filter = if dice.is_multiple_of(2) {
                    HashMap::from([("RSSI", Variant::from(-30_i16))])
                } else {
                    HashMap::from([("Pattern", Variant::from("AA:BB"))])
                };
                other.set_filter(&adapter, &filter).expect("a filter");
                // After bluetoothd was killed the kernel refuses discoveries for a while, this one's too.
                if !soon(|| other.start_plain(&adapter).is_ok()) {
                    println!("[rig] the other client's discovery was refused");
                }
                self.other = Some(other);
            }
            ClockForward => self.rig.guest.move_clock(1 + (dice % (30 * 86_400)) as i64),
            ClockBack => self.rig.guest.move_clock(-1 - (dice % (30 * 86_400)) as i64),
            ServiceKilled => {
                let before = self.playing.sent(|sent| sent.count);
                let last = self.rig.ledger();
                sleep(Duration::from_millis(dice % 100));
                self.rig.service.end(Signal::KILL);
                self.count_drops(&last);
                self.dropped.clear();
                self.rig.service = self.guest.service().start();
                self.rig.ready();
                self.rig.wait_state("scanning");
                // Nobody listened, or in memory alone; what was on its way before is less than a second's.
                let meanwhile = self.playing.sent(|sent| sent.count) - before;
                self.allowed.killed += meanwhile + u64::from(LOAD.rate) + last["Queued"] + last["InFlight"];
            }
        }
    }

    fn end(&mut self, fault: Fault) {
        match fault {
            DaemonKilled | DaemonRestarted => self.radio.bluetoothd = self.guest.bluetoothd(&["-E"]),
            DaemonStopped => self.radio.bluetoothd.signal(Signal::CONT),
            Unplugged => self.radio.controller.replug().expect("plugged in"),
            Hung => self.radio.controller.set_hung(false),
            PoweredOff => self.power(true),
            Blocked => rfkill(false),
            OtherScans => {
                let other = self.other.take().expect("it scans");
                let stopped = other.stop_discovery(&other.wait_powered(ADDRESS));
                println!("[rig] the other client's discovery ended: {stopped:?}");
            }
            OtherGone => drop(self.other.take()),
            HardwareError | ClockForward | ClockBack | ServiceKilled => {}
        }
    }

    fn power(&self, on: bool) {
        let other = self.guest.bluez();
        let adapter = eventually(SOON, "the adapter", || other.adapter(ADDRESS));
        eventually(SOON, "it takes the order", || other.set_powered(&adapter, on).is_ok());
    }

    fn count_drops(&mut self, ledger: &BTreeMap<String, u64>) {
        self.allowed.add_drops(ledger, &self.dropped);
        self.dropped = ledger.clone();
    }

    fn step(&mut self, step: &Step<Fault>) {
        sleep(step.after);
        self.begin(step.fault, step.dice);
        sleep(step.lasts);
        self.end(step.fault);
        let (over, next) = (Instant::now(), self.playing.sent(|sent| sent.numbers.len()));
        eventually(2 * SOON, "adverts arrive again", || self.arrivals().len() > next);
        self.recoveries.entry(step.fault.name()).or_default().push(over.elapsed());
    }

    fn audit(&mut self) {
        self.playing.sent(|sent| sent.paused = true);
        let ledger = eventually(SOON, "nothing waits", || {
            let (read, ledger) = (self.rig.stat("SpoolState") != "recovering", self.rig.ledger());
            (read && ledger["Queued"] + ledger["InFlight"] + ledger["Spooled"] == 0).then_some(ledger)
        });
        self.count_drops(&ledger);
        let (allowed, sent) = (std::mem::take(&mut self.allowed), self.playing.sent(|sent| sent.numbers.clone()));
        let mut missing = Ok(0);
        // The last ones are on their way through the kernel.
        let fine = || {
            missing = self.books.audit(&sent, &self.arrivals(), &allowed);
            missing.is_ok()
        };
        if !soon(fine) {
            panic!("{missing:?}, {ledger:?}");
        }
        println!("[rig] audit: {} sent, {missing:?} lost, {allowed:?}", self.books.heard);
        self.playing.sent(|sent| sent.paused = false);
    }
}

/// Whether it becomes true soon.
fn soon(mut fine: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < SOON {
        if fine() {
            return true;
        }
        sleep(Duration::from_millis(50));
    }
    false
}

fn run(guest: &Guest, seed: u64, faults: usize) {
    let mode = if seed.is_multiple_of(2) { "passive" } else { "active" };
    println!("[rig] seed {seed}, {faults} faults, {mode}");
    let radio = guest.radio(ADDRESS);
    let rig = Rig::start(guest, mode);
    rig.wait_state("scanning");
    let mut run = Run {
        playing: Playing::start(&radio.controller),
        rig,
        radio,
        guest,
        other: None,
        books: Books::default(),
        allowed: Allowed::default(),
        dropped: BTreeMap::new(),
        recoveries: BTreeMap::new(),
    };
    eventually(SOON, "adverts arrive", || !run.arrivals().is_empty());
    for step in plan::<Fault>(seed, faults, false) {
        println!("[rig] {step:?}");
        run.step(&step);
        run.audit();
    }
    for (fault, times) in &run.recoveries {
        let list: Vec<_> = times.iter().map(|t| format!("{:.2}", t.as_secs_f64())).collect();
        println!("chaos-fault: {fault}|{}", list.join(" "));
    }
    let Books { heard, arrived, repeated, lost_killed, allowed_killed, .. } = run.books;
    println!(
        "chaos-run: {seed}|radio, {mode} scan|{faults}|{heard}|{arrived}|{repeated}|0|{lost_killed} of {allowed_killed}|"
    );
}

#[test]
fn chaos_of_a_few_faults_of_the_radio() {
    bench::run_within(Duration::from_secs(240), |guest| run(guest, wanted("CASSIA_CHAOS_SEED").unwrap_or(3), 6));
}

#[test]
#[ignore = "takes long: tests/chaos/run"]
fn chaos_of_many_faults_of_the_radio() {
    let faults = wanted("CASSIA_CHAOS_FAULTS").expect("CASSIA_CHAOS_FAULTS");
    bench::run_within(Duration::from_secs(60 + 30 * faults), |guest| {
        let faults = wanted("CASSIA_CHAOS_FAULTS").expect("CASSIA_CHAOS_FAULTS");
        run(guest, wanted("CASSIA_CHAOS_SEED").expect("CASSIA_CHAOS_SEED"), faults as usize);
    });
}
