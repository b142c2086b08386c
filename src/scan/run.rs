//! The loop of the scan task: capture and intake on one side, the control of the radio on the other.

use super::adapter::{self, Senses, Wanted};
use super::capture::Burst;
use super::ear::{Ear, Ears};
use super::in_use::{Heard, InUse};
use super::intake::Intake;
use super::monitor;
use crate::advert::Address;
use crate::config::{Config, ScanMode};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::watchdog::PULSE;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until};

/// Where adverts come from.
#[derive(Debug)]
pub enum Source {
    /// The radio that bluetoothd is in charge of.
    Bluez,
    /// A socket that plays packets of the monitor channel, for tests. No radio is touched.
    Inherited(OwnedFd),
}

/// Bursts that are still taken at the end: more than a socket holds.
const LAST_BURSTS: usize = 64;
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
    let heard = Arc::new(Heard::default());
    let intake = Intake::new(queue, stats.clone(), &now, router);
    match source {
        Source::Bluez => {
            let wanted = watch::Sender::new(Wanted::of(&now));
            let listen = listen(config, intake, stats.clone(), None, &wanted, heard.clone(), stop);
            let orders = watch::Sender::default();
            let senses = Senses { stats: stats.clone(), heard, orders: orders.subscribe() };
            // Parts of their own, so that a packet does not wake them.
            let mut others = JoinSet::new();
            others.spawn(adapter::control(wanted.subscribe(), senses));
            others.spawn(monitor::listen(orders, stats.clone()));
            tokio::select! {
                () = listen => {}
                _ = others.join_next() => {}
            }
            others.shutdown().await;
        }
        Source::Inherited(fd) => {
            let wanted = watch::Sender::new(Wanted::of(&now));
            listen(config, intake, stats, Some(fd), &wanted, heard, stop).await;
        }
    }
}

async fn listen(
    mut config: watch::Receiver<Arc<Config>>,
    mut intake: Intake,
    stats: Arc<Stats>,
    inherited: Option<OwnedFd>,
    wanted: &watch::Sender<Wanted>,
    heard: Arc<Heard>,
    stop: impl Future<Output = ()>,
) {
    let testing = inherited.is_some();
    let mut mode = config.borrow().scan;
    let mut ears = Ears::new(stats.clone());
    let mut ear = match inherited {
        Some(fd) => ears.inherit(fd),
        None if mode == ScanMode::Off => ears.close(),
        None => ears.open(),
    };
    let mut in_use = InUse::new(&stats, heard);
    // One timer, moved as things change: a new one for each packet would cost the runtime a system call and a round.
    let mut alarm = pin!(sleep_until(Instant::now()));
    let (mut pulse, mut upgrade) = (interval(PULSE), interval(UPGRADE));
    let mut stop = pin!(stop);
    loop {
        let due = intake.due();
        if let Some(due) = due
            && due != alarm.deadline()
        {
            alarm.as_mut().reset(due);
        }
        stats.beats().scan();
        tokio::select! {
            biased;
            () = &mut stop => break,
            Ok(()) = config.changed() => {
                let now = config.borrow_and_update().clone();
                intake.configure(&now);
                wanted.send_if_modified(|w| {
                    let before = std::mem::replace(w, Wanted::of(&now));
                    before != *w
                });
                if !testing && (mode == ScanMode::Off) != (now.scan == ScanMode::Off) {
                    if now.scan == ScanMode::Off {
                        in_use.refresh();
                        hear_out(&mut ear, &mut intake, Some(&in_use)).await;
                        ear = ears.close();
                        intake.flush();
                    } else {
                        ear = ears.open();
                    }
                }
                mode = now.scan;
            }
            () = &mut alarm, if due.is_some() => {
                // The rest of a chain may wait in the capture.
                if matches!(ear, Ear::Monitor(_) | Ear::Signals(_)) {
                    in_use.refresh();
                    match hear(&mut ear, &mut intake, if testing { None } else { Some(&in_use) }) {
                        Ok(burst) if burst.more => tokio::task::yield_now().await,
                        Ok(_) => {}
                        Err(_) if testing => ear = Ear::Closed(None),
                        Err(e) => ear = ears.lost(&e.to_string()),
                    }
                }
                if !matches!(ear, Ear::Monitor(_) | Ear::Signals(_)) {
                    intake.no_capture();
                }
                intake.overdue();
            }
            ready = ear.ready() => {
                in_use.refresh();
                let adapters = if testing { None } else { Some(&in_use) };
                if let Ear::Opening(opening) = ear {
                    ear = ears.opened(opening);
                    continue;
                }
                match ready.and_then(|()| hear(&mut ear, &mut intake, adapters)) {
                    // Many packets wait: D-Bus gets a turn all the same.
                    Ok(burst) if burst.more => tokio::task::yield_now().await,
                    Ok(_) => {}
                    // The test is over.
                    Err(_) if testing => ear = Ear::Closed(None),
                    Err(_) if matches!(ear, Ear::Closed(_)) => ear = ears.open(),
                    Err(e) => ear = ears.lost(&e.to_string()),
                }
            }
            // Another round, to show that it goes on.
            _ = pulse.tick() => intake.look(),
            _ = upgrade.tick() => {
                // Bluetooth's kernel module may come after us, with the first adapter.
                if let Ear::Signals(signals) = &ear
                    && signals.passing()
                    && let Some(better) = ears.monitor()
                {
                    ear = better;
                }
            }
        }
    }
    in_use.refresh();
    hear_out(&mut ear, &mut intake, if testing { None } else { Some(&in_use) }).await;
    intake.flush();
}

/// Takes what is there now.
fn hear(ear: &mut Ear, intake: &mut Intake, adapters: Option<&InUse>) -> io::Result<Burst> {
    match ear {
        Ear::Monitor(monitor) => intake.take(monitor, adapters),
        Ear::Signals(signals) => intake.take(signals, adapters),
        Ear::Closed(_) | Ear::Opening(_) => Err(io::ErrorKind::NotConnected.into()),
    }
}

/// Takes what was heard before the end and not read yet.
async fn hear_out(ear: &mut Ear, intake: &mut Intake, adapters: Option<&InUse>) {
    for _ in 0..LAST_BURSTS {
        // The runtime finds out that there is something.
        tokio::task::yield_now().await;
        if !hear(ear, intake, adapters).is_ok_and(|burst| burst.more) {
            return;
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
