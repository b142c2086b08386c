//! Follows the state of the controllers, on a socket of its own: a few packets a minute.

use super::scan_enable::ScanEnableTracker;
use super::{bpf, socket};
use crate::stats::Stats;
use socket2::Socket;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// The kernel's Bluetooth may come after us; without CAP_NET_RAW it never does.
const RETRY: Duration = Duration::from_secs(10);
/// More than any packet that passes.
const PACKET: usize = 512;

/// Keeps `tracker` up to date. Never returns. Where the monitor channel is out of reach nothing is known.
pub(crate) async fn track_controllers(tracker: watch::Sender<ScanEnableTracker>, stats: Arc<Stats>) {
    loop {
        match socket::monitor(&bpf::scan_state()) {
            Ok(socket) => {
                if let Err(error) = follow(socket, &tracker, &stats).await {
                    tracing::debug!("the controllers are not followed any more: {error}");
                }
                tracker.send_replace(ScanEnableTracker::default());
                stats.set_controllers(Vec::new());
            }
            Err(error) => tracing::debug!("the controllers cannot be followed: {error}"),
        }
        sleep(RETRY).await;
    }
}

async fn follow(socket: Socket, tracker: &watch::Sender<ScanEnableTracker>, stats: &Stats) -> io::Result<()> {
    let fd = crate::async_fd::register(socket)?;
    let mut buffer = [0; PACKET];
    loop {
        let length = fd.async_io(Interest::READABLE, |mut socket| socket.read(&mut buffer)).await?;
        tracker.send_modify(|tracker| tracker.process(&buffer[..length], Instant::now()));
        stats.set_controllers(tracker.borrow().controllers());
    }
}
