//! Packets of the monitor channel at a pace, into a socket that holds as much as the kernel's would.
//!
//! Up to 1,000 adverts a second each leaves by itself, evenly spaced. Above that, those that are due leave once a millisecond: a
//! timer is no more exact than that, and a busy controller reports in bursts too.
//!
//! The socket never makes the generator wait. As on the monitor channel, what finds no room is lost, and counted.

use crate::support::air::{Air, packet};
use crate::traffic::Traffic;
use std::ops::Range;
use std::time::{Duration, Instant};

/// What became of what was to be sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Generated {
    /// How long the sending took.
    pub(crate) took: Duration,
    /// What found no room.
    pub(crate) dropped: u64,
    /// The longest that the generator was behind: it then sends what is due at once.
    pub(crate) late: Duration,
}

/// The pace up to which each advert leaves by itself.
const SINGLE: u64 = 1000;
const TICK: Duration = Duration::from_millis(1);

/// Calls `send` for each number at this rate.
pub(crate) fn pace(numbers: Range<u64>, rate: u64, mut send: impl FnMut(u64)) -> (Duration, Duration) {
    let (start, mut next, mut late) = (Instant::now(), numbers.start, Duration::ZERO);
    let due_at = |number: u64| Duration::from_secs_f64((number - numbers.start) as f64 / rate as f64);
    while next < numbers.end {
        let now = start.elapsed();
        late = late.max(now.saturating_sub(due_at(next)));
        while next < numbers.end && due_at(next) <= now {
            send(next);
            next += 1;
        }
        let wait = due_at(next).saturating_sub(start.elapsed());
        std::thread::sleep(if rate > SINGLE { wait.max(TICK) } else { wait });
    }
    (start.elapsed(), late)
}

/// Plays these numbers into the service.
pub(crate) fn play(air: &Air, traffic: &Traffic, numbers: Range<u64>, rate: u64, devices: u16) -> Generated {
    let mut dropped = 0;
    let (took, late) = pace(numbers, rate, |number| {
        let packet = packet(number as u32, devices);
        traffic.send(number);
        dropped += u64::from(!air.try_send(&packet));
    });
    Generated { took, dropped, late }
}
