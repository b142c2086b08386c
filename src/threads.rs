//! How many threads there are. One that the system does not give is an error, and no end of the process.
//!
//! | thread | most |
//! |---|---|
//! | main: D-Bus, scan, tunnels | 1 |
//! | publish | 1 |
//! | `MQTTAsync_send`, `MQTTAsync_rcv` of Paho | 2 |
//! | MQTT clients that are no longer used, each for a second | few |
//! | spool, while it recovers | 1 |
//! | blocking: files, checks, name lookups | [`MAX_BLOCKING`] |
//!
//! The unit's `TasksMax` is far above.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Checks of settings at a time.
pub const MAX_CHECKS: usize = 2;
/// Name lookups at a time, for the connection in use.
pub const MAX_LOOKUPS: usize = 4;
/// Name lookups at a time, for `TestConnection`.
pub const MAX_TEST_LOOKUPS: usize = 4;
/// Threads of the runtime that may block: those above, and two for files. Each lookup may last for as long as the resolver likes.
pub const MAX_BLOCKING: usize = MAX_CHECKS + MAX_LOOKUPS + MAX_TEST_LOOKUPS + 2;
/// All threads: those of the table, with room for MQTT clients that wait for their end.
pub const MAX_THREADS: usize = 32;
/// Blocking threads stay: tokio ends the process when there is none and none can be had.
pub const KEEP_ALIVE: Duration = Duration::from_secs(100 * 365 * 86_400);

const PROBE_STACK: usize = 64 * 1024;

static CHECKS: Semaphore = Semaphore::const_new(MAX_CHECKS);
/// For the connection in use.
pub(crate) static LOOKUPS: Semaphore = Semaphore::const_new(MAX_LOOKUPS);
/// For `TestConnection`.
pub(crate) static TEST_LOOKUPS: Semaphore = Semaphore::const_new(MAX_TEST_LOOKUPS);

/// Whether the system gives so many threads, at the same time.
pub fn available(count: usize) -> io::Result<()> {
    // Each lives until the last one was started, or was not.
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = Arc::new(Mutex::new(ended));
    let probe = |_| {
        let ended = ended.clone();
        let wait = move || drop(ended.lock().map(|ended| ended.recv()));
        thread::Builder::new().name("probe".into()).stack_size(PROBE_STACK).spawn(wait)
    };
    let threads: io::Result<Vec<_>> = (0..count).map(probe).collect();
    drop(end);
    threads?.into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

/// Makes the first of the threads that may block, which stays. Called once, before anything else needs one.
pub async fn prepare() -> io::Result<()> {
    available(1)?;
    spawn_blocking(|| ()).await.map_err(io::Error::other)
}

/// Checks something that may take long, beside the threads that carry adverts.
pub(crate) async fn check<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    limited(&CHECKS, work).await
}

/// Does work that blocks, with its place until it is done, whether or not somebody still waits for it.
pub(crate) async fn limited<T: Send + 'static>(
    places: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let place = places.acquire().await;
    let done = spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    match done.await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime ends.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::mpsc::channel;

    static PLACES: Semaphore = Semaphore::const_new(1);

    #[tokio::test]
    async fn threads_keep_their_place_for_as_long_as_they_work() {
        let (go_on, wait) = channel::<()>();
        let slow = tokio::spawn(limited(&PLACES, move || wait.recv()));
        while PLACES.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // Who waited for it gave up, as a test of a broker does after its time. A resolver does not.
        slow.abort();
        assert!(slow.await.is_err_and(|error| error.is_cancelled()));
        let mut next = Box::pin(limited(&PLACES, || 7));
        assert_eq!((&mut next).now_or_never(), None);
        assert_eq!(PLACES.available_permits(), 0);
        go_on.send(()).expect("it works");
        assert_eq!(next.await, 7);
    }

    #[test]
    fn threads_are_there() {
        available(2).expect("a machine that runs tests gives two threads");
    }
}
