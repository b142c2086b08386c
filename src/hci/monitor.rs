//! Packets of the monitor channel, several with each read.

use super::coalesce::CoalescedSocket;
use super::reader::{PACKETS_PER_READ, Reader};
use super::reports;
use super::unavailable::MonitorUnavailable;
use super::{bpf, socket};
use crate::capture::{Capture, Each, ReadOutcome};
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Packets in a burst: a few hundred microseconds of work, then others get a turn.
const MAX_PACKETS_PER_READ: usize = 256;
/// How often the kernel is asked for the packets that it dropped.
const DROPS_EVERY: Duration = Duration::from_secs(1);

/// Adverts from monitor packets.
pub(crate) struct MonitorChannel {
    socket: CoalescedSocket,
    reader: Reader,
    drops: u32,
    drops_at: Instant,
}

impl MonitorChannel {
    /// Opens the kernel's monitor channel; the error says in words why it cannot be.
    pub(crate) fn open() -> Result<Self, MonitorUnavailable> {
        socket::monitor(&bpf::advert_reports()).and_then(Self::new).map_err(|error| MonitorUnavailable::of(&error))
    }

    /// Takes monitor packets from an inherited datagram or seqpacket socket.
    pub(crate) fn inherited(fd: OwnedFd) -> io::Result<Self> {
        let socket = Socket::from(fd);
        socket.set_nonblocking(true)?;
        Self::new(socket)
    }

    fn new(socket: Socket) -> io::Result<Self> {
        let drops = socket::drops(&socket).unwrap_or(0);
        Ok(Self { socket: CoalescedSocket::new(socket)?, reader: Reader::new(), drops, drops_at: Instant::now() })
    }

    /// Packets dropped by the kernel since the last time that it was asked.
    fn dropped(&mut self, now: Instant) -> u64 {
        if now - self.drops_at < DROPS_EVERY {
            return 0;
        }
        self.drops_at = now;
        let drops = self.socket.get().and_then(socket::drops).unwrap_or(self.drops);
        drops.wrapping_sub(std::mem::replace(&mut self.drops, drops)).into()
    }
}

impl Capture for MonitorChannel {
    async fn ready(&mut self) -> io::Result<()> {
        self.socket.ready().await
    }

    fn take(&mut self, each: &mut Each<'_>) -> io::Result<ReadOutcome> {
        let (mut packets, now) = (0, Instant::now());
        let more = loop {
            let Self { socket, reader, .. } = self;
            let mut parse = |packet: &[u8]| reports::adverts(packet, each);
            match socket.read(|socket| reader.read(socket, &mut parse)) {
                Ok(found) => packets += found,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break false,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            if packets >= MAX_PACKETS_PER_READ {
                break true;
            }
            if packets % PACKETS_PER_READ != 0 && !socket.is_polled() {
                break false;
            }
        };
        match more {
            true => self.socket.mark_unread(),
            false => self.socket.emptied(packets as u32, now)?,
        }
        Ok(ReadOutcome { dropped: self.dropped(now), more })
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets::{legacy, legacy_event};
    use super::*;
    use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
    use tokio::time::timeout;

    #[tokio::test]
    async fn monitor_reads_a_burst_of_several_turns_to_its_end() {
        let flags = SocketFlags::CLOEXEC;
        let (far, near) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).expect("pair");
        let mut monitor = MonitorChannel::inherited(near).expect("registered");
        let packet = legacy_event(0, &[legacy(0, 0, &[1, 2, 3], -9)]);
        let sender = std::thread::spawn(move || {
            (0..20 * MAX_PACKETS_PER_READ)
                .for_each(|_| assert_eq!(send(&far, &packet, SendFlags::empty()), Ok(packet.len())));
            far
        });
        let (mut heard, mut turns) = (0, 0);
        while heard < 20 * MAX_PACKETS_PER_READ {
            timeout(Duration::from_secs(20), monitor.ready()).await.expect("goes on").expect("alive");
            turns += usize::from(monitor.take(&mut |_| heard += 1).expect("alive").more);
        }
        assert!(turns > 0, "not all came at once");
        drop(sender.join());
    }
}
