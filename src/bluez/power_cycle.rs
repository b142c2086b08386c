//! The last recovery action: the adapter off and on. It ends every other program's connections and discoveries, so it is
//! withheld while any device is connected. It is withheld while one is being connected, too: kernels up to 6.12 at least do not
//! scan any more after that.

use super::ScanError;
use super::adapter_status::AdapterStatusTracker;
use super::client::{self, with_timeout};
use super::scan_setup::{CONNECT, bluez_call, find_adapter};
use crate::model::RecoveryAction;
use bluer::{Adapter, Session};
use serde::Deserialize;
use zbus::{Connection, Type};

/// What counts of `org.bluez.Device1`.
#[derive(Debug, Default, Deserialize, Type)]
#[zbus(signature = "a{sv}")]
#[serde(default, rename_all = "PascalCase")]
struct Device {
    #[serde(with = "zbus::as_variant::optional")]
    connected: Option<bool>,
}

/// Switches the adapter off and on, and tells whether it did.
pub(super) async fn run(status: &mut AdapterStatusTracker, why: &str) -> bool {
    match try_to(status, why).await {
        Ok(done) => done,
        Err(error) => {
            status.power_cycle_failed(&error.detail);
            status.set_error(error);
            false
        }
    }
}

async fn try_to(status: &mut AdapterStatusTracker, why: &str) -> Result<bool, ScanError> {
    let session = bluez_call(CONNECT, Session::new()).await?;
    let adapter = find_adapter(&session, status.wanted).await?;
    let reason = match connected(adapter.name()).await {
        _ if status.is_connecting() => Some("another program is connecting"),
        Ok(false) => None,
        Ok(true) => Some("devices are connected to it"),
        // What is not known may be.
        Err(_) => Some("devices may be connected to it"),
    };
    if let Some(reason) = reason {
        status.record_recovery(RecoveryAction::PowerCycleWithheld, &format!("{why}; {reason}"));
        return Ok(false);
    }
    status.record_recovery(RecoveryAction::PowerCycle, why);
    status.on_power_cycle();
    // A task of its own: whatever changes meanwhile, the adapter is not left off.
    let cycle = tokio::spawn(off_and_on(session, adapter));
    cycle.await.unwrap_or(Ok(()))?;
    Ok(true)
}

async fn off_and_on(_session: Session, adapter: Adapter) -> Result<(), ScanError> {
    let off = bluez_call("powering the adapter off", adapter.set_powered(false)).await;
    bluez_call("powering the adapter on", adapter.set_powered(true)).await?;
    off
}

/// Whether any device is connected through this adapter.
async fn connected(adapter: &str) -> zbus::Result<bool> {
    let bus = with_timeout(Connection::system()).await?;
    let objects = client::objects::<Device>(&bus).await?;
    let prefix = format!("/org/bluez/{adapter}/");
    let connected = |device: &Device| device.connected == Some(true);
    Ok(objects.iter().any(|(path, interfaces)| path.starts_with(&prefix) && interfaces.values().any(connected)))
}
