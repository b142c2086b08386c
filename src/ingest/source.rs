//! The capture in use, and its choice.

use super::dbus_signals::DbusSignals;
use crate::bluez::{explain_bus, no_answer};
use crate::capture::Capture;
use crate::hci::{MonitorChannel, MonitorUnavailable};
use crate::log;
use crate::model::{CaptureKind, RadioState, RecoveryAction};
use crate::stats::Stats;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// After a capture failed.
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// The bus or bluetoothd may hang: setting up the fallback waits no longer. Longer than one call of it may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(8);

const LISTEN: &str = "listening to bluetoothd's signals";

/// The fallback on its way, and why there is nothing better.
pub(super) struct Opening {
    signals: Pin<Box<dyn Future<Output = Result<DbusSignals, String>> + Send>>,
    opened: Option<Result<DbusSignals, String>>,
    unavailable: MonitorUnavailable,
}

/// The capture in use.
pub(super) enum CaptureSource {
    /// Nothing, until then.
    Idle {
        retry_at: Option<Instant>,
    },
    /// Nothing yet: bluetoothd may be slow to answer, and nobody waits for it.
    Opening(Opening),
    Monitor(MonitorChannel),
    Signals(DbusSignals),
}

impl CaptureSource {
    /// Whether there is something to read from.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Monitor(_) | Self::Signals(_))
    }

    /// Waits until there is something to take, or something better to be looked for. Safe to cancel.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        match self {
            Self::Idle { retry_at: None } => std::future::pending().await,
            Self::Idle { retry_at: Some(until) } => {
                sleep_until(*until).await;
                Ok(())
            }
            Self::Opening(opening) => {
                if opening.opened.is_none() {
                    opening.opened = Some((&mut opening.signals).await);
                }
                Ok(())
            }
            Self::Monitor(monitor) => monitor.ready().await,
            Self::Signals(signals) => signals.ready().await,
        }
    }
}

/// Opens captures; publishes the one in use, and logs when it is not the best one.
pub(super) struct CaptureSelector {
    stats: Arc<Stats>,
    /// Followed by the control of the radio.
    kind: watch::Sender<CaptureKind>,
    last_logged: CaptureKind,
    /// Why the last capture failed.
    failed: Option<String>,
}

impl CaptureSelector {
    pub(super) fn new(stats: Arc<Stats>, kind: watch::Sender<CaptureKind>) -> Self {
        Self { stats, kind, last_logged: CaptureKind::Monitor, failed: None }
    }

    fn publish(&mut self, kind: CaptureKind, reason: &str, remedy: &'static str) {
        self.stats.set_radio(|r| {
            (r.capture, r.capture_reason, r.capture_remedy) = (kind, reason.to_owned(), remedy);
        });
        self.set_kind(kind);
        if kind != self.last_logged {
            self.last_logged = kind;
            log::capture(kind, reason);
        }
    }

    /// A test's socket in place of the kernel's.
    pub(super) fn inherit(&mut self, fd: OwnedFd) -> CaptureSource {
        self.stats.set_radio(|r| r.state = RadioState::Test);
        match MonitorChannel::inherited(fd) {
            Ok(monitor) => {
                self.publish(CaptureKind::Monitor, "packets come from a test's descriptor", "");
                CaptureSource::Monitor(monitor)
            }
            Err(e) => {
                self.publish(CaptureKind::None, &format!("the test's descriptor is of no use: {e}"), "");
                CaptureSource::Idle { retry_at: None }
            }
        }
    }

    /// None, as the settings want it: no news for the log.
    pub(super) fn close(&self) -> CaptureSource {
        self.stats.set_radio(|r| {
            (r.capture, r.capture_reason, r.capture_remedy) = (CaptureKind::None, String::new(), "");
        });
        self.set_kind(CaptureKind::None);
        CaptureSource::Idle { retry_at: None }
    }

    fn set_kind(&self, kind: CaptureKind) {
        self.kind.send_if_modified(|now| std::mem::replace(now, kind) != kind);
    }

    /// None for a while: the one in use failed.
    pub(super) fn lost(&mut self, why: &str) -> CaptureSource {
        self.publish(CaptureKind::None, why, "");
        self.failed = Some(why.to_owned());
        CaptureSource::Idle { retry_at: Some(Instant::now() + RETRY_DELAY) }
    }

    /// The best capture, if it can be had now.
    pub(super) fn monitor(&mut self) -> Option<CaptureSource> {
        self.try_monitor().ok()
    }

    fn try_monitor(&mut self) -> Result<CaptureSource, MonitorUnavailable> {
        let monitor = MonitorChannel::open()?;
        self.publish(CaptureKind::Monitor, "CAP_NET_RAW is there: adverts byte by byte", "");
        Ok(CaptureSource::Monitor(monitor))
    }

    /// The best capture that can be had now. The fallback takes its time: see [`opened`](Self::opened).
    pub(super) fn open(&mut self) -> CaptureSource {
        if let Some(why) = self.failed.take() {
            self.stats.recoveries().count(RecoveryAction::Capture);
            tracing::debug!("the capture is opened again: {why}");
        }
        let unavailable = match self.try_monitor() {
            Ok(monitor) => return monitor,
            Err(unavailable) => unavailable,
        };
        let transient = unavailable.transient;
        let signals = Box::pin(async move {
            match timeout(OPEN_TIMEOUT, DbusSignals::open(transient)).await {
                Ok(opened) => opened.map_err(|e| explain_bus(LISTEN, &e)),
                Err(_) => Err(no_answer(LISTEN)),
            }
        });
        CaptureSource::Opening(Opening { signals, opened: None, unavailable })
    }

    /// What came of the fallback.
    pub(super) fn opened(&mut self, opening: Opening) -> CaptureSource {
        let Opening { signals, opened, unavailable } = opening;
        match opened {
            Some(Ok(signals)) => {
                self.publish(CaptureKind::Signals, &unavailable.reason, unavailable.remedy);
                CaptureSource::Signals(signals)
            }
            Some(Err(problem)) => self.lost(&format!("{}; {problem}", unavailable.reason)),
            None => CaptureSource::Opening(Opening { signals, opened, unavailable }),
        }
    }
}
