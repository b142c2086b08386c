//! The service as seen over the bus: nothing but D-Bus is known of it.

use crate::failure::{Failure, Kind, Result};
use crate::setting::Settings;
use cassia_bypass::dbus::names::{BUS, CONFIG, PATH, STATS};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;
use zbus::connection::Builder;
use zbus::{Connection, OwnedVariant, Type};

/// Values by name, as most calls take and give them.
pub(crate) type Values = BTreeMap<String, OwnedVariant>;

/// TestConnection may take 22 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The service on the system bus.
pub(crate) struct Service {
    connection: Connection,
}

impl Service {
    /// Connects to the bus at this address, or to the system bus.
    pub(crate) async fn connect(address: Option<&String>) -> Result<Self> {
        let builder = address.map_or_else(Builder::system, |address| Builder::address(address.as_str()));
        let connecting = tokio::time::timeout(CALL_TIMEOUT, builder.method_timeout(CALL_TIMEOUT).build()).await;
        let unavailable =
            |error: &dyn std::fmt::Display| Failure::new(Kind::Unavailable, format!("the bus is not there: {error}"));
        match connecting {
            Ok(Ok(connection)) => Ok(Self { connection }),
            Ok(Err(error)) => Err(unavailable(&error)),
            Err(_) => Err(unavailable(&"it does not answer in time")),
        }
    }

    async fn call<A, R>(&self, interface: &str, method: &str, arguments: &A) -> Result<R>
    where
        A: serde::Serialize + Type,
        R: DeserializeOwned + Type,
    {
        let answer = self.connection.call_method(Some(BUS), PATH, Some(interface), method, arguments).await;
        let read = answer.and_then(|message| message.body().deserialize());
        read.map_err(|error| Failure::of_call(&error))
    }

    async fn all(&self, interface: &str) -> Result<Values> {
        self.call("org.freedesktop.DBus.Properties", "GetAll", &interface).await
    }

    /// What the settings are.
    pub(crate) async fn settings(&self) -> Result<Settings> {
        let described: Vec<Values> = self.call(CONFIG, "Describe", &()).await?;
        Ok(Settings::new(described))
    }

    /// The settings in force.
    pub(crate) async fn values(&self) -> Result<Values> {
        self.all(CONFIG).await
    }

    /// Counters and states.
    pub(crate) async fn stats(&self) -> Result<Values> {
        self.all(STATS).await
    }

    pub(crate) async fn apply(&self, values: &Values) -> Result<()> {
        self.call(CONFIG, "Apply", values).await
    }

    /// Everything, if there are no names.
    pub(crate) async fn reset(&self, names: &[&str]) -> Result<()> {
        self.call(CONFIG, "Reset", &names).await
    }

    /// Check or TestConnection.
    pub(crate) async fn validate(&self, method: &str, values: &Values) -> Result<Values> {
        self.call(CONFIG, method, values).await
    }

    /// Devices that are heard; the first call in a while takes three seconds.
    pub(crate) async fn devices(&self) -> Result<Vec<Values>> {
        self.call(CONFIG, "Devices", &()).await
    }

    pub(crate) async fn diagnose(&self) -> Result<Values> {
        self.call(CONFIG, "Diagnose", &()).await
    }
}
