//! Descriptors that tokio waits for. One of few places in the service with `unsafe` code.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use tokio::io::unix::AsyncFd;

/// Registers a descriptor with tokio.
pub(crate) fn register<T: AsRawFd + Into<OwnedFd>>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: what turns into an `OwnedFd` owns its descriptor and gives out the same one until it is dropped; the
    // registration holds it and ends before it does.
    unsafe { AsyncFd::register(owner) }.map_err(io::Error::from)
}
