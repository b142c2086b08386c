//! Whether journald has read what was written to stderr. One of few places in the service with `unsafe` code.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks.
const STEP: Duration = Duration::from_millis(2);

/// Waits until the peer of this stream socket has read all that was written, but no longer than this. Fails at once for what is
/// no such thing.
pub(super) fn wait_read(stream: BorrowedFd<'_>, limit: Duration) -> io::Result<()> {
    let end = Instant::now() + limit;
    while unread(stream)? > 0 {
        if Instant::now() >= end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        sleep(STEP);
    }
    Ok(())
}

/// Bytes that the peer has not read, with what the kernel needs to keep them.
fn unread(stream: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes an int there, or fails, and the descriptor is open.
    let answer = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if answer == 0 { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn stderr_is_waited_for_until_it_is_read() {
        let (mut ours, mut journald) = UnixStream::pair().expect("a pair");
        let long = Duration::from_secs(60);
        wait_read(ours.as_fd(), long).expect("nothing is to be read");
        ours.write_all(b"<3>a line\n").expect("written");
        let late = wait_read(ours.as_fd(), Duration::from_millis(20)).expect_err("nobody reads");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        let reader = std::thread::spawn(move || journald.read(&mut [0; 100]).map(|_| journald));
        wait_read(ours.as_fd(), long).expect("it was read");
        drop(reader.join().expect("no panic").expect("read"));
    }

    #[test]
    fn stderr_that_is_a_file_is_not_waited_for() {
        let file = tempfile::tempfile().expect("a file");
        assert!(wait_read(file.as_fd(), Duration::from_secs(60)).is_err());
    }
}
