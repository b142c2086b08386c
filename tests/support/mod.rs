//! Pieces that the integration tests share: real processes that end with the test, and waiting with a deadline.
#![allow(dead_code, unused_imports, reason = "each test target uses some of it")]

pub(crate) mod broker;
pub(crate) mod broker_certificates;
pub(crate) mod broker_subscriber;
pub(crate) mod process;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Generous, since machines that run tests are busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until the condition holds; fails the test with `what` at the deadline.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl FnMut() -> bool) {
    within(DEADLINE, what, condition);
}

/// Waits until the condition holds; fails the test with `what` after this time.
#[track_caller]
pub(crate) fn within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A TCP port that is free on the loopback interface just now, and that no outgoing connection will take before it is used:
/// it lies below the range of those. No two calls give the same one.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 61 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 18_000 + u16::try_from(number % 14_000).expect("small");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
