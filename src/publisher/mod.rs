//! From the queue to the broker. One thread of its own runs the publish loop and owns the MQTT client, whose calls may
//! block; tunnels to the broker run on the daemon's runtime (decision record 0001).

mod broker_limits;
mod config_watch;
mod connection_test;
mod delivery;
mod effects;
mod failover;
mod hold;
mod inflight;
mod input;
mod poison;
mod qos_limit;
mod refusal_log;
mod refusals;
mod run;
mod size_limit;
mod state;
mod status_topic;
mod takeover;

#[cfg(test)]
mod age_tests;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod failover_tests;
#[cfg(test)]
mod heartbeat_tests;
#[cfg(test)]
mod publisher_tests;
#[cfg(test)]
mod refusals_tests;
#[cfg(test)]
mod status_tests;

pub use crate::mqtt::limits::Limits;
pub use connection_test::{ConnectionTest, STEPS, Step, test};

use crate::config::{Config, StateLock};
use crate::model::{Address, Failure, LastError};
use crate::mqtt::paho::Paho;
use crate::queue::Queue;
use crate::stats::Stats;
use config_watch::ConfigWatch;
use delivery::Delivery;
use jiff::Timestamp;
use run::Publisher;
use std::sync::Arc;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

/// The publish thread.
#[derive(Debug)]
pub struct PublisherHandle {
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

/// Starts the publish thread. Called inside the runtime that carries the tunnels; it must live until [`PublisherHandle::stop`]
/// returned. `router` stands for the router as long as the settings name no address; in the directory `state` a session at QoS 2
/// outlives a restart, and messages wait while no broker takes them. `clock` tells whether the wall clock is synchronised.
pub fn spawn(
    queue: Arc<Queue>,
    config: watch::Receiver<Arc<Config>>,
    stats: Arc<Stats>,
    router: Address,
    state: Option<Arc<StateLock>>,
    limits: Limits,
    clock: watch::Receiver<bool>,
) -> std::io::Result<PublisherHandle> {
    let tunnels = Handle::current();
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let (stop, stopped) = watch::channel(false);
    let (ending, ended) = oneshot::channel();
    std::thread::Builder::new().name("publish".into()).spawn(move || {
        let config = ConfigWatch::new(config, stopped, router, limits.drain);
        let client = Paho::new(tunnels, state.clone(), limits);
        // Timers need the runtime.
        runtime.block_on(async {
            let delivery = Delivery::new(queue, stats, config, limits, state, clock);
            Publisher::new(client, delivery).run().await;
        });
        drop(runtime);
        // Not sent: dropped, as a panic would.
        drop(ending);
    })?;
    Ok(PublisherHandle { stop, ended })
}

impl PublisherHandle {
    /// Waits until the thread ended. Without [`PublisherHandle::stop`] that is a bug.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Sends what waits, for a limited time, disconnects, counts the rest as lost, and ends the thread.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.ended().await;
    }
}

/// A certificate that seems out of date to a router whose clock nobody set: that is to be looked at first.
pub(crate) fn clock_first(failure: Failure, synchronised: bool) -> Failure {
    if !matches!(failure.code, LastError::TlsCertificateExpired | LastError::TlsCrl) || synchronised {
        return failure;
    }
    let now = Timestamp::now().strftime("%Y-%m-%d");
    let detail = format!(
        "The router's clock is not synchronised (it says {now}): start a time service. It is tried again as soon as the clock is. {}",
        failure.detail
    );
    Failure::new(failure.code, detail)
}
