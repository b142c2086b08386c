//! Steps of the system clock, as the kernel tells them: a time server set it, or somebody did. It costs no wake in between.

use crate::async_fd::register;
use crate::model::BootTime;
use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::unix::AsyncFd;

/// A year: the timer is not for its end. The kernel cancels it when the clock is set.
const TIMER_SECS: i64 = 365 * 86_400;

/// Wakes when somebody sets the wall clock.
#[derive(Debug)]
pub struct Steps {
    timer: AsyncFd<OwnedFd>,
    /// How far the system clock was from the time since boot, in milliseconds.
    ahead: i64,
}

fn ahead() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    wall.saturating_sub(BootTime::now().0)
}

impl Steps {
    /// From now on.
    pub fn watch() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let steps = Self { timer: register(timer)?, ahead: ahead() };
        steps.arm()?;
        Ok(steps)
    }

    fn arm(&self) -> io::Result<()> {
        let now = clock_gettime(ClockId::Realtime);
        let it_value = Timespec { tv_sec: now.tv_sec.saturating_add(TIMER_SECS), ..now };
        let it_interval = Timespec::default();
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(self.timer.get_ref(), flags, &Itimerspec { it_interval, it_value }) {
            // It was set again meanwhile: the timer runs.
            Ok(_) | Err(Errno::CANCELED) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the clock was set, and tells by how many milliseconds. Safe to cancel.
    pub async fn next(&mut self) -> io::Result<i64> {
        loop {
            let mut ready = self.timer.readable().await?;
            match rustix::io::read(self.timer.get_ref(), &mut [0; 8]) {
                Err(Errno::AGAIN | Errno::INTR) => ready.clear_ready(),
                Err(Errno::CANCELED) | Ok(_) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.arm()?;
        Ok(self.moved())
    }

    /// How far the clock moved since it was last asked, in milliseconds. A time server also moves it slowly.
    pub fn moved(&mut self) -> i64 {
        let before = std::mem::replace(&mut self.ahead, ahead());
        self.ahead.saturating_sub(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn steps_do_not_come_by_themselves() {
        let mut steps = Steps::watch().expect("a timer");
        let asked = tokio::time::timeout(Duration::from_millis(20), steps.next()).await;
        assert!(asked.is_err(), "{asked:?}");
        assert!(steps.moved().abs() < 1000);
        // Somebody set it by an hour.
        steps.ahead -= 3_600_000;
        assert!((steps.moved() - 3_600_000).abs() < 1000 && steps.moved().abs() < 1000);
    }
}
