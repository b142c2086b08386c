//! Monitor packets, read in bursts.

use super::super::capture::{Burst, Capture};
use super::super::hci;
use super::socket;
use crate::advert::Advert;
use socket2::Socket;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Packets in a burst: a few hundred microseconds of work, then others get a turn.
const BURST: usize = 256;
/// More than the largest HCI event (257 bytes) with its header.
const PACKET: usize = 512;
/// How often the kernel is asked for the packets that it dropped.
const DROPS_EVERY: Duration = Duration::from_secs(1);

/// Adverts from monitor packets.
pub(in super::super) struct Monitor {
    fd: AsyncFd<Socket>,
    buffer: [u8; PACKET],
    drops: u32,
    drops_at: Instant,
}

impl Monitor {
    /// Opens the kernel's monitor channel; the error says in words why it cannot be.
    pub(in super::super) fn open() -> Result<Self, Unavailable> {
        socket::monitor().and_then(Self::new).map_err(|e| match e.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Unavailable { reason: "CAP_NET_RAW is missing".into(), passing: false },
            Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => Unavailable {
                reason: "the kernel has no Bluetooth (or its module is not loaded)".into(),
                passing: true,
            },
            _ => Unavailable { reason: format!("the monitor channel cannot be opened: {e}"), passing: true },
        })
    }

    /// Takes monitor packets from an inherited datagram or seqpacket socket.
    pub(in super::super) fn inherited(fd: OwnedFd) -> io::Result<Self> {
        let socket = Socket::from(fd);
        socket.set_nonblocking(true)?;
        Self::new(socket)
    }

    fn new(socket: Socket) -> io::Result<Self> {
        let drops = socket::drops(&socket).unwrap_or(0);
        Ok(Self { fd: socket::register(socket)?, buffer: [0; PACKET], drops, drops_at: Instant::now() })
    }

    /// Packets dropped by the kernel since the last time that it was asked.
    fn lost(&mut self) -> u64 {
        if self.drops_at.elapsed() < DROPS_EVERY {
            return 0;
        }
        self.drops_at = Instant::now();
        let drops = socket::drops(self.fd.get_ref()).unwrap_or(self.drops);
        drops.wrapping_sub(std::mem::replace(&mut self.drops, drops)).into()
    }
}

/// The monitor channel cannot be had.
pub(in super::super) struct Unavailable {
    /// For people.
    pub(in super::super) reason: String,
    /// Whether it may be there later.
    pub(in super::super) passing: bool,
}

impl Capture for Monitor {
    async fn ready(&mut self) -> io::Result<()> {
        self.fd.readable().await?.retain_ready();
        Ok(())
    }

    fn take(&mut self, each: &mut dyn FnMut(&Advert<'_>)) -> io::Result<Burst> {
        let mut malformed = 0;
        for _ in 0..BURST {
            match self.fd.try_io(Interest::READABLE, |mut socket| socket.read(&mut self.buffer)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => malformed += hci::adverts(&self.buffer[..length], each),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    return Ok(Burst { malformed, lost: self.lost(), more: false });
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Burst { malformed, lost: self.lost(), more: true })
    }
}
