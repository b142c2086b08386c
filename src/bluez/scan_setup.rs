//! The calls to bluetoothd that set up a scan session.

use super::adapter_status::AdapterStatusTracker;
use super::explain::{explain, no_answer};
use super::{ScanError, client, monitor_patterns};
use crate::model::{Address, RadioState, RecoveryAction};
use crate::stats::NO_ADAPTER;
use bluer::{Adapter, AdapterEvent, DiscoveryFilter, DiscoveryTransport, ErrorKind, InternalErrorKind, Session};
use futures_util::{FutureExt, Stream};
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// bluetoothd may hang: no call waits longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long, and how often, another operation of the adapter is waited for.
const BUSY_PAUSE: Duration = Duration::from_secs(1);
const BUSY_TRIES: u32 = 20;

pub(super) const CONNECT: &str = "connecting to the system bus";

pub(super) type Events = Pin<Box<dyn Stream<Item = AdapterEvent> + Send>>;

/// Waits for an answer, and says what was being done when there is none.
pub(super) async fn bluez_call<T>(doing: &str, call: impl Future<Output = bluer::Result<T>>) -> Result<T, ScanError> {
    match timeout(CALL_TIMEOUT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(e)) => Err(ScanError::new(state_of(&e), explain(doing, &e))),
        Err(_) => Err(ScanError::new(RadioState::Starting, no_answer(doing))),
    }
}

fn state_of(error: &bluer::Error) -> RadioState {
    match error.kind {
        ErrorKind::NotReady => RadioState::AdapterOff,
        ErrorKind::NotFound | ErrorKind::DoesNotExist => RadioState::AdapterMissing,
        _ => RadioState::Starting,
    }
}

/// Every advert. Where we do not need bluetoothd to tell of them this is more than we want, but what would be less is less for
/// others, too: see docs/decisions/0009-survival-of-the-radio.md.
fn filter() -> DiscoveryFilter {
    DiscoveryFilter {
        transport: DiscoveryTransport::Le,
        duplicate_data: true,
        // As weak as can be: a filter with RSSI keeps bluetoothd from pausing the scan, and from leaving reports out.
        rssi: Some(-127),
        ..DiscoveryFilter::default()
    }
}

/// Starts the discovery. After bluetoothd was killed the kernel scans on for up to ten seconds, in which it refuses another
/// one; the monitor hears on meanwhile.
pub(super) async fn discover(adapter: &Adapter, status: &mut AdapterStatusTracker) -> Result<Events, ScanError> {
    for _ in 0..BUSY_TRIES {
        let mut busy = None;
        let call = adapter.discover_devices().map(|answer| {
            busy = answer.as_ref().err().filter(|e| e.kind == ErrorKind::InProgress).map(|e| explain(START, e));
            answer
        });
        let answer = bluez_call(START, call).await;
        let Some(busy) = busy else { return Ok(Box::pin(answer.map_err(ScanError::refused)?)) };
        status.set_state(|radio| (radio.state, radio.detail) = (RadioState::Starting, busy.clone()));
        sleep(BUSY_PAUSE).await;
        status.record_recovery(RecoveryAction::Retry, &busy);
    }
    let detail = format!("{START}: another operation of the adapter does not end; systemctl restart bluetooth");
    Err(ScanError::new(RadioState::Starting, detail).refused())
}

const START: &str = "starting a discovery (StartDiscovery)";

/// Sets what the discovery is to report.
pub(super) async fn set_filter(adapter: &Adapter) -> Result<(), ScanError> {
    bluez_call("setting up the discovery (SetDiscoveryFilter)", adapter.set_discovery_filter(filter())).await
}

/// How long a discovery takes that is to bring a passive scan back.
const SHORT_DISCOVERY: Duration = Duration::from_secs(2);

/// Discovers for a moment: the kernel ends the scan that it believes to be running for it, and begins another one after it.
pub(super) async fn discover_shortly(status: &AdapterStatusTracker) {
    let discovery = async {
        let session = bluez_call(CONNECT, Session::new()).await?;
        let adapter = find_adapter(&session, status.wanted).await?;
        set_filter(&adapter).await?;
        let events = bluez_call(START, adapter.discover_devices()).await?;
        sleep(SHORT_DISCOVERY).await;
        drop(events);
        Ok::<_, ScanError>(())
    };
    if let Err(error) = discovery.await {
        tracing::debug!("a short discovery: {}", error.detail);
    }
}

/// The adapter with this address, or the first.
pub(super) async fn find_adapter(session: &Session, wanted: Option<Address>) -> Result<Adapter, ScanError> {
    let mut names = bluez_call("listing the adapters", session.adapter_names()).await?;
    client::sort(&mut names);
    for name in names {
        let adapter = session.adapter(&name).map_err(|e| {
            ScanError::new(RadioState::AdapterMissing, explain(&format!("using the adapter {name}"), &e))
        })?;
        match wanted {
            None => return Ok(adapter),
            Some(address) => {
                if bluez_call("reading the adapter's address", adapter.address()).await?.0 == address.0 {
                    return Ok(adapter);
                }
            }
        }
    }
    Err(match wanted {
        None => ScanError::new(RadioState::AdapterMissing, NO_ADAPTER),
        Some(address) => ScanError::new(
            RadioState::AdapterMissing,
            format!("there is no Bluetooth adapter {address}: plug it in, or set Adapters to one that is there"),
        ),
    })
}

/// A monitor that is registered as long as this is there.
pub(super) struct RegisteredMonitor {
    _manager: bluer::monitor::MonitorManager,
    handle: Pin<Box<bluer::monitor::MonitorHandle>>,
}

impl RegisteredMonitor {
    /// What bluetoothd tells of it; nothing more when it released it.
    pub(super) fn events(&mut self) -> &mut Pin<Box<bluer::monitor::MonitorHandle>> {
        &mut self.handle
    }
}

const MONITOR: &str = "registering the advertisement monitor (RegisterMonitor)";

/// Registers the monitor; a bluetoothd without the interface is a trouble of its own.
pub(super) async fn register(adapter: &Adapter, monitor_channel: bool) -> Result<RegisteredMonitor, ScanError> {
    let manager = match timeout(CALL_TIMEOUT, adapter.monitor()).await {
        Ok(Ok(manager)) => manager,
        Ok(Err(e)) if unknown(&e) => {
            let detail = "bluetoothd does not offer AdvertisementMonitor1: start it with -E";
            return Err(ScanError::new(RadioState::PassiveUnsupported, detail));
        }
        Ok(Err(e)) => return Err(ScanError::new(state_of(&e), explain(MONITOR, &e))),
        Err(_) => return Err(ScanError::new(RadioState::Starting, no_answer(MONITOR))),
    };
    let patterns = if monitor_channel && !client::offloads(adapter.name()).await {
        monitor_patterns::match_nothing()
    } else {
        monitor_patterns::match_common()
    };
    let handle = bluez_call(MONITOR, manager.register(patterns)).await?;
    Ok(RegisteredMonitor { _manager: manager, handle: Box::pin(handle) })
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
