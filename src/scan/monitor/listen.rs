//! Follows the orders to scan, on a socket of its own: a few packets a minute.

use super::super::orders::Orders;
use super::{filter, socket};
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

/// Keeps `orders` true, for ever. Where the monitor channel is out of reach nothing is known.
pub(in super::super) async fn listen(orders: watch::Sender<Orders>, stats: Arc<Stats>) {
    loop {
        match socket::monitor(&filter::orders()) {
            Ok(socket) => {
                if let Err(error) = follow(socket, &orders, &stats).await {
                    tracing::debug!("orders to scan are not followed any more: {error}");
                }
                orders.send_replace(Orders::default());
                stats.set_controllers(Vec::new());
            }
            Err(error) => tracing::debug!("orders to scan cannot be followed: {error}"),
        }
        sleep(RETRY).await;
    }
}

async fn follow(socket: Socket, orders: &watch::Sender<Orders>, stats: &Stats) -> io::Result<()> {
    let fd = crate::async_fd::register(socket)?;
    let mut buffer = [0; PACKET];
    loop {
        let length = fd.async_io(Interest::READABLE, |mut socket| socket.read(&mut buffer)).await?;
        orders.send_modify(|orders| orders.take(&buffer[..length], Instant::now()));
        stats.set_controllers(orders.borrow().controllers());
    }
}
