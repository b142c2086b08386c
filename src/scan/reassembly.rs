//! One advert of the pieces in which a controller reports a long one (extended advertising with chained packets).
//!
//! Pieces of one advert share adapter, address, address type, SID and event type. The data status of each tells whether more
//! is to come (Core 5.4, Vol 4, Part E, 7.7.65.13). A whole advert, and so nearly every one, passes straight through.

use crate::advert::{Address, AddressType, Advert, DataStatus, Extended, Pdu};
use std::time::{Duration, Instant};

/// Chains that may be open; then the oldest has to go.
const CHAINS: usize = 64;
/// Advertising data cannot be longer (Core 5.4, Vol 6, Part B, 2.3.4.9).
const BYTES: usize = 1650;
/// For a whole chain. Its packets follow each other within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// Oldest first.
    open: Vec<Chain>,
    /// Buffers of chains that are done.
    spare: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    adapter: u16,
    address: Address,
    address_type: AddressType,
    sid: u8,
    event_type: u16,
}

#[derive(Debug)]
struct Chain {
    key: Key,
    since: Instant,
    /// As the last piece had it.
    fields: Extended,
    rssi: i8,
    data: Vec<u8>,
    /// There were more bytes than there can be.
    overlong: bool,
}

impl Chain {
    fn add(&mut self, piece: &Advert<'_>, fields: &Extended) {
        let fits = piece.data.len().min(BYTES - self.data.len());
        self.data.extend_from_slice(&piece.data[..fits]);
        self.overlong |= fits < piece.data.len();
        // 127 is "not known": what an earlier piece told is better.
        let tx_power = if fields.tx_power == 127 { self.fields.tx_power } else { fields.tx_power };
        self.fields = Extended { tx_power, ..*fields };
        if piece.rssi != 127 {
            self.rssi = piece.rssi;
        }
    }

    fn hand_over(&self, whole: bool, each: &mut dyn FnMut(&Advert<'_>)) {
        let status = if whole && !self.overlong { DataStatus::Complete } else { DataStatus::Truncated };
        each(&Advert {
            adapter: self.key.adapter,
            address: self.key.address,
            address_type: self.key.address_type,
            pdu: Pdu::Extended(self.fields.with_data_status(status)),
            rssi: self.rssi,
            data: &self.data,
        });
    }
}

impl Reassembly {
    /// Takes what was heard and hands over what is done by it: as a rule the very same.
    pub(super) fn take(&mut self, piece: &Advert<'_>, now: Instant, each: &mut dyn FnMut(&Advert<'_>)) {
        let Pdu::Extended(fields) = &piece.pdu else { return each(piece) };
        let status = fields.data_status();
        if status != DataStatus::Incomplete && self.open.is_empty() {
            return each(piece);
        }
        self.expire(now, each);
        let key = Key {
            adapter: piece.adapter,
            address: piece.address,
            address_type: piece.address_type,
            sid: fields.sid,
            event_type: fields.with_data_status(DataStatus::Complete).event_type,
        };
        let found = self.open.iter().position(|chain| chain.key == key);
        match (found, status) {
            (None, DataStatus::Incomplete) => {
                if self.open.len() >= CHAINS {
                    self.close(0, false, each);
                }
                let data = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BYTES));
                let mut chain = Chain { key, since: now, fields: *fields, rssi: piece.rssi, data, overlong: false };
                chain.add(piece, fields);
                self.open.push(chain);
            }
            (None, _) => each(piece),
            (Some(i), _) => {
                self.open[i].add(piece, fields);
                if status != DataStatus::Incomplete {
                    self.close(i, status == DataStatus::Complete, each);
                }
            }
        }
    }

    /// Hands over what is there of chains whose rest is overdue.
    pub(super) fn expire(&mut self, now: Instant, each: &mut dyn FnMut(&Advert<'_>)) {
        while self.due().is_some_and(|due| due <= now) {
            self.close(0, false, each);
        }
    }

    /// When the next chain is overdue.
    pub(super) fn due(&self) -> Option<Instant> {
        self.open.first().map(|oldest| oldest.since + PATIENCE)
    }

    /// Hands over what is there of every chain.
    pub(super) fn flush(&mut self, each: &mut dyn FnMut(&Advert<'_>)) {
        while !self.open.is_empty() {
            self.close(0, false, each);
        }
    }

    fn close(&mut self, index: usize, whole: bool, each: &mut dyn FnMut(&Advert<'_>)) {
        let mut chain = self.open.remove(index);
        chain.hand_over(whole, each);
        chain.data.clear();
        self.spare.push(chain.data);
    }
}

#[cfg(test)]
#[path = "reassembly_tests.rs"]
mod tests;
