//! How far a TCP connection has got, as the kernel counts: what the peer acknowledged. A write that takes long is no stall as
//! long as that grows.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;

/// A socket whose progress is watched. Keeps the socket open.
#[derive(Debug)]
pub(crate) struct TcpProgress {
    socket: Option<OwnedFd>,
    acknowledged: Mutex<u64>,
}

/// Where `struct tcp_info` of <linux/tcp.h> has `tcpi_unacked` and, since Linux 4.1, `tcpi_bytes_acked`.
const UNACKED: usize = 24;
const BYTES_ACKED: usize = 120;
const LENGTH: usize = BYTES_ACKED + 8;

impl TcpProgress {
    /// Of this socket.
    pub(crate) fn of(socket: BorrowedFd<'_>) -> Self {
        Self { socket: socket.try_clone_to_owned().ok(), acknowledged: Mutex::new(0) }
    }

    /// Packets that the peer has not acknowledged, and bytes that it has.
    fn info(&self) -> Option<(u32, u64)> {
        let (mut info, mut length) = ([0u8; LENGTH], LENGTH as libc::socklen_t);
        let socket = self.socket.as_ref()?.as_raw_fd();
        // SAFETY: the kernel writes no more than `length` bytes into `info`, which has as many, and the socket is open.
        let failed = unsafe {
            libc::getsockopt(socket, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &mut length)
        };
        if failed != 0 || (length as usize) < LENGTH {
            return None;
        }
        let unacked = u32::from_ne_bytes(*info[UNACKED..].first_chunk()?);
        Some((unacked, u64::from_ne_bytes(*info[BYTES_ACKED..].first_chunk()?)))
    }

    /// Whether the peer acknowledged something since the last call.
    pub(crate) fn advanced(&self) -> bool {
        let Some((_, now)) = self.info() else { return false };
        let mut known = self.acknowledged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        now > std::mem::replace(&mut *known, now)
    }

    /// Whether it did, and has more to acknowledge: what was sent last may still be on its way.
    pub(crate) fn advances(&self) -> bool {
        self.advanced() && self.info().is_some_and(|(unacked, _)| unacked > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    #[test]
    fn tcp_progress_is_what_the_peer_acknowledged() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let mut ours = TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
        let (mut theirs, _) = listener.accept().expect("accepts");
        let progress = TcpProgress::of(ours.as_fd());
        progress.advanced();
        assert!(!progress.advanced());
        ours.write_all(&[1; 100]).expect("taken");
        theirs.read_exact(&mut [0; 100]).expect("arrives");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !progress.advanced() {
            assert!(std::time::Instant::now() < end, "it is acknowledged");
            std::thread::yield_now();
        }
        assert!(!progress.advanced() && !progress.advances());
        // Until no window is left.
        ours.set_nonblocking(true).expect("set");
        while ours.write(&[1; 10_000]).is_ok() {}
        progress.advanced();
        assert!(!progress.advances(), "a peer that reads nothing stalls");
    }
}
