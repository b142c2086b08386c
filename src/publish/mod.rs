//! From the queue to the broker. One thread of its own runs the publish loop and owns the MQTT client, whose calls may
//! block; tunnels to the broker run on the daemon's runtime (decision record 0001).

mod broker;
mod flight;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod hold;
mod hosts;
mod limits;
mod line;
mod orders;
mod own_peer;
mod paho;
mod paho_connection;
mod paho_error;
mod paho_options;
mod pump;
mod qos_limit;
mod retired;
mod run;
mod session;
mod session_file;
mod size_limit;
mod status;
mod suspect;
mod takeover;
mod tcp_progress;
mod tls;
mod tls_failure;
mod trial;
mod trial_packets;
mod trial_talk;
mod tunnel;
mod upstream;

pub use limits::Limits;
pub(crate) use run::clock_first;
pub use tls::Certificate;
pub use trial::{STEPS, Step, Trial, test};

use crate::advert::Address;
use crate::config::{Config, StateLock};
use crate::queue::Queue;
use crate::stats::Stats;
use orders::Orders;
use paho::Paho;
use run::Publisher;
use std::sync::Arc;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

/// The publish thread.
#[derive(Debug)]
pub struct PublishHandle {
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

/// Starts the publish thread. Called inside the runtime that carries the tunnels; it must live until [`PublishHandle::stop`]
/// returned. `router` stands for the router as long as the settings name no address; in the directory `state` a session at QoS 2
/// outlives a restart, and messages wait while no broker takes them.
pub fn spawn(
    queue: Arc<Queue>,
    config: watch::Receiver<Arc<Config>>,
    stats: Arc<Stats>,
    router: Address,
    state: Option<Arc<StateLock>>,
    limits: Limits,
) -> std::io::Result<PublishHandle> {
    let tunnels = Handle::current();
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let (stop, stopped) = watch::channel(false);
    let (ending, ended) = oneshot::channel();
    std::thread::Builder::new().name("publish".into()).spawn(move || {
        let orders = Orders::new(config, stopped, router, limits.drain, stats.clone());
        let broker = Paho::new(tunnels, state.clone(), limits);
        // Timers need the runtime.
        runtime.block_on(async { Publisher::new(queue, stats, broker, orders, limits, state).run().await });
        drop(runtime);
        // Not sent: dropped, as a panic would.
        drop(ending);
    })?;
    Ok(PublishHandle { stop, ended })
}

impl PublishHandle {
    /// Waits until the thread ended. Without [`PublishHandle::stop`] that is a bug.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Sends what waits, for a limited time, disconnects, counts the rest as lost, and ends the thread.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.ended().await;
    }
}
