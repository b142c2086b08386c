//! Made-up advertisements at a chosen rate, each with a number of its own.

use std::io;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::core::Counts;
use crate::{Address, Advert, Controller};

/// A load of advertisements from several devices in turn.
///
/// The data of each is `020106 09FFFFFF dddd nnnnnnnn`: flags and manufacturer
/// data of company 0xFFFF with the device's number and the count of reports sent
/// so far (both little-endian), so whoever gets 0 to `sent - 1` has lost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// How many devices, `C0:FF:EE:00:00:00` onwards.
    #[serde(default = "default_devices")]
    pub devices: u16,
    /// Reports a second; 0 is as fast as possible.
    pub rate: u32,
    /// How many reports; 0 is until stopped.
    #[serde(default)]
    pub count: u64,
    /// Legacy event type.
    #[serde(default = "default_event")]
    pub evt: u16,
}

fn default_devices() -> u16 {
    20
}

/// Not connectable: the kernel holds others back to merge their scan response.
fn default_event() -> u16 {
    3
}

/// What a load or a play did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Done {
    /// Reports by fate.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long it took.
    pub seconds: f64,
}

impl Load {
    /// Number `n` of the load.
    ///
    /// # Panics
    /// Without devices.
    #[must_use]
    pub fn advert(&self, n: u32) -> Advert {
        let device = u16::try_from(n % u32::from(self.devices)).expect("less than devices");
        let [high, low] = device.to_be_bytes();
        let mut data = vec![2, 0x01, 0x06, 9, 0xFF, 0xFF, 0xFF, low, high];
        data.extend_from_slice(&n.to_le_bytes());
        Advert {
            evt: self.evt,
            rssi: -50 - i8::try_from(device % 40).expect("below 40"),
            ..Advert::new(Address([0xC0, 0xFF, 0xEE, 0x00, high, low]), &data)
        }
    }

    /// Runs to the end of the count, or until [`Controller::stop`].
    ///
    /// # Errors
    /// Without devices, or when the kernel does not take an event.
    pub fn run(&self, controller: &Controller) -> io::Result<Done> {
        if self.devices == 0 {
            return Err(io::Error::other("a load needs devices"));
        }
        let stopped = controller.stopped();
        let mut pace = Pace::new(self.rate);
        let mut counts = Counts::default();
        let mut tried = 0;
        while (self.count == 0 || tried < self.count) && !stopped() {
            pace.wait();
            tried += 1;
            // Only what is sent takes a number.
            let number = u32::try_from(counts.sent).map_err(io::Error::other)?;
            counts += controller.report(&[self.advert(number)], false)?;
        }
        Ok(pace.done(counts))
    }
}

/// Keeps a rate on average: late ones are made up for.
#[derive(Debug)]
pub struct Pace {
    start: Instant,
    rate: u32,
    next: u32,
}

impl Pace {
    /// So many a second; 0 is no limit.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self { start: Instant::now(), rate, next: 0 }
    }

    /// Waits for the next turn.
    pub fn wait(&mut self) {
        if self.rate > 0 {
            let due = Duration::from_secs_f64(f64::from(self.next) / f64::from(self.rate));
            std::thread::sleep(due.saturating_sub(self.start.elapsed()));
        }
        self.next = self.next.wrapping_add(1);
    }

    /// The result so far.
    #[must_use]
    pub fn done(&self, counts: Counts) -> Done {
        Done { counts, seconds: self.start.elapsed().as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn numbers_and_devices() {
        let load = Load { devices: 300, rate: 0, count: 0, evt: 3 };
        let advert = load.advert(299 + 300);
        assert_eq!(advert.addr.to_string(), "C0:FF:EE:00:01:2B");
        assert_eq!(hex::encode(&advert.data), "02010609FFFFFF2B0157020000");
        assert_ne!(load.advert(1), load.advert(301));
    }

    #[test]
    fn paces() {
        let mut pace = Pace::new(1000);
        (0..20).for_each(|_| pace.wait());
        assert!(pace.done(Counts::default()).seconds >= 0.019);
    }
}
