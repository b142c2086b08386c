//! Whether bluetoothd is there, its names for things, and its objects. bluer stays silent when it goes, so the bus itself is
//! asked.

use crate::model::Capability;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::io;
use std::time::Duration;
use tokio::time::timeout;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};
use zbus::names::BusName;
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Type};

/// bluetoothd's name on the bus.
pub(crate) const NAME: &str = "org.bluez";

/// What is wrong while it has none.
pub(super) const NOT_RUNNING: &str = "bluetoothd is not running; start it: systemctl start bluetooth";

/// Limit of a call: the bus or bluetoothd may hang, and zbus has none of its own.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Waits for an answer for a limited time.
pub(super) async fn with_timeout<T, E: Into<zbus::Error>>(call: impl Future<Output = Result<T, E>>) -> zbus::Result<T> {
    match timeout(CALL_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer from bluetoothd").into()),
    }
}

/// Whether there was no answer.
pub(super) fn is_timeout(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(e) if e.kind() == io::ErrorKind::TimedOut)
}

/// Whether bluetoothd runs. Does not start it: that is systemd's.
pub(super) async fn present(bus: &DBusProxy<'_>) -> zbus::Result<bool> {
    with_timeout(bus.name_has_owner(BusName::from_static_str(NAME)?)).await
}

/// Puts names of adapters in their order: hci2 before hci10.
pub(super) fn sort(names: &mut [String]) {
    names.sort_by_key(|name| (name.len(), name.clone()));
}

/// Every object of bluetoothd, its interfaces and what `T` takes of their properties.
pub(crate) async fn objects<T: DeserializeOwned + Type>(
    connection: &Connection,
) -> zbus::Result<HashMap<OwnedObjectPath, HashMap<String, T>>> {
    let manager = "org.freedesktop.DBus.ObjectManager";
    let proxy = zbus::Proxy::new(connection, NAME, ObjectPath::from_static_str("/")?, manager).await?;
    let flags = zbus::proxy::MethodFlags::NO_AUTO_START;
    let objects = with_timeout(proxy.call_with_flags("GetManagedObjects", flags, &())).await?;
    objects.ok_or(zbus::Error::InvalidReply)
}

const MONITORS: &str = "org.bluez.AdvertisementMonitorManager1";
const ADVERTISING: &str = "org.bluez.LEAdvertisingManager1";

/// A list of words that an interface of an adapter has.
async fn string_list(adapter: &str, interface: &str, property: &str) -> zbus::Result<Vec<String>> {
    with_timeout(async {
        let bus = Connection::system().await?;
        let (path, properties) = (format!("/org/bluez/{adapter}"), Some("org.freedesktop.DBus.Properties"));
        let answer = bus.call_method(Some(NAME), path.as_str(), properties, "Get", &(interface, property)).await?;
        Vec::<String>::try_from(answer.body().deserialize::<OwnedVariant>()?)
    })
    .await
}

const OFFLOAD: &str = "controller-patterns";

/// Whether the controller of this adapter filters adverts by itself for those who monitor them.
pub(super) async fn offloads(adapter: &str) -> bool {
    // What is not known may be.
    string_list(adapter, MONITORS, "SupportedFeatures")
        .await
        .map_or(true, |features| features.iter().any(|f| f == OFFLOAD))
}

/// What the controller of this adapter and bluetoothd can do: words of [`Capability`]. bluetoothd tells the
/// PHYs of extended advertising as those on which it could advertise; they are properties of the controller (Core 5.4, Vol 6,
/// Part B, 4.6).
pub(super) async fn capabilities(adapter: &str) -> Vec<Capability> {
    let (features, types, phys) = tokio::join!(
        string_list(adapter, MONITORS, "SupportedFeatures"),
        string_list(adapter, MONITORS, "SupportedMonitorTypes"),
        string_list(adapter, ADVERTISING, "SupportedSecondaryChannels"),
    );
    let phys = phys.unwrap_or_default();
    let has = |list: &[String], word: &str| list.iter().any(|entry| entry == word);
    let known = [
        !phys.is_empty(),
        has(&phys, "2M"),
        has(&phys, "Coded"),
        types.is_ok(),
        features.is_ok_and(|list| has(&list, OFFLOAD)),
    ];
    Capability::ALL.into_iter().zip(known).filter_map(|(capability, has)| has.then_some(capability)).collect()
}

/// Watches the owner of bluetoothd's name on a connection of its own.
pub(super) struct Watch {
    bus: DBusProxy<'static>,
    changes: NameOwnerChangedStream,
}

impl Watch {
    pub(super) async fn new() -> zbus::Result<Self> {
        with_timeout(async {
            let bus = DBusProxy::new(&Connection::system().await?).await?;
            let changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
            Ok::<_, zbus::Error>(Self { bus, changes })
        })
        .await
    }

    /// Whether bluetoothd runs.
    pub(super) async fn present(&self) -> zbus::Result<bool> {
        present(&self.bus).await
    }

    /// Returns when bluetoothd came, went, or is another one than before (true), or the bus is gone.
    pub(super) async fn changed(&mut self) -> bool {
        self.changes.next().await.is_some()
    }
}

/// Returns when bluetoothd has come; never if it has not, or there is no way to know.
pub(super) async fn appeared() {
    if let Ok(mut watch) = Watch::new().await {
        loop {
            match watch.present().await {
                Ok(true) => return,
                Ok(false) if watch.changed().await => {}
                _ => break,
            }
        }
    }
    std::future::pending().await
}
