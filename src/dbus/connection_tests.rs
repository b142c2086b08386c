//! How many `TestConnection` run at a time. Each has sockets, and a thread while a name is looked up.

use super::error::Error;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};
use zbus::fdo::{self, DBusProxy};
use zbus::message::Header;
use zbus::{BoxDBusError, Connection};

/// At a time.
pub const MAX_CONNECTION_TESTS: usize = 4;
/// Between looks whether the caller is still there.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

static PLACES: Semaphore = Semaphore::const_new(MAX_CONNECTION_TESTS);

/// Runs a test if there is a place for it, for as long as the caller is on the bus.
pub(super) async fn run<T>(
    bus: &Connection,
    by: &Header<'_>,
    test: impl Future<Output = Result<T, Error>>,
) -> Result<T, BoxDBusError> {
    let full = |_| {
        let text = format!(
            "TestConnection: {MAX_CONNECTION_TESTS} tests run, the most at a time: try again when one has ended, \
             within 30 s"
        );
        Error::TooManyTests(text)
    };
    let _place = PLACES.try_acquire().map_err(full)?;
    tokio::select! {
        tested = test => Ok(tested?),
        () = gone(bus, by) => Err(Box::new(fdo::Error::NoReply("TestConnection: the caller is gone".into()))),
    }
}

async fn gone(bus: &Connection, by: &Header<'_>) {
    let (Ok(driver), Some(caller)) = (DBusProxy::new(bus).await, by.sender()) else {
        return std::future::pending().await;
    };
    let mut poll = interval(POLL_INTERVAL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    poll.tick().await;
    loop {
        poll.tick().await;
        if driver.name_has_owner(caller.clone().into()).await.is_ok_and(|there| !there) {
            return;
        }
    }
}
