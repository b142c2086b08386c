//! One attempt to scan, from the bus to the radio, and what ends it.

use super::Trouble;
use super::bluez;
use super::report::Report;
use super::setup::{Events, asked, choose, discover, filter, register};
use crate::advert::Address;
use crate::config::ScanMode;
use crate::stats::{RadioState, Rung};
use bluer::{AdapterEvent, AdapterProperty, Session};
use futures_util::{Stream, StreamExt};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often the adapter is looked at: some faults give no signal.
const LOOK: Duration = Duration::from_secs(2);

/// Scans until something comes between; sets `scanned` to when the radio began to do what it should.
pub(super) async fn attempt(
    mode: ScanMode,
    wanted: Option<Address>,
    report: &mut Report,
    scanned: &mut Option<Instant>,
) -> Trouble {
    match scan(mode, wanted, report, scanned).await {
        Ok(never) => match never {},
        Err(trouble) => trouble,
    }
}

async fn scan(
    mode: ScanMode,
    wanted: Option<Address>,
    report: &mut Report,
    scanned: &mut Option<Instant>,
) -> Result<std::convert::Infallible, Trouble> {
    let no_bus = |e: zbus::Error| Trouble::new(RadioState::NoBluez, format!("the system bus: {e}"));
    let mut watch = bluez::Watch::new().await.map_err(no_bus)?;
    if !watch.present().await.map_err(no_bus)? {
        return Err(Trouble::new(RadioState::NoBluez, "bluetoothd is not running"));
    }
    let session = asked("the bus", Session::new()).await?;
    let adapter = choose(&session, wanted).await?;
    let address = asked("the adapter's address", adapter.address()).await?.0;
    report.tell(|radio| {
        radio.name = adapter.name().to_owned();
        radio.address = Address(address).to_string();
        // A trouble that was here before stays until it is over.
        if !matches!(radio.state, RadioState::AdapterOff | RadioState::PassiveUnsupported | RadioState::Starting) {
            (radio.state, radio.detail) = (RadioState::Starting, String::new());
        }
    });
    if !asked("the adapter's power", adapter.is_powered()).await? {
        let powered = asked("power on", adapter.set_powered(true)).await;
        powered.map_err(|trouble| Trouble { state: RadioState::AdapterOff, ..trouble })?;
        report.climb(Rung::PowerOn, "it was off");
    }
    let mut events: Events = Box::pin(asked("the adapter's events", adapter.events()).await?);

    report.prepares();
    let quiet = report.quiet();
    // With a monitor the controller does not filter duplicates, in an active scan either.
    let monitor = register(&adapter, quiet).await;
    let mut detail = String::new();
    let _manager;
    let mut handle = match monitor {
        Ok((manager, handle)) => {
            _manager = manager;
            Some(handle)
        }
        Err(why) if mode == ScanMode::Passive => return Err(why),
        Err(why) => {
            detail = format!("scanning without AdvertisementMonitor1, repeats may be missing ({})", why.detail);
            None
        }
    };
    let mut discovery: Option<Events> = None;
    if mode == ScanMode::Active {
        asked("SetDiscoveryFilter", adapter.set_discovery_filter(filter())).await?;
        discovery = Some(discover(&adapter, report).await?);
    }
    report.confirm().await.map_err(|why| Trouble::new(RadioState::Starting, why).refused())?;
    *scanned = Some(Instant::now());
    let capabilities = bluez::capabilities(adapter.name()).await;
    report.tell(|radio| {
        radio.capabilities = capabilities;
        radio.state = RadioState::Scanning;
        radio.detail = detail;
    });
    report.begins();

    let mut other_capture = pin!(report.other_capture(quiet));
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = watch.changed() => return Err(Trouble::new(RadioState::NoBluez, "bluetoothd went away")),
            event = events.next() => match event {
                Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) =>
                    return Err(Trouble::new(RadioState::AdapterOff, "the adapter was powered off")),
                Some(_) => {}
                None => return Err(Trouble::new(RadioState::AdapterMissing, "the adapter was removed")),
            },
            event = next(&mut discovery) => if event.is_none() {
                // A power-off ends it too, and says more; which of the two signals is seen first is chance.
                if !asked("the adapter's power", adapter.is_powered()).await? {
                    return Err(Trouble::new(RadioState::AdapterOff, "the adapter was powered off"));
                }
                return Err(Trouble::new(RadioState::Starting, "discovery ended").refused());
            },
            event = next(&mut handle) => if event.is_none() {
                return Err(Trouble::new(RadioState::Starting, "bluetoothd released the advertisement monitor"));
            },
            why = report.idle() => return Err(Trouble::new(RadioState::Starting, why).refused()),
            () = &mut other_capture => return Err(Trouble::anew()),
            _ = look.tick() => {
                if let Some(rung) = report.silence() {
                    return Err(Trouble::silence(rung));
                }
                if !asked("the adapter's power", adapter.is_powered()).await? {
                    return Err(Trouble::new(RadioState::AdapterOff, "the adapter is off"));
                }
                if discovery.is_some() && !asked("the adapter's discovery", adapter.is_discovering()).await? {
                    return Err(Trouble::new(RadioState::Starting, "discovery ended unnoticed").refused());
                }
            }
        }
    }
}

/// The next of a stream that may not be there.
async fn next<S: Stream + Unpin>(stream: &mut Option<S>) -> Option<S::Item> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}
