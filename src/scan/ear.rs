//! The capture in use, and the choice of it.

use super::adapter::{explain_bus, unanswered};
use super::capture::Capture;
use super::monitor::{Monitor, Unavailable};
use super::signals::Signals;
use crate::log;
use crate::stats::{CaptureKind, RadioState, Rung, Stats};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// After a capture failed.
const RETRY: Duration = Duration::from_secs(2);
/// The bus or bluetoothd may hang: setting up the fallback waits no longer. Longer than one call of it may take.
const CALL: Duration = Duration::from_secs(8);

const LISTEN: &str = "listening to bluetoothd's signals";

/// The fallback on its way, and why there is nothing better.
pub(super) struct Opening {
    signals: Pin<Box<dyn Future<Output = Result<Signals, String>> + Send>>,
    opened: Option<Result<Signals, String>>,
    unavailable: Unavailable,
}

/// What is listened to.
pub(super) enum Ear {
    /// Nothing, until then.
    Closed(Option<Instant>),
    /// Nothing yet: bluetoothd may be slow to answer, and nobody waits for it.
    Opening(Opening),
    Monitor(Monitor),
    Signals(Signals),
}

impl Ear {
    /// Waits until there is something to take, or something better to be looked for. Safe to cancel.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        match self {
            Self::Closed(None) => std::future::pending().await,
            Self::Closed(Some(until)) => {
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

/// Opens captures and tells which one it is, in Stats and, when it is not the best one, in the log.
pub(super) struct Ears {
    stats: Arc<Stats>,
    /// What the log had last.
    said: CaptureKind,
    /// Why the last capture failed.
    failed: Option<String>,
}

impl Ears {
    pub(super) fn new(stats: Arc<Stats>) -> Self {
        Self { stats, said: CaptureKind::Monitor, failed: None }
    }

    fn tell(&mut self, kind: CaptureKind, reason: &str, remedy: &'static str) {
        self.stats.set_radio(|r| {
            (r.capture, r.capture_reason, r.capture_remedy) = (kind, reason.to_owned(), remedy);
        });
        if kind != self.said {
            self.said = kind;
            log::capture(kind, reason);
        }
    }

    /// A test's socket in place of the kernel's.
    pub(super) fn inherit(&mut self, fd: OwnedFd) -> Ear {
        self.stats.set_radio(|r| r.state = RadioState::Test);
        match Monitor::inherited(fd) {
            Ok(monitor) => {
                self.tell(CaptureKind::Monitor, "packets come from a test's descriptor", "");
                Ear::Monitor(monitor)
            }
            Err(e) => {
                self.tell(CaptureKind::None, &format!("the test's descriptor is of no use: {e}"), "");
                Ear::Closed(None)
            }
        }
    }

    /// None, as the settings want it: no news for the log.
    pub(super) fn close(&self) -> Ear {
        self.stats.set_radio(|r| {
            (r.capture, r.capture_reason, r.capture_remedy) = (CaptureKind::None, String::new(), "");
        });
        Ear::Closed(None)
    }

    /// None for a while: the one in use failed.
    pub(super) fn lost(&mut self, why: &str) -> Ear {
        self.tell(CaptureKind::None, why, "");
        self.failed = Some(why.to_owned());
        Ear::Closed(Some(Instant::now() + RETRY))
    }

    /// The best capture, if it can be had now.
    pub(super) fn monitor(&mut self) -> Option<Ear> {
        self.try_monitor().ok()
    }

    fn try_monitor(&mut self) -> Result<Ear, Unavailable> {
        let monitor = Monitor::open()?;
        self.tell(CaptureKind::Monitor, "CAP_NET_RAW is there: adverts byte by byte", "");
        Ok(Ear::Monitor(monitor))
    }

    /// The best capture that can be had now. The fallback takes its time: see [`opened`](Self::opened).
    pub(super) fn open(&mut self) -> Ear {
        if let Some(why) = self.failed.take() {
            self.stats.recoveries().count(Rung::Capture);
            tracing::debug!("the capture is opened again: {why}");
        }
        let unavailable = match self.try_monitor() {
            Ok(monitor) => return monitor,
            Err(unavailable) => unavailable,
        };
        let passing = unavailable.passing;
        let signals = Box::pin(async move {
            match timeout(CALL, Signals::open(passing)).await {
                Ok(opened) => opened.map_err(|e| explain_bus(LISTEN, &e)),
                Err(_) => Err(unanswered(LISTEN)),
            }
        });
        Ear::Opening(Opening { signals, opened: None, unavailable })
    }

    /// What came of the fallback.
    pub(super) fn opened(&mut self, opening: Opening) -> Ear {
        let Opening { signals, opened, unavailable } = opening;
        match opened {
            Some(Ok(signals)) => {
                self.tell(CaptureKind::Signals, &unavailable.reason, unavailable.remedy);
                Ear::Signals(signals)
            }
            Some(Err(problem)) => self.lost(&format!("{}; {problem}", unavailable.reason)),
            None => Ear::Opening(Opening { signals, opened, unavailable }),
        }
    }
}
