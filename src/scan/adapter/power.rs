//! The last rung of the ladder: the adapter off and on. It ends every other program's connections and discoveries, so it is
//! withheld while any device is connected. It is withheld while one is being connected, too: kernels up to 6.12 at least do not
//! scan any more after that.

use super::Trouble;
use super::bluez::{self, answered};
use super::report::Report;
use super::setup::{CONNECT, asked, choose};
use crate::stats::Rung;
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
pub(super) async fn cycle(report: &mut Report, why: &str) -> bool {
    match try_to(report, why).await {
        Ok(done) => done,
        Err(trouble) => {
            report.cycle_failed(&trouble.detail);
            report.trouble(trouble);
            false
        }
    }
}

async fn try_to(report: &mut Report, why: &str) -> Result<bool, Trouble> {
    let session = asked(CONNECT, Session::new()).await?;
    let adapter = choose(&session, report.wanted).await?;
    let reason = match connected(adapter.name()).await {
        _ if report.connects() => Some("another program is connecting"),
        Ok(false) => None,
        Ok(true) => Some("devices are connected to it"),
        // What is not known may be.
        Err(_) => Some("devices may be connected to it"),
    };
    if let Some(reason) = reason {
        report.climb(Rung::PowerCycleWithheld, &format!("{why}; {reason}"));
        return Ok(false);
    }
    report.climb(Rung::PowerCycle, why);
    report.cycles();
    // A task of its own: whatever changes meanwhile, the adapter is not left off.
    let cycle = tokio::spawn(off_and_on(session, adapter));
    cycle.await.unwrap_or(Ok(()))?;
    Ok(true)
}

async fn off_and_on(_session: Session, adapter: Adapter) -> Result<(), Trouble> {
    let off = asked("powering the adapter off", adapter.set_powered(false)).await;
    asked("powering the adapter on", adapter.set_powered(true)).await?;
    off
}

/// Whether any device is connected through this adapter.
async fn connected(adapter: &str) -> zbus::Result<bool> {
    let bus = answered(Connection::system()).await?;
    let objects = bluez::objects::<Device>(&bus).await?;
    let prefix = format!("/org/bluez/{adapter}/");
    let connected = |device: &Device| device.connected == Some(true);
    Ok(objects.iter().any(|(path, interfaces)| path.starts_with(&prefix) && interfaces.values().any(connected)))
}
