//! What concerns the radio and is not ours: whether somebody else makes an adapter of ours discover, which changes how it scans, and
//! adapters that are not used.

use crate::bluez::adapters_except;
use crate::config::{Config, ScanMode};
use crate::model::Address;
use crate::stats::Stats;
use std::time::Duration;
use tokio::time::timeout;
use zbus::{Connection, OwnedVariant};

const BLUEZ: &str = "org.bluez";
/// A bluetoothd that hangs is no reason to wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug)]
pub(super) struct Foreign {
    /// `none`, `another-client`, or `unknown`.
    pub(super) discovery: &'static str,
    /// Names and addresses.
    pub(super) unused: Vec<(String, Address)>,
}

/// Asks bluetoothd for both.
pub(super) async fn poll(bus: &Connection, config: &Config, stats: &Stats) -> Foreign {
    let used: Vec<String> = stats.radio().borrow().in_use().map(|adapter| adapter.name.clone()).collect();
    let unused = timeout(CALL_TIMEOUT, adapters_except(bus, &used)).await;
    let unused = unused.ok().and_then(Result::ok).flatten().unwrap_or_default();
    Foreign { discovery: discover(bus, config, stats).await, unused }
}

/// In an active scan our own discovery hides those of others.
async fn discover(bus: &Connection, config: &Config, stats: &Stats) -> &'static str {
    if config.scan == ScanMode::Active {
        return "unknown";
    }
    let adapters = stats.radio().borrow().adapters.clone();
    let mut answer = "none";
    for adapter in adapters.iter().filter(|adapter| !adapter.name.is_empty()) {
        match timeout(CALL_TIMEOUT, discovering(bus, &adapter.name)).await {
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
