//! The loop of the scan task: capture and intake on one side, the control of the radio on the other.

use super::adapter::{self, Wanted};
use super::capture::Capture;
use super::intake::Intake;
use super::monitor::Monitor;
use super::signals::Signals;
use crate::advert::Address;
use crate::config::{Config, ScanMode};
use crate::queue::Queue;
use crate::stats::{CaptureKind, RadioState, Stats};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Where adverts come from.
#[derive(Debug)]
pub enum Source {
    /// The radio that bluetoothd is in charge of.
    Bluez,
    /// A socket that plays packets of the monitor channel, for tests. No radio is touched.
    Inherited(OwnedFd),
}

/// After a capture failed.
const RETRY: Duration = Duration::from_secs(2);
/// How often a better capture is looked for.
const UPGRADE: Duration = Duration::from_secs(30);

/// Runs until `stop`; the open batch is in the queue then, and the radio is left alone. `router` stands for the router as
/// long as the settings name no address.
pub async fn run(
    mut config: watch::Receiver<Arc<Config>>,
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    source: Source,
    router: Address,
    stop: impl Future<Output = ()>,
) {
    let now = config.borrow_and_update().clone();
    let intake = Intake::new(queue, stats.clone(), &now, router);
    match source {
        Source::Bluez => {
            let wanted = watch::Sender::new(Wanted::of(&now));
            let listen = listen(config, intake, stats.clone(), None, &wanted, stop);
            let mut listen = pin!(listen);
            let mut control = pin!(adapter::control(wanted.subscribe(), stats.clone()));
            tokio::select! {
                () = &mut listen => {}
                () = &mut control => {}
            }
        }
        Source::Inherited(fd) => {
            let wanted = watch::Sender::new(Wanted::of(&now));
            listen(config, intake, stats, Some(fd), &wanted, stop).await;
        }
    }
}

/// What is listened to.
enum Ear {
    /// Nothing, until then.
    Closed(Option<Instant>),
    Monitor(Monitor),
    Signals(Signals),
}

impl Ear {
    async fn ready(&mut self) -> io::Result<()> {
        match self {
            Self::Closed(None) => std::future::pending().await,
            Self::Closed(Some(until)) => {
                sleep_until(*until).await;
                Ok(())
            }
            Self::Monitor(monitor) => monitor.ready().await,
            Self::Signals(signals) => signals.ready().await,
        }
    }
}

async fn listen(
    mut config: watch::Receiver<Arc<Config>>,
    mut intake: Intake,
    stats: Arc<Stats>,
    inherited: Option<OwnedFd>,
    wanted: &watch::Sender<Wanted>,
    stop: impl Future<Output = ()>,
) {
    let testing = inherited.is_some();
    let mut mode = config.borrow().scan;
    let mut ear = match inherited {
        Some(fd) => inherit(fd, &stats),
        None if mode == ScanMode::Off => Ear::Closed(None),
        None => open(&stats).await,
    };
    let radio = stats.radio();
    let mut upgrade = Instant::now() + UPGRADE;
    let mut stop = pin!(stop);
    loop {
        let due = intake.due();
        tokio::select! {
            biased;
            () = &mut stop => break,
            Ok(()) = config.changed() => {
                let now = config.borrow_and_update().clone();
                intake.configure(&now);
                wanted.send_if_modified(|w| std::mem::replace(w, Wanted::of(&now)) != Wanted::of(&now));
                if !testing && (mode == ScanMode::Off) != (now.scan == ScanMode::Off) {
                    if now.scan == ScanMode::Off {
                        ear = Ear::Closed(None);
                        intake.flush();
                        stats.set_radio(|r| (r.capture, r.capture_reason) = (CaptureKind::None, String::new()));
                    } else {
                        ear = open(&stats).await;
                    }
                }
                mode = now.scan;
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => intake.overdue(),
            ready = ear.ready() => {
                let adapter = if testing { None } else { Some(index(&radio.borrow().adapter)) };
                let taken = match (ready, &mut ear) {
                    (Err(e), _) => Err(e),
                    (Ok(()), Ear::Monitor(monitor)) => intake.take(monitor, adapter),
                    (Ok(()), Ear::Signals(signals)) => intake.take(signals, adapter),
                    (Ok(()), Ear::Closed(_)) => Err(io::ErrorKind::NotConnected.into()),
                };
                match taken {
                    // Many packets wait: D-Bus gets a turn all the same.
                    Ok(burst) if burst.more => tokio::task::yield_now().await,
                    Ok(_) => {}
                    // The test is over.
                    Err(_) if testing => ear = Ear::Closed(None),
                    Err(e) => {
                        tracing::debug!("capture: {e}");
                        ear = if matches!(ear, Ear::Closed(_)) { open(&stats).await } else { Ear::Closed(Some(Instant::now() + RETRY)) };
                    }
                }
            }
            () = sleep_until(upgrade) => {
                upgrade = Instant::now() + UPGRADE;
                // Bluetooth's kernel module may come after us, with the first adapter.
                if let (Ear::Signals(signals), Ok(monitor)) = (&ear, Monitor::open())
                    && signals.passing()
                {
                    ear = Ear::Monitor(monitor);
                    told(&stats, CaptureKind::Monitor, MONITOR);
                }
            }
        }
    }
    intake.flush();
}

/// The 3 of `hci3`; an index that no adapter has for anything else.
fn index(adapter: &str) -> u16 {
    adapter.strip_prefix("hci").and_then(|digits| digits.parse().ok()).unwrap_or(u16::MAX)
}

const MONITOR: &str = "CAP_NET_RAW is there: adverts byte by byte";

fn told(stats: &Stats, kind: CaptureKind, reason: &str) {
    stats.set_radio(|r| (r.capture, r.capture_reason) = (kind, reason.to_owned()));
}

fn inherit(fd: OwnedFd, stats: &Stats) -> Ear {
    stats.set_radio(|r| r.state = RadioState::Test);
    match Monitor::inherited(fd) {
        Ok(monitor) => {
            told(stats, CaptureKind::Monitor, "packets come from a test's descriptor");
            Ear::Monitor(monitor)
        }
        Err(e) => {
            told(stats, CaptureKind::None, &format!("the test's descriptor is of no use: {e}"));
            Ear::Closed(None)
        }
    }
}

/// The best capture that can be had now.
async fn open(stats: &Stats) -> Ear {
    let unavailable = match Monitor::open() {
        Ok(monitor) => {
            told(stats, CaptureKind::Monitor, MONITOR);
            return Ear::Monitor(monitor);
        }
        Err(unavailable) => unavailable,
    };
    match Signals::open(unavailable.passing).await {
        Ok(signals) => {
            told(stats, CaptureKind::Signals, &unavailable.reason);
            Ear::Signals(signals)
        }
        Err(e) => {
            told(stats, CaptureKind::None, &format!("{}; D-Bus signals: {e}", unavailable.reason));
            Ear::Closed(Some(Instant::now() + RETRY))
        }
    }
}
