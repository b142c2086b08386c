//! What the spool holds and costs.

use crate::model::SpoolState;
use std::time::Duration;

/// The spool at one moment: what waits there, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spool {
    /// Whether it works.
    pub state: SpoolState,
    /// Why it does not, for people.
    pub detail: String,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Bytes that there may be.
    pub max_bytes: u64,
    /// Seconds that a message may wait.
    pub max_age: u64,
    /// Segments found damaged since the start.
    pub damaged: u64,
    /// Bytes written to the disk since the start.
    pub written: u64,
    /// Bytes of payload among them.
    pub payload: u64,
}

impl Spool {
    /// Bytes written for each byte of payload; 0 before any.
    pub fn write_ratio(&self) -> f64 {
        if self.payload == 0 { 0.0 } else { self.written as f64 / self.payload as f64 }
    }

    /// How long the free space lasts at so many bytes a second, and no longer than messages may wait.
    pub fn cover(&self, rate: f64) -> Duration {
        if matches!(self.state, SpoolState::Off | SpoolState::MemoryOnly) {
            return Duration::ZERO;
        }
        let free = self.max_bytes.saturating_sub(self.bytes) as f64;
        Duration::from_secs_f64((free / rate).min(self.max_age as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spool_cover_ends_with_the_space_or_the_age() {
        let mut spool =
            Spool { state: SpoolState::Ready, bytes: 400, max_bytes: 1000, max_age: 60, ..Spool::default() };
        let secs = |spool: &Spool, rate| spool.cover(rate).as_secs();
        assert_eq!([secs(&spool, 20.0), secs(&spool, 1.0), secs(&spool, 0.0)], [30, 60, 60]);
        spool.state = SpoolState::Recovering;
        assert_eq!(secs(&spool, 20.0), 30);
        spool.state = SpoolState::MemoryOnly;
        assert_eq!(secs(&spool, 20.0), 0);
        (spool.written, spool.payload) = (11, 10);
        assert!((spool.write_ratio() - 1.1).abs() < 1e-9);
    }
}
