//! PropertiesChanged for every change that is announced, once, whoever made it.

use super::config_interface::Config;
use super::names;
use super::properties::Served;
use super::stats_view::Stats;
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt};
use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::sync::watch;
use zbus::object_server::{Interface, SignalEmitter};
use zbus::{Connection, OwnedVariant};

/// Properties of the interface Stats that are announced. The others are counters or never change.
pub(super) const STATES: [&str; 26] = [
    "Health",
    "HealthReason",
    "HealthSince",
    "LinkState",
    "Broker",
    "LastError",
    "LastErrorDetail",
    "MaximumQos",
    "MaximumQosReason",
    "MaximumPacketSize",
    "LastRefusal",
    "LastRefusalDetail",
    "RadioState",
    "RadioDetail",
    "Adapters",
    "AdapterAddresses",
    "Radios",
    "Capture",
    "CaptureReason",
    "SpoolState",
    "SpoolDetail",
    "Certificates",
    "StateWritable",
    "IgnoredSettings",
    "ClockSynchronised",
    "Router",
];

type Values = BTreeMap<String, OwnedVariant>;

/// What to follow, and what was announced of it last.
pub(super) struct PropertyChanges {
    config: Served<Config>,
    stats: Served<Stats>,
    config_last_sent: Values,
    stats_last_sent: Values,
    config_changes: watch::Receiver<Arc<crate::config::Config>>,
    stats_changes: SelectAll<BoxStream<'static, ()>>,
}

/// An item for each change.
fn changes<T: Send + Sync + 'static>(state: watch::Receiver<T>) -> BoxStream<'static, ()> {
    let next = |mut state: watch::Receiver<T>| async { state.changed().await.ok().map(|()| ((), state)) };
    stream::unfold(state, next).boxed()
}

impl PropertyChanges {
    /// Starts from the values as they are now.
    pub(super) async fn new(
        connection: &Connection,
        config: Served<Config>,
        stats: Served<Stats>,
    ) -> zbus::Result<Self> {
        let states = &stats.0.stats;
        let stats_changes = stream::select_all([
            changes(states.link()),
            changes(states.radio()),
            changes(states.state_writable()),
            changes(states.ignored_settings()),
            changes(states.clock_synchronised()),
            changes(states.health()),
            changes(states.follow_spool()),
            changes(states.certificates()),
        ]);
        let config_changes = config.0.settings.subscribe();
        let config_last_sent = values(&config, connection).await?;
        let stats_last_sent = values(&stats, connection).await?;
        Ok(Self { config, stats, config_last_sent, stats_last_sent, config_changes, stats_changes })
    }

    /// Announces changes until the bus is gone, and how it went.
    pub(super) async fn run(mut self, connection: &Connection) -> zbus::Error {
        loop {
            let emitted = tokio::select! {
                () = connection.closed() => Err(std::io::Error::from(ErrorKind::NotConnected).into()),
                Ok(()) = self.config_changes.changed() => self.emit_settings(connection).await,
                Some(()) = self.stats_changes.next() => emit_changed(&self.stats, connection, &mut self.stats_last_sent).await,
            };
            if let Err(error) = emitted {
                return error;
            }
        }
    }

    /// Some statistics follow from settings.
    async fn emit_settings(&mut self, connection: &Connection) -> zbus::Result<()> {
        emit_changed(&self.config, connection, &mut self.config_last_sent).await?;
        emit_changed(&self.stats, connection, &mut self.stats_last_sent).await
    }
}

/// The announced values of an interface.
async fn values<I: Interface>(interface: &I, connection: &Connection) -> zbus::Result<Values> {
    let emitter = SignalEmitter::new(connection, names::PATH)?;
    let all = interface.get_all(connection.object_server(), connection, None, &emitter).await?;
    let announced = |name: &str| I::name() == names::CONFIG || STATES.contains(&name);
    Ok(all.into_iter().filter(|(name, _)| announced(name)).collect())
}

/// Announces what became another value since the last time, in one signal.
async fn emit_changed<I: Interface>(
    interface: &I,
    connection: &Connection,
    last_sent: &mut Values,
) -> zbus::Result<()> {
    let now = values(interface, connection).await?;
    let changed: HashMap<_, _> = now.iter().filter(|(name, value)| last_sent.get(*name) != Some(value)).collect();
    if !changed.is_empty() {
        let invalidated: &[&str] = &[];
        SignalEmitter::new(connection, names::PATH)?
            .emit("org.freedesktop.DBus.Properties", "PropertiesChanged", &(I::name(), changed, invalidated))
            .await?;
    }
    *last_sent = now;
    Ok(())
}

#[cfg(test)]
#[path = "property_changes_tests.rs"]
mod tests;
