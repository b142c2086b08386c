//! One scan session: from the bus to the radio, until something ends it.

use super::ScanError;
use super::adapter_status::AdapterStatusTracker;
use super::client;
use super::explain::{self, explain_bus};
use super::scan_setup::{CONNECT, Events, RegisteredMonitor, bluez_call, discover, find_adapter, register, set_filter};
use crate::config::ScanMode;
use crate::model::{Address, RadioState, RecoveryAction};
use bluer::{Adapter, AdapterEvent, AdapterProperty, Session};
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// How often the adapter is polled: some faults give no signal.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often a monitor that could not be registered is tried again.
const MONITOR_RETRY_DELAY: Duration = Duration::from_secs(3);
/// Beside a client whose discovery has no filter bluetoothd ends every discovery after 10 s. One that held for so long is restarted without being reported.
const STABLE_DISCOVERY: Duration = Duration::from_secs(5);
/// A discovery that ends because another program connects ends shortly before that is seen.
const BEFORE_CONNECTION: Duration = Duration::from_millis(500);

/// An adapter that is off because it was pulled is gone so soon, and bluetoothd itself when it ends.
const REMOVAL_DELAY: Duration = Duration::from_secs(1);

/// Why fewer adverts come, while nothing is wrong.
const CONNECTING: &str = "another program is connecting";

/// Scans until something comes between; sets `scanned` to when the radio began to do what it should.
pub(super) async fn run_session(
    mode: ScanMode,
    status: &mut AdapterStatusTracker,
    scanned: &mut Option<Instant>,
) -> ScanError {
    match scan(mode, status, scanned).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn scan(
    mode: ScanMode,
    status: &mut AdapterStatusTracker,
    scanned: &mut Option<Instant>,
) -> Result<Infallible, ScanError> {
    let no_bus = |e: zbus::Error| ScanError::new(RadioState::NoBluez, explain_bus(CONNECT, &e));
    let mut watch = client::Watch::new().await.map_err(no_bus)?;
    if !watch.present().await.map_err(no_bus)? {
        return Err(ScanError::new(RadioState::NoBluez, client::NOT_RUNNING));
    }
    let session = bluez_call(CONNECT, Session::new()).await?;
    let adapter = find_adapter(&session, status.wanted).await?;
    let address = bluez_call("reading the adapter's address", adapter.address()).await?.0;
    status.on_adapter_found(adapter.name(), Address(address));
    status.set_state(|radio| {
        radio.name = adapter.name().to_owned();
        radio.address = Address(address).to_string();
        // A trouble that was here before stays until it is over.
        if !matches!(radio.state, RadioState::AdapterOff | RadioState::PassiveUnsupported | RadioState::Starting) {
            (radio.state, radio.detail) = (RadioState::Starting, String::new());
        }
    });
    if !bluez_call(POWER, adapter.is_powered()).await? {
        let powered = bluez_call("powering the adapter on", adapter.set_powered(true)).await;
        powered.map_err(|error| match error.state {
            // One that was pulled meanwhile is not off.
            RadioState::AdapterMissing => error,
            _ => {
                let detail = explain::blocked(adapter.name()).unwrap_or(error.detail);
                ScanError { state: RadioState::AdapterOff, detail, ..error }
            }
        })?;
        status.record_recovery(RecoveryAction::PowerOn, "it was off");
    }
    let events: Events = Box::pin(bluez_call("following the adapter's events", adapter.events()).await?);

    status.on_scan_setup();
    let monitor_channel = status.uses_monitor_channel();
    // With a monitor the controller does not filter duplicates, in an active scan either.
    let (monitor, without) = match register(&adapter, monitor_channel).await {
        Ok(monitor) => (Some(monitor), None),
        Err(why) if mode == ScanMode::Passive => return Err(why.refused()),
        Err(why) => (None, Some(why)),
    };
    let mut discovery: Option<Events> = None;
    if mode == ScanMode::Active {
        set_filter(&adapter).await?;
        discovery = Some(discover(&adapter, status).await?);
    }
    status.scan_confirmed().await.map_err(|why| ScanError::new(RadioState::Starting, why).refused())?;
    let since = Instant::now();
    *scanned = Some(since);
    let capabilities = client::capabilities(adapter.name()).await;
    status.set_state(|radio| radio.capabilities = capabilities);
    let mut scan = Scan { adapter, events, monitor, discovery, since, monitor_channel, without, interrupted: false };
    scan.publish_state(status);
    status.on_scan_started();
    tokio::select! {
        // bluer says nothing about it.
        _ = watch.changed() => Err(ScanError::new(RadioState::NoBluez, "bluetoothd went away; if it does not come back: systemctl start bluetooth")),
        ended = scan.hold(status) => ended,
    }
}

/// A scan that goes on.
struct Scan {
    adapter: Adapter,
    events: Events,
    monitor: Option<RegisteredMonitor>,
    discovery: Option<Events>,
    since: Instant,
    monitor_channel: bool,
    /// Why there is no monitor.
    without: Option<ScanError>,
    /// The discovery ended because another program connects.
    interrupted: bool,
}

impl Scan {
    /// Says how the scan is.
    fn publish_state(&self, status: &mut AdapterStatusTracker) {
        let (state, mut detail) = match &self.without {
            None => (RadioState::Scanning, String::new()),
            Some(why) => {
                let detail = format!("scanning without AdvertisementMonitor1, repeats may be missing ({})", why.detail);
                // Where bluetoothd has none it is as good as it gets; else it is tried again.
                let lasting = why.state == RadioState::PassiveUnsupported;
                (if lasting { RadioState::Scanning } else { RadioState::Starting }, detail)
            }
        };
        if status.is_connecting() {
            detail = if detail.is_empty() { CONNECTING.into() } else { format!("{CONNECTING}; {detail}") };
        }
        status.set_state(|radio| (radio.state, radio.detail) = (state, detail));
    }

    fn discovery_ended(&self, how: &str) -> ScanError {
        if self.since.elapsed() >= STABLE_DISCOVERY {
            ScanError::reconfigure(how)
        } else {
            ScanError::new(RadioState::Starting, how).refused()
        }
    }

    /// The adapter is off. One that is pulled is off first, and then gone.
    async fn off(&mut self, why: &str) -> ScanError {
        let gone = async {
            loop {
                match self.events.next().await {
                    None => return true,
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(true))) => return false,
                    Some(_) => {}
                }
            }
        };
        match timeout(REMOVAL_DELAY, gone).await {
            Ok(true) => removed().await,
            _ => ScanError::new(
                RadioState::AdapterOff,
                format!("{why}; it is powered on again: if that fails, rfkill list"),
            ),
        }
    }

    /// Returns when the scan has ended, and why.
    async fn hold(&mut self, status: &mut AdapterStatusTracker) -> Result<Infallible, ScanError> {
        let mut other_capture = pin!(status.capture_changed(self.monitor_channel));
        let mut poll = interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut register = interval(MONITOR_RETRY_DELAY);
        register.set_missed_tick_behavior(MissedTickBehavior::Delay);
        register.reset();
        let lacks = self.without.as_ref().is_some_and(|why| why.state != RadioState::PassiveUnsupported);
        let mut connects = status.is_connecting();
        let mut connection: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(status.connecting_becomes(!connects));
        loop {
            let mut monitor = self.monitor.as_mut().map(RegisteredMonitor::events);
            tokio::select! {
                event = self.events.next() => match event {
                    // A signal may come from anybody: bluetoothd is asked.
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) => {
                        if !self.adapter.is_powered().await.unwrap_or(false) {
                            return Err(self.off("the adapter was powered off").await);
                        }
                    }
                    Some(_) => {}
                    None => {
                        let there = self.adapter.is_powered().await.is_ok();
                        match timeout(REMOVAL_DELAY, self.adapter.events()).await {
                            Ok(Ok(events)) if there => self.events = Box::pin(events),
                            _ => return Err(removed().await),
                        }
                    }
                },
                event = next(&mut self.discovery) => if event.is_none() {
                    if self.adapter.is_discovering().await.unwrap_or(false) {
                        // It goes on, and the new stream keeps it so.
                        self.discovery = Some(Box::pin(bluez_call("StartDiscovery", self.adapter.discover_devices()).await?));
                        continue;
                    }
                    self.discovery = None;
                    // A power-off ends it too, and says more; which of the two signals is seen first is chance.
                    if !bluez_call(POWER, self.adapter.is_powered()).await? {
                        return Err(self.off("the adapter was powered off").await);
                    }
                    if timeout(BEFORE_CONNECTION, status.connecting_becomes(true)).await.is_err() {
                        return Err(self.discovery_ended("discovery ended"));
                    }
                    self.interrupted = true;
                },
                event = next(&mut monitor) => if event.is_none() {
                    return Err(ScanError::new(RadioState::Starting, "bluetoothd released the advertisement monitor"));
                },
                why = status.scan_lost() => return Err(ScanError::new(RadioState::Starting, why).refused()),
                () = &mut other_capture => return Err(ScanError::reconfigure("adverts are captured in another way")),
                () = &mut connection => {
                    connects = !connects;
                    if !connects && self.interrupted {
                        return Err(ScanError::reconfigure("another program has connected"));
                    }
                    connection = Box::pin(status.connecting_becomes(!connects));
                    self.publish_state(status);
                }
                _ = register.tick(), if lacks && !connects => {
                    status.record_recovery(RecoveryAction::Retry, "the advertisement monitor");
                    // The controller's duplicate filter is off in a scan that begins after it was registered.
                    if super::scan_setup::register(&self.adapter, self.monitor_channel).await.is_ok() {
                        return Err(ScanError::reconfigure("the advertisement monitor can be registered"));
                    }
                }
                _ = poll.tick() => {
                    status.update_duty_cycle();
                    if let Some(action) = status.silence_action() {
                        return Err(ScanError::silence(action));
                    }
                    if !bluez_call(POWER, self.adapter.is_powered()).await? {
                        return Err(self.off("the adapter is off").await);
                    }
                    if self.discovery.is_some()
                        && !bluez_call("asking whether the adapter discovers", self.adapter.is_discovering()).await?
                        && !status.is_connecting()
                    {
                        return Err(self.discovery_ended("discovery ended unnoticed"));
                    }
                }
            }
        }
    }
}

const POWER: &str = "asking whether the adapter is powered";

/// The adapter is gone. A bluetoothd that ends removes its adapters first: that it went is seen meanwhile, and says more.
async fn removed() -> ScanError {
    sleep(REMOVAL_DELAY).await;
    ScanError::new(RadioState::AdapterMissing, "the adapter was removed")
}

/// The next of a stream that may not be there.
async fn next<S: Stream + Unpin>(stream: &mut Option<S>) -> Option<S::Item> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}
