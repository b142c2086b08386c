//! One attempt to scan, from the bus to the radio, and what ends it.

use super::Trouble;
use super::bluez;
use super::report::Report;
use super::setup::{CONNECT, Events, Registered, asked, choose, discover, register, set_filter};
use super::words::{self, explain_bus};
use crate::advert::Address;
use crate::config::ScanMode;
use crate::stats::{RadioState, Rung};
use bluer::{Adapter, AdapterEvent, AdapterProperty, Session};
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// How often the adapter is looked at: some faults give no signal.
const LOOK: Duration = Duration::from_secs(2);
/// How often a monitor that could not be registered is tried again.
const MONITOR: Duration = Duration::from_secs(3);
/// Beside a client whose discovery has no filter bluetoothd ends every discovery after 10 s. One that held begins anew.
const HELD: Duration = Duration::from_secs(5);
/// A discovery that ends because another program connects ends shortly before that is seen.
const BEFORE_CONNECTION: Duration = Duration::from_millis(500);

/// An adapter that is off because it was pulled is gone so soon, and bluetoothd itself when it ends.
const GOING: Duration = Duration::from_secs(1);

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
    let no_bus = |e: zbus::Error| Trouble::new(RadioState::NoBluez, explain_bus(CONNECT, &e));
    let mut watch = bluez::Watch::new().await.map_err(no_bus)?;
    if !watch.present().await.map_err(no_bus)? {
        return Err(Trouble::new(RadioState::NoBluez, bluez::NOT_RUNNING));
    }
    let session = asked(CONNECT, Session::new()).await?;
    let adapter = choose(&session, wanted).await?;
    let address = asked("reading the adapter's address", adapter.address()).await?.0;
    report.found(adapter.name(), Address(address));
    report.tell(|radio| {
        radio.name = adapter.name().to_owned();
        radio.address = Address(address).to_string();
        // A trouble that was here before stays until it is over.
        if !matches!(radio.state, RadioState::AdapterOff | RadioState::PassiveUnsupported | RadioState::Starting) {
            (radio.state, radio.detail) = (RadioState::Starting, String::new());
        }
    });
    if !asked(POWER, adapter.is_powered()).await? {
        let powered = asked("powering the adapter on", adapter.set_powered(true)).await;
        powered.map_err(|trouble| match trouble.state {
            // One that was pulled meanwhile is not off.
            RadioState::AdapterMissing => trouble,
            _ => {
                let detail = words::blocked(adapter.name()).unwrap_or(trouble.detail);
                Trouble { state: RadioState::AdapterOff, detail, ..trouble }
            }
        })?;
        report.climb(Rung::PowerOn, "it was off");
    }
    let events: Events = Box::pin(asked("following the adapter's events", adapter.events()).await?);

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
        set_filter(&adapter).await?;
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
        _ = watch.changed() => Err(Trouble::new(RadioState::NoBluez, "bluetoothd went away; if it does not come back: systemctl start bluetooth")),
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

    /// The adapter is off. One that is pulled is off first, and then gone.
    async fn off(&mut self, why: &str) -> Trouble {
        let gone = async {
            loop {
                match self.events.next().await {
                    None => return true,
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(true))) => return false,
                    Some(_) => {}
                }
            }
        };
        match timeout(GOING, gone).await {
            Ok(true) => removed().await,
            _ => Trouble::new(
                RadioState::AdapterOff,
                format!("{why}; it is powered on again: if that fails, rfkill list"),
            ),
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
                    // A signal may come from anybody: bluetoothd is asked.
                    Some(AdapterEvent::PropertyChanged(AdapterProperty::Powered(false))) => {
                        if !self.adapter.is_powered().await.unwrap_or(false) {
                            return Err(self.off("the adapter was powered off").await);
                        }
                    }
                    Some(_) => {}
                    None => {
                        let there = self.adapter.is_powered().await.is_ok();
                        match timeout(GOING, self.adapter.events()).await {
                            Ok(Ok(events)) if there => self.events = Box::pin(events),
                            _ => return Err(removed().await),
                        }
                    }
                },
                event = next(&mut self.discovery) => if event.is_none() {
                    if self.adapter.is_discovering().await.unwrap_or(false) {
                        // It goes on, and the new stream keeps it so.
                        self.discovery = Some(Box::pin(asked("StartDiscovery", self.adapter.discover_devices()).await?));
                        continue;
                    }
                    self.discovery = None;
                    // A power-off ends it too, and says more; which of the two signals is seen first is chance.
                    if !asked(POWER, self.adapter.is_powered()).await? {
                        return Err(self.off("the adapter was powered off").await);
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
                    if !asked(POWER, self.adapter.is_powered()).await? {
                        return Err(self.off("the adapter is off").await);
                    }
                    if self.discovery.is_some()
                        && !asked("asking whether the adapter discovers", self.adapter.is_discovering()).await?
                        && !report.connects()
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
async fn removed() -> Trouble {
    sleep(GOING).await;
    Trouble::new(RadioState::AdapterMissing, "the adapter was removed")
}

/// The next of a stream that may not be there.
async fn next<S: Stream + Unpin>(stream: &mut Option<S>) -> Option<S::Item> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}
