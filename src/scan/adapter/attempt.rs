//! One attempt to scan, from the bus to the radio, and what ends it.

use super::report::Report;
use super::{Trouble, bluez, patterns};
use crate::advert::Address;
use crate::config::ScanMode;
use crate::stats::RadioState;
use bluer::{
    Adapter, AdapterEvent, AdapterProperty, DiscoveryFilter, DiscoveryTransport, ErrorKind, InternalErrorKind, Session,
};
use futures_util::{FutureExt, Stream, StreamExt};
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// bluetoothd may hang: no call waits longer.
const CALL: Duration = Duration::from_secs(10);
/// How often the adapter is looked at: some faults give no signal.
const LOOK: Duration = Duration::from_secs(5);

/// How long, and how often, another operation of the adapter is waited for.
const BUSY_PAUSE: Duration = Duration::from_secs(1);
const BUSY_TRIES: u32 = 20;

type Events = Pin<Box<dyn Stream<Item = AdapterEvent> + Send>>;

/// Scans until something comes between; sets `scanned` once the radio does what it should.
pub(super) async fn attempt(
    mode: ScanMode,
    wanted: Option<Address>,
    report: &mut Report,
    scanned: &mut bool,
) -> Trouble {
    match scan(mode, wanted, report, scanned).await {
        Ok(never) => match never {},
        Err(trouble) => trouble,
    }
}

/// Waits for an answer, and says what was asked when there is none.
async fn asked<T>(what: &str, call: impl Future<Output = bluer::Result<T>>) -> Result<T, Trouble> {
    match timeout(CALL, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(e)) => Err(Trouble::new(state_of(&e), format!("{what}: {e}"))),
        Err(_) => Err(Trouble::new(RadioState::Starting, format!("{what}: no answer from bluetoothd"))),
    }
}

fn state_of(error: &bluer::Error) -> RadioState {
    match error.kind {
        ErrorKind::NotReady => RadioState::AdapterOff,
        ErrorKind::NotFound | ErrorKind::DoesNotExist => RadioState::AdapterMissing,
        _ => RadioState::Starting,
    }
}

async fn scan(
    mode: ScanMode,
    wanted: Option<Address>,
    report: &mut Report,
    scanned: &mut bool,
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
    }
    let mut events: Events = Box::pin(asked("the adapter's events", adapter.events()).await?);

    // With a monitor the controller does not filter duplicates, in an active scan either.
    let monitor = register(&adapter).await;
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
        let filter = DiscoveryFilter {
            transport: DiscoveryTransport::Le,
            duplicate_data: true,
            // As weak as can be: a filter with RSSI keeps bluetoothd from pausing the scan, and from leaving reports out.
            rssi: Some(-127),
            ..DiscoveryFilter::default()
        };
        asked("SetDiscoveryFilter", adapter.set_discovery_filter(filter)).await?;
        discovery = Some(discover(&adapter, report).await?);
    }
    *scanned = true;
    report.tell(|radio| {
        radio.state = RadioState::Scanning;
        radio.detail = detail;
    });

    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut at) = (report.heard(), Instant::now());
    loop {
        tokio::select! {
            () = watch.changed() => return Err(Trouble::new(RadioState::NoBluez, "bluetoothd went away")),
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
                return Err(Trouble::new(RadioState::Starting, "discovery ended"));
            },
            event = next(&mut handle) => if event.is_none() {
                return Err(Trouble::new(RadioState::Starting, "bluetoothd released the advertisement monitor"));
            },
            _ = look.tick() => {
                if report.heard() != heard {
                    (heard, at) = (report.heard(), Instant::now());
                    report.something_was_heard();
                } else if at.elapsed() >= report.patience {
                    return Err(report.silence_was_borne());
                }
                if !asked("the adapter's power", adapter.is_powered()).await? {
                    return Err(Trouble::new(RadioState::AdapterOff, "the adapter is off"));
                }
                if discovery.is_some() && !asked("the adapter's discovery", adapter.is_discovering()).await? {
                    return Err(Trouble::new(RadioState::Starting, "discovery ended unnoticed"));
                }
            }
        }
    }
}

/// Starts the discovery. After bluetoothd was killed the kernel scans on for up to ten seconds, in which it refuses another
/// one; the monitor hears on meanwhile.
async fn discover(adapter: &Adapter, report: &mut Report) -> Result<Events, Trouble> {
    for _ in 0..BUSY_TRIES {
        let mut busy = None;
        let call = adapter.discover_devices().map(|answer| {
            busy = answer.as_ref().err().filter(|e| e.kind == ErrorKind::InProgress).map(ToString::to_string);
            answer
        });
        let answer = asked("StartDiscovery", call).await;
        let Some(busy) = busy else { return Ok(Box::pin(answer?)) };
        report.tell(|radio| (radio.state, radio.detail) = (RadioState::Starting, format!("StartDiscovery: {busy}")));
        sleep(BUSY_PAUSE).await;
    }
    Err(Trouble::new(RadioState::Starting, "StartDiscovery: another operation does not end"))
}

/// The next of a stream that may not be there.
async fn next<S: Stream + Unpin>(stream: &mut Option<S>) -> Option<S::Item> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

/// The adapter with this address, or the first.
async fn choose(session: &Session, wanted: Option<Address>) -> Result<Adapter, Trouble> {
    let mut names = asked("the list of adapters", session.adapter_names()).await?;
    bluez::sort(&mut names);
    for name in names {
        let adapter = session
            .adapter(&name)
            .map_err(|e| Trouble::new(RadioState::AdapterMissing, format!("the adapter {name}: {e}")))?;
        match wanted {
            None => return Ok(adapter),
            Some(address) => {
                if asked("the adapter's address", adapter.address()).await?.0 == address.0 {
                    return Ok(adapter);
                }
            }
        }
    }
    Err(match wanted {
        None => Trouble::new(RadioState::AdapterMissing, "there is no Bluetooth adapter"),
        Some(address) => Trouble::new(RadioState::AdapterMissing, format!("there is no Bluetooth adapter {address}")),
    })
}

/// Registers the monitor; a bluetoothd without the interface is a trouble of its own.
async fn register(
    adapter: &Adapter,
) -> Result<(bluer::monitor::MonitorManager, Pin<Box<bluer::monitor::MonitorHandle>>), Trouble> {
    let manager = match timeout(CALL, adapter.monitor()).await {
        Ok(Ok(manager)) => manager,
        Ok(Err(e)) if unknown(&e) => {
            let detail = "bluetoothd does not offer AdvertisementMonitor1: start it with -E";
            return Err(Trouble::new(RadioState::PassiveUnsupported, detail));
        }
        Ok(Err(e)) => return Err(Trouble::new(state_of(&e), format!("RegisterMonitor: {e}"))),
        Err(_) => return Err(Trouble::new(RadioState::Starting, "RegisterMonitor: no answer from bluetoothd")),
    };
    let handle = asked("the advertisement monitor", manager.register(patterns::broad())).await?;
    Ok((manager, Box::pin(handle)))
}

/// Whether the error says that there is no such method.
fn unknown(error: &bluer::Error) -> bool {
    match &error.kind {
        ErrorKind::NotSupported => true,
        ErrorKind::Internal(InternalErrorKind::DBus(name)) => {
            name.ends_with(".UnknownMethod") || name.ends_with(".UnknownInterface")
        }
        _ => false,
    }
}
