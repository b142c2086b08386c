//! The time since boot, which nobody sets, and the boot that it counts from.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since this boot, time asleep included (CLOCK_BOOTTIME). Below zero: before this boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BootTime(pub i64);

impl BootTime {
    /// At this moment.
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        Self(now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000))
    }

    /// Milliseconds from another time to this one.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// So many milliseconds later.
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Which boot this is, by the kernel's random boot id. A [`BootTime`] means nothing without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootId(pub [u8; 16]);

impl BootId {
    /// Of this boot, if it can be known. The unit hides the file of the kernel, and gives the id in `BOOT_ID`.
    pub fn current() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        text.or_else(|_| std::env::var("BOOT_ID").map_err(drop)).ok().and_then(|text| Self::parse(&text))
    }

    /// From 32 hex digits, with or without `-` between them.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.trim().bytes().filter(|byte| *byte != b'-').collect();
        let digits: &[u8; 32] = digits.as_slice().try_into().ok()?;
        let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u128::from_str_radix(text, 16).ok().map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_id_is_the_kernels_with_or_without_dashes() {
        let dashed = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("Linux");
        let id = BootId::current().expect("an id");
        assert_eq!(id.to_string(), dashed.trim().replace('-', ""));
        assert_eq!(BootId::parse(&id.to_string()), Some(id));
        for bad in ["", "0123", &"+".repeat(32), &"0".repeat(33), &"\u{e4}".repeat(16)] {
            assert_eq!(BootId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn boot_time_goes_on() {
        let (first, second) = (BootTime::now(), BootTime::now());
        assert!(first.0 > 0 && second.since(first) >= 0);
    }
}
