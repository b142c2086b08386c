//! Whether somebody else makes an adapter of ours discover, which changes how it scans.

use crate::config::{Config, ScanMode};
use crate::stats::Stats;
use std::time::Duration;
use tokio::time::timeout;
use zbus::{Connection, OwnedVariant};

const BLUEZ: &str = "org.bluez";
/// A bluetoothd that hangs is no reason to wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// `none`, `another-client`, or `unknown`: in an active scan our own discovery hides those of others.
pub(super) async fn discover(bus: &Connection, config: &Config, stats: &Stats) -> &'static str {
    if config.scan == ScanMode::Active {
        return "unknown";
    }
    let adapters = stats.radio().borrow().adapters.clone();
    let mut answer = "none";
    for adapter in adapters.iter().filter(|adapter| !adapter.name.is_empty()) {
        match timeout(PATIENCE, discovering(bus, &adapter.name)).await {
            Ok(Ok(true)) => return "another-client",
            Ok(Ok(false)) => {}
            _ => answer = "unknown",
        }
    }
    answer
}

async fn discovering(bus: &Connection, adapter: &str) -> zbus::Result<bool> {
    let (path, properties) = (format!("/org/bluez/{adapter}"), Some("org.freedesktop.DBus.Properties"));
    let what = ("org.bluez.Adapter1", "Discovering");
    let answer = bus.call_method(Some(BLUEZ), path.as_str(), properties, "Get", &what).await?;
    bool::try_from(answer.body().deserialize::<OwnedVariant>()?)
}
