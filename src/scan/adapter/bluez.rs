//! Whether bluetoothd is there, and its names for things. bluer stays silent when it goes, so the bus itself is asked.

use futures_util::StreamExt;
use zbus::Connection;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};
use zbus::names::BusName;

/// bluetoothd's name on the bus.
pub(in crate::scan) const NAME: &str = "org.bluez";

/// Whether bluetoothd runs. Does not start it: that is systemd's.
pub(super) async fn present(bus: &DBusProxy<'_>) -> zbus::Result<bool> {
    Ok(bus.name_has_owner(BusName::from_static_str(NAME)?).await?)
}

/// Puts names of adapters in their order: hci2 before hci10.
pub(super) fn sort(names: &mut [String]) {
    names.sort_by_key(|name| (name.len(), name.clone()));
}

/// Watches the owner of bluetoothd's name on a connection of its own.
pub(super) struct Watch {
    bus: DBusProxy<'static>,
    changes: NameOwnerChangedStream,
}

impl Watch {
    pub(super) async fn new() -> zbus::Result<Self> {
        let bus = DBusProxy::new(&Connection::system().await?).await?;
        let changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
        Ok(Self { bus, changes })
    }

    /// Whether bluetoothd runs.
    pub(super) async fn present(&self) -> zbus::Result<bool> {
        present(&self.bus).await
    }

    /// Returns when bluetoothd came, went, or is another one than before; or with the bus.
    pub(super) async fn changed(&mut self) {
        self.changes.next().await;
    }
}

/// Returns when bluetoothd has come (or there is no way to know); never if it has not.
pub(super) async fn appears() {
    let Ok(mut watch) = Watch::new().await else { return std::future::pending().await };
    while !watch.present().await.unwrap_or(false) {
        watch.changed().await;
    }
}
