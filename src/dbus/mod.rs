//! The service on the system bus: one object with the interfaces Config and Stats. Thin: handlers convert, call, map errors.

mod admission;
mod arguments;
mod caller;
mod check;
mod config_interface;
mod connection_tests;
mod describe;
mod diagnosis;
mod error;
mod foreign_discovery;
mod hints;
mod log_control;
pub mod names;
mod properties;
mod property_changes;
mod socket;
mod stats_interface;
mod stats_view;
mod values;
mod vardict;
mod withheld;

pub use admission::{MAX_CALL_BYTES, MAX_CALLS, MAX_CALLS_BYTES, MAX_CALLS_PER_CLIENT, MAX_SLOW_CALLS};
pub use arguments::MAX_ARGUMENTS;
pub use connection_tests::MAX_CONNECTION_TESTS;
pub use error::Error;

use crate::config::Settings;
use crate::ingest::RecentDevices;
use crate::model::Address;
use properties::Served;
use std::sync::Arc;
use zbus::Connection;
use zbus::fdo::RequestNameFlags;

/// The service on the bus. It is there from [`serve`] on; changes are told while [`run`](Bus::run) is polled.
pub struct Bus {
    connection: Connection,
    changes: property_changes::PropertyChanges,
}

impl Bus {
    /// The connection, for what else is to be served or called.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Tells changes of properties. Ends only when the bus is gone, with the reason.
    pub async fn run(self) -> zbus::Error {
        self.changes.run(&self.connection).await
    }
}

/// Connects to the system bus (`DBUS_SYSTEM_BUS_ADDRESS` if set), serves the object and only then takes the name, so that
/// who sees the name can call. Fails if another process has it. `router` stands for the router as long as the settings name no
/// address.
pub async fn serve(
    settings: Arc<Settings>,
    stats: Arc<crate::stats::Stats>,
    recent: Arc<RecentDevices>,
    router: Address,
) -> zbus::Result<Bus> {
    let config = || Served(config_interface::Config::new(settings.clone(), stats.clone(), recent.clone(), router));
    let served = || Served(stats_view::Stats::new(stats.clone(), settings.clone(), router));
    let (socket, refusals) = socket::LimitedSocket::connect()?;
    let connection = zbus::connection::Builder::socket(socket)
        .serve_at(names::PATH, config())
        .serve_at(names::PATH, served())
        .serve_at(log_control::PATH, log_control::LogControl)
        .build()
        .await?;
    tokio::spawn(refusals.send(connection.clone()));
    let changes = property_changes::PropertyChanges::new(&connection, config(), served()).await?;
    connection.request_name_with_flags(names::BUS, RequestNameFlags::DO_NOT_QUEUE).await?;
    Ok(Bus { connection, changes })
}
