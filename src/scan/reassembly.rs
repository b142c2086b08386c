//! One advert of the pieces in which a controller reports a long one (extended advertising with chained packets).
//!
//! Pieces of one advert share adapter, address, address type, SID and event type. The data status of each tells whether more
//! is to come (Core 5.4, Vol 4, Part E, 7.7.65.13). A whole advert, and so nearly every one, passes straight through.
//!
//! Nothing in a piece tells which one of its advert it is, and controllers lose pieces, the last ones too. So a piece that begins
//! as its chain began, or comes long after the one before, begins another advert; and what may be the tail of an advert whose
//! chain was cut is never called complete.

use crate::advert::{Address, AddressType, Advert, DataStatus, Extended, Pdu};
use std::time::{Duration, Instant};

/// Chains that may be open; then the oldest has to go.
const CHAINS: usize = 64;
/// Advertising data cannot be longer (Core 5.4, Vol 6, Part B, 2.3.4.9).
const BYTES: usize = 1650;
/// Between two pieces. A packet of 255 bytes takes at most 17 ms (LE Coded, S=8: Core 5.4, Vol 6, Part B, 2.2), and its successor
/// follows 300 us behind it (T_MAFS, 4.1.2) if it is not to get lost; an advertising interval is 20 ms at least and 100 ms as a rule.
const GAP: Duration = Duration::from_millis(50);
/// For a whole chain: 1650 bytes take seven packets.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long the beginning of a chain that was cut is remembered, and for how many of them.
const MEMORY: Duration = Duration::from_secs(1);
const CUTS: usize = 64;
/// Bytes of the first piece that tell a beginning, at most and at least: pieces of one advert hardly repeat so many.
const HEAD: usize = 32;
const LEAST_HEAD: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// Oldest first.
    open: Vec<Chain>,
    /// Chains that ended before their last piece came, the latest last.
    cut: Vec<Cut>,
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

/// How the first piece of a chain began.
#[derive(Debug, Clone, Copy)]
struct Head {
    bytes: [u8; HEAD],
    length: usize,
}

impl Head {
    fn of(data: &[u8]) -> Self {
        let length = data.len().min(HEAD);
        let mut bytes = [0; HEAD];
        bytes[..length].copy_from_slice(&data[..length]);
        Self { bytes, length }
    }

    /// Whether these bytes begin like it.
    fn begins(&self, data: &[u8]) -> bool {
        self.length >= LEAST_HEAD && data.starts_with(&self.bytes[..self.length])
    }
}

#[derive(Debug)]
struct Cut {
    key: Key,
    head: Head,
    at: Instant,
}

#[derive(Debug)]
struct Chain {
    key: Key,
    head: Head,
    since: Instant,
    /// When its last piece came.
    last: Instant,
    /// Its first piece may be the tail of another one.
    headless: bool,
    /// As the last piece had it.
    fields: Extended,
    rssi: i8,
    data: Vec<u8>,
    /// There were more bytes than there can be.
    overlong: bool,
}

impl Chain {
    /// When nothing more is to be expected.
    fn due(&self) -> Instant {
        (self.last + GAP).min(self.since + PATIENCE)
    }

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
        let complete = whole && !self.overlong && !self.headless;
        let status = if complete { DataStatus::Complete } else { DataStatus::Truncated };
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
        if status != DataStatus::Incomplete && self.open.is_empty() && self.cut.is_empty() {
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
        let mut found = self.open.iter().position(|chain| chain.key == key);
        if let Some(i) = found.filter(|i| self.begins_another(*i, piece.data)) {
            self.cut(i, now, each);
            found = None;
        }
        match (found, status) {
            (None, DataStatus::Incomplete) => {
                let headless = self.is_tail(&key, piece.data);
                if self.open.len() >= CHAINS {
                    self.cut(0, now, each);
                }
                let data = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BYTES));
                let (head, fields) = (Head::of(piece.data), *fields);
                let (rssi, overlong) = (piece.rssi, false);
                let mut chain = Chain { key, head, since: now, last: now, headless, fields, rssi, data, overlong };
                chain.add(piece, &fields);
                self.open.push(chain);
            }
            (None, DataStatus::Complete) if self.is_tail(&key, piece.data) => {
                let pdu = Pdu::Extended(fields.with_data_status(DataStatus::Truncated));
                each(&Advert { pdu, ..*piece });
            }
            (None, _) => each(piece),
            (Some(i), _) => {
                self.open[i].add(piece, fields);
                self.open[i].last = now;
                if status != DataStatus::Incomplete {
                    self.close(i, status == DataStatus::Complete, each);
                }
            }
        }
    }

    /// Whether a piece begins as the adverts do that an open chain is one of.
    fn begins_another(&self, index: usize, data: &[u8]) -> bool {
        let Chain { key, head, headless, .. } = &self.open[index];
        let known =
            if *headless { self.cut.iter().find(|cut| cut.key == *key).map(|cut| &cut.head) } else { Some(head) };
        known.is_some_and(|head| head.begins(data))
    }

    /// Whether this may be a later piece of an advert whose chain was cut. It is none if it begins as that one did.
    fn is_tail(&mut self, key: &Key, data: &[u8]) -> bool {
        match self.cut.iter().position(|cut| cut.key == *key) {
            Some(i) if self.cut[i].head.begins(data) => {
                self.cut.remove(i);
                false
            }
            found => found.is_some(),
        }
    }

    /// Ends a chain whose rest did not come, and remembers it for a while.
    fn cut(&mut self, index: usize, now: Instant, each: &mut dyn FnMut(&Advert<'_>)) {
        let Chain { key, head, headless, .. } = self.open[index];
        // Of a headless one the beginning is not known: that of the chain before it still counts.
        if !headless {
            self.cut.retain(|cut| cut.key != key);
            if self.cut.len() >= CUTS {
                self.cut.remove(0);
            }
            self.cut.push(Cut { key, head, at: now });
        }
        self.close(index, false, each);
    }

    /// Hands over what is there of chains whose rest is overdue.
    pub(super) fn expire(&mut self, now: Instant, each: &mut dyn FnMut(&Advert<'_>)) {
        while let Some(i) = self.open.iter().position(|chain| chain.due() <= now) {
            self.cut(i, now, each);
        }
        self.cut.retain(|cut| now.saturating_duration_since(cut.at) < MEMORY);
    }

    /// When the next chain is overdue.
    pub(super) fn due(&self) -> Option<Instant> {
        self.open.iter().map(Chain::due).min()
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
