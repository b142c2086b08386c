//! One attempt to scan, from the bus to the radio, and what ends it.

use super::Trouble;
use super::bluez;
use super::report::Report;
use super::setup::{Events, Registered, asked, choose, discover, filter, register};
use crate::advert::Address;
use crate::config::ScanMode;
use crate::stats::{RadioState, Rung};
use bluer::{Adapter, AdapterEvent, AdapterProperty, Session};
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often the adapter is looked at: some faults give no signal.
const LOOK: Duration = Duration::from_secs(2);
/// How often a monitor that could not be registered is tried again.
const MONITOR: Duration = Duration::from_secs(3);
/// Beside a client whose discovery has no filter bluetoothd ends every discovery after 10 s. One that held begins anew.
const HELD: Duration = Duration::from_secs(5);
/// A discovery that ends because another program connects ends shortly before that is seen.
const BEFORE_CONNECTION: Duration = Duration::from_millis(500);

/// Why fewer adverts come, while nothing is wrong.
const CONNECTING: &str = "another program is connecting";

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
) -> Result<Infallible, Trouble> {
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
    let events: Events = Box::pin(asked("the adapter's events", adapter.events()).await?);

    report.prepares();
    let quiet = report.quiet();
    // With a monitor the controller does not filter duplicates, in an active scan either.
    let (monitor, without) = match register(&adapter, quiet).await {
        Ok(monitor) => (Some(monitor), None),
        Err(why) if mode == ScanMode::Passive => return Err(why.refused()),
        Err(why) => (None, Some(why)),
    };
    let mut discovery: Option<Events> = None;
    if mode == ScanMode::Active {
        asked("SetDiscoveryFilter", adapter.set_discovery_filter(filter())).await?;
        discovery = Some(discover(&adapter, report).await?);
    }
    report.confirm().await.map_err(|why| Trouble::new(RadioState::Starting, why).refused())?;
    let since = Instant::now();
    *scanned = Some(since);
    let capabilities = bluez::capabilities(adapter.name()).await;
    report.tell(|radio| radio.capabilities = capabilities);
    let mut scan = Scan { adapter, events, monitor, discovery, since, quiet, without, interrupted: false };
    scan.tell(report);
    report.begins();
    tokio::select! {
        // bluer says nothing about it.
        _ = watch.changed() => Err(Trouble::new(RadioState::NoBluez, "bluetoothd went away")),
        ended = scan.hold(report) => ended,
    }
}

/// A scan that goes on.
struct Scan {
    adapter: Adapter,
    events: Events,
    monitor: Option<Registered>,
    discovery: Option<Events>,
    since: Instant,
    quiet: bool,
    /// Why there is no monitor.
    without: Option<Trouble>,
    /// The discovery ended because another program connects.
    interrupted: bool,
}

impl Scan {
    /// Says how the scan is.
    fn tell(&self, report: &mut Report) {
        let (state, mut detail) = match &self.without {
            None => (RadioState::Scanning, String::new()),
            Some(why) => {
                let detail = format!("scanning without AdvertisementMonitor1, repeats may be missing ({})", why.detail);
                // Where bluetoothd has none it is as good as it gets; else it is tried again.
                let lasting = why.state == RadioState::PassiveUnsupported;
                (if lasting { RadioState::Scanning } else { RadioState::Starting }, detail)
            }
        };
        if report.connects() {
            detail = if detail.is_empty() { CONNECTING.into() } else { format!("{CONNECTING}; {detail}") };
        }
        report.tell(|radio| (radio.state, radio.detail) = (state, detail));
    }

    fn discovery_ended(&self, how: &str) -> Trouble {
        if self.since.elapsed() >= HELD {
            Trouble::anew(how)
        } else {
            Trouble::new(RadioState::Starting, how).refused()
        }
    }

    /// Returns when the scan has ended, and why.
    async fn hold(&mut self, report: &mut Report) -> Result<Infallible, Trouble> {
        let mut other_capture = pin!(report.other_capture(self.quiet));
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut register = interval(MONITOR);
        register.set_missed_tick_behavior(MissedTickBehavior::Delay);
        register.reset();
        let lacks = self.without.as_ref().is_some_and(|why| why.state != RadioState::PassiveUnsupported);
        let mut connects = report.connects();
        let mut connection: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(report.connects_becomes(!connects));
        loop {
            let mut monitor = self.monitor.as_mut().map(Registered::events);
            tokio::select! {
                event = self.events.next() => match event {
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) =>
                        return Err(Trouble::new(RadioState::AdapterOff, "the adapter was powered off")),
                    Some(_) => {}
                    None => return Err(Trouble::new(RadioState::AdapterMissing, "the adapter was removed")),
                },
                event = next(&mut self.discovery) => if event.is_none() {
                    self.discovery = None;
                    // A power-off ends it too, and says more; which of the two signals is seen first is chance.
                    if !asked("the adapter's power", self.adapter.is_powered()).await? {
                        return Err(Trouble::new(RadioState::AdapterOff, "the adapter was powered off"));
                    }
                    if timeout(BEFORE_CONNECTION, report.connects_becomes(true)).await.is_err() {
                        return Err(self.discovery_ended("discovery ended"));
                    }
                    self.interrupted = true;
                },
                event = next(&mut monitor) => if event.is_none() {
                    return Err(Trouble::new(RadioState::Starting, "bluetoothd released the advertisement monitor"));
                },
                why = report.idle() => return Err(Trouble::new(RadioState::Starting, why).refused()),
                () = &mut other_capture => return Err(Trouble::anew("adverts are captured in another way")),
                () = &mut connection => {
                    connects = !connects;
                    if !connects && self.interrupted {
                        return Err(Trouble::anew("another program has connected"));
                    }
                    connection = Box::pin(report.connects_becomes(!connects));
                    self.tell(report);
                }
                _ = register.tick(), if lacks && !connects => {
                    report.climb(Rung::Retry, "the advertisement monitor");
                    // The controller's duplicate filter is off in a scan that begins after it was registered.
                    if super::setup::register(&self.adapter, self.quiet).await.is_ok() {
                        return Err(Trouble::anew("the advertisement monitor can be registered"));
                    }
                }
                _ = look.tick() => {
                    report.listens();
                    if let Some(rung) = report.silence() {
                        return Err(Trouble::silence(rung));
                    }
                    if !asked("the adapter's power", self.adapter.is_powered()).await? {
                        return Err(Trouble::new(RadioState::AdapterOff, "the adapter is off"));
                    }
                    if self.discovery.is_some()
                        && !asked("the adapter's discovery", self.adapter.is_discovering()).await?
                        && !report.connects()
                    {
                        return Err(self.discovery_ended("discovery ended unnoticed"));
                    }
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
