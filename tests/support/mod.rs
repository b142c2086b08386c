//! Pieces that the integration tests share: real processes that end with the test, and waiting with a deadline.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test target uses some of it")]

pub mod air;
pub mod broker;
pub mod broker_certificates;
pub mod broker_subscriber;
pub mod bus;
pub mod busctl;
pub mod cutter;
pub mod datagrams;
pub mod envelopes;
pub mod held;
pub mod identities;
pub mod introspection;
pub mod process;
pub mod rabbit;
pub mod schemas;
pub mod scripted_broker;
pub mod segments;
pub mod service;
pub mod variants;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where the files of the checkout are that tests need, and the program under test. The package of the tests for a device
/// (meta-cassia) says at build time where it puts them there.
pub const ROOT: &str = match option_env!("CASSIA_TEST_ROOT") {
    Some(root) => root,
    None => env!("CARGO_MANIFEST_DIR"),
};
/// See [`ROOT`].
pub const DAEMON: &str = match option_env!("CASSIA_TEST_DAEMON") {
    Some(program) => program,
    None => env!("CARGO_BIN_EXE_cassia-bypassd"),
};

/// Generous, since machines that run tests are busy.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What a look gives: something, or nothing yet.
pub trait Look {
    type Found;
    /// What was found, or what was seen instead.
    fn found(self) -> Result<Self::Found, String>;
}

impl Look for bool {
    type Found = ();
    fn found(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(String::new)
    }
}

impl<T> Look for Option<T> {
    type Found = T;
    fn found(self) -> Result<T, String> {
        self.ok_or_else(String::new)
    }
}

impl<T> Look for Result<T, String> {
    type Found = T;
    fn found(self) -> Self {
        self
    }
}

/// Polls until something is there; fails the test with `what` at the deadline.
#[track_caller]
pub fn eventually<L: Look>(what: &str, look: impl FnMut() -> L) -> L::Found {
    within(DEADLINE, what, look)
}

/// Polls until something is there; fails the test with `what` after this time.
#[track_caller]
pub fn within<L: Look>(limit: Duration, what: &str, mut look: impl FnMut() -> L) -> L::Found {
    let end = Instant::now() + limit;
    loop {
        match look().found() {
            Ok(found) => return found,
            Err(instead) => assert!(Instant::now() < end, "not within {limit:?}: {what} {instead}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A TCP port that is free on the loopback interface just now, and that no outgoing connection will take before it is used:
/// it lies below the range of those. No two calls give the same one.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 61 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 18_000 + u16::try_from(number % 14_000).expect("small");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
