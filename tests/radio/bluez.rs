//! A small client of bluetoothd, apart from the code under test.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{self, Runtime};
use zbus::fdo::ManagedObjects;
use zbus::proxy::MethodFlags;
use zbus::{Connection, OwnedVariant, Proxy, Type, Variant};

use crate::guest::eventually;

const START: Duration = Duration::from_secs(20);
/// zbus has no timeout of its own.
const CALL: Duration = Duration::from_secs(10);
const SERVICE: &str = "org.bluez";
const ADAPTER: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";

/// A connection. bluetoothd ends a client's discovery when it goes.
#[derive(Debug)]
pub(crate) struct Bluez {
    runtime: Runtime,
    connection: Connection,
}

impl Bluez {
    pub(crate) fn connect() -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connection = runtime.block_on(Connection::system()).expect("the system bus");
        Self { runtime, connection }
    }

    /// The object path of the adapter with this address, when there is one.
    pub(crate) fn adapter(&self, address: &str) -> Option<String> {
        self.objects_with(ADAPTER)
            .into_iter()
            .find(|(_, adapter)| text(adapter, "Address") == Some(address))
            .map(|(path, _)| path)
    }

    /// Waits until the adapter with this address is powered; returns its path.
    pub(crate) fn wait_powered(&self, address: &str) -> String {
        eventually(START, &format!("{address} is powered"), || {
            self.adapter(address).filter(|path| self.flag(path, "Powered") == Some(true))
        })
    }

    /// A boolean property of an adapter.
    pub(crate) fn flag(&self, adapter: &str, property: &str) -> Option<bool> {
        let value: OwnedVariant =
            self.call(adapter, "org.freedesktop.DBus.Properties", "Get", &(ADAPTER, property)).ok()?;
        bool::try_from(value).ok()
    }

    /// Switches an adapter on or off.
    pub(crate) fn set_powered(&self, adapter: &str, powered: bool) -> Result<(), String> {
        let body = (ADAPTER, "Powered", Variant::from(powered));
        self.call(adapter, "org.freedesktop.DBus.Properties", "Set", &body)
    }

    /// Discovery that reports each advertisement: LE, duplicates, any RSSI.
    pub(crate) fn start_discovery(&self, adapter: &str) -> Result<(), String> {
        let filter = HashMap::from([
            ("Transport", Variant::from("le")),
            ("DuplicateData", Variant::from(true)),
            ("RSSI", Variant::from(-127_i16)),
        ]);
        self.set_filter(adapter, &filter)?;
        self.start_plain(adapter)
    }

    /// What this client's discovery is to report.
    pub(crate) fn set_filter(&self, adapter: &str, filter: &HashMap<&str, Variant<'_>>) -> Result<(), String> {
        self.call(adapter, ADAPTER, "SetDiscoveryFilter", &(filter,))
    }

    /// Discovery with the filter that is set.
    pub(crate) fn start_plain(&self, adapter: &str) -> Result<(), String> {
        self.call(adapter, ADAPTER, "StartDiscovery", &())
    }

    /// Ends this client's discovery.
    pub(crate) fn stop_discovery(&self, adapter: &str) -> Result<(), String> {
        self.call(adapter, ADAPTER, "StopDiscovery", &())
    }

    /// The devices that bluetoothd knows, by address.
    pub(crate) fn devices(&self) -> HashMap<String, HashMap<String, OwnedVariant>> {
        self.objects_with(DEVICE)
            .into_values()
            .filter_map(|device| Some((text(&device, "Address")?.to_owned(), device)))
            .collect()
    }

    /// Objects with an interface, with its properties; none while bluetoothd is away.
    fn objects_with(&self, interface: &str) -> HashMap<String, HashMap<String, OwnedVariant>> {
        let objects: ManagedObjects =
            self.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).unwrap_or_default();
        objects
            .into_iter()
            .filter_map(|(path, mut interfaces)| Some((path.to_string(), interfaces.remove(interface)?)))
            .collect()
    }

    fn call<B: Serialize + Type, R: DeserializeOwned + Type>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<R, String> {
        // Asking must not make the bus start another bluetoothd.
        let quiet = MethodFlags::NO_AUTO_START;
        let call = async {
            let proxy = Proxy::new(&self.connection, SERVICE, path, interface).await?;
            proxy.call_with_flags(method, quiet, body).await
        };
        let reply = self.runtime.block_on(async { tokio::time::timeout(CALL, call).await });
        let reply: Option<R> = reply
            .map_err(|_| format!("{method}: no answer within {CALL:?}"))?
            .map_err(|e: zbus::Error| format!("{method}: {e}"))?;
        reply.ok_or_else(|| format!("{method}: no reply"))
    }
}

/// A string property.
pub(crate) fn text<'a>(properties: &'a HashMap<String, OwnedVariant>, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(|value| <&str>::try_from(&**value).ok())
}
