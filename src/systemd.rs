//! Notifications for systemd: READY=1, STATUS=, WATCHDOG=1, STOPPING=1.

use crate::log;
use crate::model::HealthState;
use crate::stats::Stats;
use crate::watchdog::{HEARTBEAT_INTERVAL, ProgressCheck};
use sd_notify::NotifyState;
use std::env;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};

/// Between two lines for people, while nothing but figures changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);
/// How much more time is asked for at a time while the end takes long, and how long in all.
const EXTENSION: Duration = Duration::from_secs(10);
const MAX_STOP_TIME: Duration = Duration::from_secs(60);

/// The socket of the service manager, if it gave us one. It never blocks: what does not fit is lost, not our time.
#[derive(Debug, Default)]
pub struct Manager(Option<UnixDatagram>);

impl Manager {
    /// The one of `NOTIFY_SOCKET`.
    pub fn from_environment() -> Self {
        let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        match connect(&path) {
            Ok(socket) => Self(Some(socket)),
            Err(error) => {
                log::notify(&error.to_string());
                Self::default()
            }
        }
    }

    fn notify(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.0 else { return };
        let lines: String = states.iter().map(|state| format!("{state}\n")).collect();
        if let Err(error) = socket.send(lines.as_bytes()) {
            tracing::debug!("systemd was not told {lines:?}: {error}");
        }
    }

    /// The service can be used.
    pub fn ready(&self) {
        self.notify(&[NotifyState::Ready]);
    }

    /// The service ends.
    pub fn stopping(&self) {
        self.notify(&[NotifyState::Stopping]);
    }

    /// Sends STATUS= and WATCHDOG=1 until cancelled.
    pub async fn follow(&self, stats: &Stats) {
        tokio::join!(self.show(stats), self.ping_watchdog(stats));
    }

    /// The line of `systemctl status`: at once when the state changes, every few seconds when figures do.
    async fn show(&self, stats: &Stats) {
        let (mut health, mut shown) = (stats.health(), String::new());
        loop {
            health.mark_unchanged();
            let line = line(stats);
            if line != shown {
                self.notify(&[NotifyState::Status(&line)]);
                shown = line;
            }
            // Not more often than once a second, however often the state changes.
            sleep(HEARTBEAT_INTERVAL).await;
            tokio::select! {
                _ = health.changed() => {}
                () = sleep(STATUS_INTERVAL - HEARTBEAT_INTERVAL) => {}
            }
        }
    }

    /// Pings the watchdog, if there is one. Progress is checked four times in its interval, so that a pause of half of it is tolerated.
    async fn ping_watchdog(&self, stats: &Stats) {
        let Some(limit) = watched() else { return };
        let (mut progress, mut tick) = (ProgressCheck::default(), interval(limit / 4));
        loop {
            tick.tick().await;
            if progress.both_progressed(stats.heartbeats()) {
                self.notify(&[NotifyState::Watchdog]);
            }
        }
    }

    /// Waits for the end; while the publish thread moves systemd is asked for more time.
    pub async fn drain(&self, stats: &Stats, end: impl Future<Output = ()>) {
        let (mut end, mut progress, mut tick) = (pin!(end), ProgressCheck::default(), interval(2 * HEARTBEAT_INTERVAL));
        let (latest, more) = (Instant::now() + MAX_STOP_TIME, u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX));
        loop {
            tokio::select! {
                () = &mut end => return,
                _ = tick.tick() => {}
            }
            if Instant::now() < latest && progress.publisher_progressed(stats.heartbeats()) {
                self.notify(&[NotifyState::ExtendTimeoutUsec(more)]);
                if watched().is_some() {
                    self.notify(&[NotifyState::Watchdog]);
                }
            }
        }
    }
}

/// The interval of the watchdog, if there is one.
fn watched() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

fn connect(path: &OsStr) -> std::io::Result<UnixDatagram> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// How it goes, in one line for people.
fn line(stats: &Stats) -> String {
    let (health, link, radio) = (stats.health(), stats.link(), stats.radio());
    let (health, link, radio) = (health.borrow().clone(), link.borrow().clone(), radio.borrow().clone());
    let (ledger, (_, rate)) = (stats.snapshot(), stats.rates());
    let state = match health.state {
        HealthState::Online => health.state.as_str().to_owned(),
        _ => format!("{} ({})", health.state.as_str(), health.reason),
    };
    let addresses: Vec<&str> = radio.in_use().map(|adapter| &*adapter.address).collect();
    let from = if addresses.is_empty() { String::new() } else { format!(" from {}", addresses.join(", ")) };
    let broker = if link.broker.is_empty() { "no broker".to_owned() } else { format!("broker {}", link.broker) };
    let (waiting, lost) = (ledger.queued + ledger.in_flight, ledger.dropped_total());
    format!("{state}: {rate:.0} adverts/s{from}, {broker}, {waiting} waiting, {lost} lost")
}

#[cfg(test)]
#[path = "systemd_tests.rs"]
mod tests;
