//! When the socket is read: at once when a packet comes, or, where packets come close together, every few milliseconds.
//!
//! To be woken for a packet costs tens of times the work on it, so packets are left to gather in the socket. It has to be out
//! of the runtime's poll set meanwhile: there each packet would wake the thread, whether anybody waits for it or not.

use crate::async_fd::register;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Longest time to gather: far below what a batch waits for (`PushIntervalMs`).
const MAX_DELAY: Duration = Duration::from_millis(20);
/// Packets that come closer together than this gather.
const MAX_INTERVAL: Duration = Duration::from_millis(5);
/// Packets that may gather. The socket's buffer holds some hundreds with the kernel's default `rmem_max`.
const MAX_PACKETS: u32 = 64;

/// A socket that is read when packets have gathered, or at once after a pause.
pub(super) struct CoalescedSocket {
    socket: Option<Watch>,
    /// The runtime's own timers cost two more system calls each time.
    timer: AsyncFd<OwnedFd>,
    looked: Instant,
    /// There are more packets already.
    more: bool,
}

enum Watch {
    Polled(AsyncFd<Socket>),
    Delayed(Socket),
}

impl CoalescedSocket {
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let socket = Some(Watch::Polled(register(socket)?));
        Ok(Self { socket, timer: register(timer)?, looked: Instant::now(), more: false })
    }

    pub(super) fn get(&self) -> io::Result<&Socket> {
        match &self.socket {
            Some(Watch::Polled(fd)) => Ok(fd.get_ref()),
            Some(Watch::Delayed(socket)) => Ok(socket),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Waits until it is time to look. Safe to cancel.
    pub(super) async fn ready(&self) -> io::Result<()> {
        match &self.socket {
            _ if self.more => {}
            Some(Watch::Polled(fd)) => fd.readable().await?.retain_ready(),
            Some(Watch::Delayed(_)) => self.timer.readable().await?.clear_ready(),
            None => return Err(ErrorKind::NotConnected.into()),
        }
        Ok(())
    }

    /// Reads without waiting.
    pub(super) fn read(&self, read: impl FnOnce(&Socket) -> io::Result<usize>) -> io::Result<usize> {
        match &self.socket {
            Some(Watch::Polled(fd)) => fd.try_io(Interest::READABLE, read),
            _ => read(self.get()?),
        }
    }

    /// Whether the runtime still takes the socket for readable until a read finds nothing.
    pub(super) fn is_polled(&self) -> bool {
        matches!(self.socket, Some(Watch::Polled(_)))
    }

    /// Not all packets were taken.
    pub(super) fn mark_unread(&mut self) {
        self.more = true;
    }

    /// So many packets were found, and no more are there: decides when to look again.
    pub(super) fn emptied(&mut self, packets: u32, now: Instant) -> io::Result<()> {
        self.more = false;
        let since = now - std::mem::replace(&mut self.looked, now);
        let pause = pause(packets, since);
        if let Some(pause) = pause {
            self.arm_timer(pause)?;
        }
        self.socket = match (self.socket.take(), pause) {
            (Some(Watch::Polled(fd)), Some(_)) => Some(Watch::Delayed(fd.into_inner())),
            // The registration itself reports what came meanwhile.
            (Some(Watch::Delayed(socket)), None) => Some(Watch::Polled(register(socket)?)),
            (as_before, _) => as_before,
        };
        Ok(())
    }

    fn arm_timer(&self, pause: Duration) -> io::Result<()> {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Timespec { tv_nsec: pause.subsec_nanos().max(1).into(), ..never };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: never, it_value: once })?;
        Ok(())
    }
}

/// How long packets are to gather, if they come fast enough that it pays.
fn pause(packets: u32, since: Duration) -> Option<Duration> {
    let worth = since < MAX_INTERVAL * packets;
    worth.then(|| MAX_DELAY.min(since * MAX_PACKETS / packets))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn single_packets_wake_us_and_streams_gather() {
        assert_eq!(pause(1, 50 * MS), None, "20 a second");
        assert_eq!(pause(1, 5 * MS), None, "200 a second");
        assert_eq!(pause(1, MS), Some(MAX_DELAY), "1,000 a second, woken for each");
        assert_eq!(pause(10, 10 * MS), Some(MAX_DELAY), "1,000 a second, gathered");
        assert_eq!(pause(0, MAX_DELAY), None, "nothing any more");
        assert_eq!(pause(1, MAX_DELAY), None, "hardly anything");
    }

    #[test]
    fn coalescing_gathers_no_more_than_the_socket_holds() {
        for per_second in [5_000, 10_000, 50_000, 100_000] {
            let pause = pause(per_second / 100, 10 * MS).expect("worth it");
            let gathered = pause.as_secs_f64() * f64::from(per_second);
            assert!((60.0..=64.5).contains(&gathered), "{gathered} of {per_second}");
        }
    }

    #[tokio::test]
    async fn coalescing_misses_nothing_when_the_rate_changes() {
        let (near, far) = Socket::pair(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None).expect("pair");
        near.set_nonblocking(true).expect("nonblocking");
        let mut paced = CoalescedSocket::new(near).expect("registered");
        let mut taken = 0;
        for round in 0..60u32 {
            // Streams, single packets, and some that come while the socket is not watched.
            for _ in 0..[1, 20, 3][(round % 3) as usize] {
                far.send(b"packet").expect("send");
            }
            let expected = taken + [1, 20, 3][(round % 3) as usize];
            while taken < expected {
                let found = tokio::time::timeout(Duration::from_secs(20), paced.ready()).await;
                found.expect("told").expect("alive");
                let mut packets = 0;
                while paced.read(|mut socket| io::Read::read(&mut socket, &mut [0; 16])).is_ok() {
                    packets += 1;
                }
                taken += packets;
                paced.emptied(packets, Instant::now()).expect("registered");
            }
        }
        assert!(matches!(paced.socket, Some(Watch::Polled(_) | Watch::Delayed(_))));
    }
}
