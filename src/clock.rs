//! Whether the system clock can be trusted: a router without a battery starts in 1970, or when it was last switched off.

mod steps;

pub use steps::Steps;

use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;
use zbus::{Connection, OwnedVariant};

/// Made by systemd-timesyncd at its first answer from a server, and by hooks of other clients.
const SYNCHRONIZED_FILE: &str = "/run/systemd/timesync/synchronized";
/// systemd-timedated, which asks the kernel; the bus starts it.
const TIMEDATE: &str = "org.freedesktop.timedate1";

/// The bus may have to start it first.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Smallest step of the clock, in milliseconds, that is logged.
pub const MIN_STEP_MILLIS: i64 = 1000;

/// How long an answer holds. A clock that was set stays right for hours without its server.
pub fn poll_interval(synchronised: bool) -> Duration {
    Duration::from_secs(if synchronised { 600 } else { 3 })
}

/// Whether a time server set the clock.
pub async fn synchronised(bus: &Connection) -> bool {
    Path::new(SYNCHRONIZED_FILE).exists() || matches!(timeout(CALL_TIMEOUT, asked(bus)).await, Ok(Ok(true)))
}

async fn asked(bus: &Connection) -> zbus::Result<bool> {
    let (path, interface) = ("/org/freedesktop/timedate1", "org.freedesktop.DBus.Properties");
    let answer = bus.call_method(Some(TIMEDATE), path, Some(interface), "Get", &(TIMEDATE, "NTPSynchronized")).await?;
    bool::try_from(answer.body().deserialize::<OwnedVariant>()?)
}
