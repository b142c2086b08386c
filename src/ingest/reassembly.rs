//! One advert of the pieces in which a controller reports a long one (extended advertising with chained packets).
//!
//! Pieces of one advert share adapter, address, address type, SID and event type. The data status of each tells whether more
//! is to come (Core 5.4, Vol 4, Part E, 7.7.65.13). A whole advert, and so nearly every one, passes straight through.
//!
//! Some controllers never report the rest of a chain, and any may lose it. So a piece starts another advert when it comes too
//! late for the chain, or begins as the chain began. What may be the tail of a chain that was cut is never `Complete`.

use crate::model::{Address, AddressType, Advert, DataStatus, Extended, Pdu, ad_structures};
use std::time::{Duration, Instant};

/// Chains that may be open, and chains that were cut and are remembered; then the oldest has to go.
const MAX_CHAINS: usize = 64;
/// Advertising data cannot be longer (Core 5.4, Vol 6, Part B, 2.3.4.9).
const MAX_DATA: usize = 1650;
/// Between two pieces. The longest packet takes 17.04 ms on the air (Vol 6, Part B, 2.4: LE Coded, S=8), and the next one
/// follows it after 0.3 ms (T_MAFS, 4.1.3). A slow UART takes 22 ms for a piece.
const MAX_GAP: Duration = Duration::from_millis(50);
/// For a whole chain, and how long a chain that was cut is remembered.
const MAX_CHAIN: Duration = Duration::from_secs(1);
/// Bytes of its first piece by which the beginning of an advert is known again; fewer than the least prove nothing.
const HEAD: usize = 32;
const MIN_HEAD: usize = 3;

/// When a piece arrived. It may have waited in the socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    /// When the socket was last known to be empty.
    pub(super) earliest: Instant,
    /// When the piece was read.
    pub(super) latest: Instant,
}

impl Received {
    /// Exactly then.
    #[cfg(any(test, fuzzing))]
    pub(super) fn at(now: Instant) -> Self {
        Self { earliest: now, latest: now }
    }
}

/// Chains that are open, one for each advertiser.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// The one whose last piece is the oldest comes first.
    open: Vec<Chain>,
    /// Chains that were cut lately, oldest first.
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

/// How an advert began.
#[derive(Debug, Clone, Copy)]
struct Head {
    bytes: [u8; HEAD],
    length: usize,
}

impl Head {
    fn of(data: &[u8]) -> Self {
        let (mut bytes, length) = ([0; HEAD], data.len().min(HEAD));
        bytes[..length].copy_from_slice(&data[..length]);
        Self { bytes, length }
    }

    /// Whether data begins the same way. Padding looks like this anywhere in an advert, so it proves nothing.
    fn begins(&self, data: &[u8]) -> bool {
        let length = self.length.min(data.len());
        let same = &self.bytes[..length];
        length >= MIN_HEAD && data.starts_with(same) && same.iter().any(|byte| *byte != same[0])
    }
}

/// A chain that ended before its time: its rest may still come.
#[derive(Debug)]
struct Cut {
    key: Key,
    head: Head,
    last: Instant,
}

impl Cut {
    /// Whether a piece starts another advert, rather than being more of this one.
    fn is_over(&self, piece: &Advert<'_>, status: DataStatus, at: Received) -> bool {
        let late = at.earliest.saturating_duration_since(self.last) >= MAX_GAP;
        // The beginning of a chain is not known by its form; a whole advert is.
        self.head.begins(piece.data) || late && (status == DataStatus::Incomplete || well_formed(piece.data))
    }
}

/// Whether AD structures fill the data to its end, or to its padding.
fn well_formed(data: &[u8]) -> bool {
    let filled: usize = ad_structures(data).map(|(_, value)| value.len() + 2).sum();
    data[filled..].iter().all(|byte| *byte == 0)
}

#[derive(Debug)]
struct Chain {
    key: Key,
    head: Head,
    /// When the first piece came, and the last one.
    since: Instant,
    last: Instant,
    /// As the last piece had it.
    fields: Extended,
    rssi: i8,
    data: Vec<u8>,
    /// There were more bytes than there can be, or it is the tail of a chain that was cut.
    partial: bool,
}

impl Chain {
    fn add(&mut self, piece: &Advert<'_>, fields: &Extended, at: Received) {
        self.last = at.latest;
        let fits = piece.data.len().min(MAX_DATA - self.data.len());
        self.data.extend_from_slice(&piece.data[..fits]);
        self.partial |= fits < piece.data.len();
        // 127 is "not known": what an earlier piece told is better.
        let tx_power = if fields.tx_power == 127 { self.fields.tx_power } else { fields.tx_power };
        self.fields = Extended { tx_power, ..*fields };
        if piece.rssi != 127 {
            self.rssi = piece.rssi;
        }
    }

    fn hand_over(&self, whole: bool, each: &mut dyn FnMut(&Advert<'_>)) {
        let status = if whole && !self.partial { DataStatus::Complete } else { DataStatus::Truncated };
        each(&Advert {
            adapter: self.key.adapter,
            address: self.key.address,
            address_type: self.key.address_type,
            pdu: Pdu::Extended(self.fields.with_data_status(status)),
            rssi: self.rssi,
            data: &self.data,
        });
    }

    fn due(&self) -> Instant {
        (self.last + MAX_GAP).min(self.since + MAX_CHAIN)
    }
}

impl Reassembly {
    /// Takes what was heard and hands over what is done by it: as a rule the very same.
    pub(super) fn take(&mut self, piece: &Advert<'_>, at: Received, each: &mut dyn FnMut(&Advert<'_>)) {
        let Pdu::Extended(fields) = &piece.pdu else { return each(piece) };
        let status = fields.data_status();
        if status != DataStatus::Incomplete && self.open.is_empty() && self.cut.is_empty() {
            return each(piece);
        }
        self.expire(at.earliest, each);
        let key = Key {
            adapter: piece.adapter,
            address: piece.address,
            address_type: piece.address_type,
            sid: fields.sid,
            event_type: fields.with_data_status(DataStatus::Complete).event_type,
        };
        if let Some(place) = self.open.iter().position(|chain| chain.key == key) {
            if !self.open[place].head.begins(piece.data) {
                return self.add(place, piece, fields, at, each);
            }
            // Nothing of the old one is to come any more.
            self.close(place, false, each);
        }
        let cut = self.cut.iter().position(|cut| cut.key == key).map(|place| self.cut.remove(place));
        let tail = cut.filter(|cut| !cut.is_over(piece, status, at));
        if status != DataStatus::Incomplete && tail.is_none() {
            return each(piece);
        }
        if self.open.len() >= MAX_CHAINS {
            self.cut_off(0, each);
        }
        self.open.push(Chain {
            key,
            head: tail.as_ref().map_or_else(|| Head::of(piece.data), |cut| cut.head),
            since: at.latest,
            last: at.latest,
            fields: *fields,
            rssi: piece.rssi,
            data: self.spare.pop().unwrap_or_else(|| Vec::with_capacity(MAX_DATA)),
            partial: tail.is_some(),
        });
        self.add(self.open.len() - 1, piece, fields, at, each);
    }

    fn add(
        &mut self,
        place: usize,
        piece: &Advert<'_>,
        fields: &Extended,
        at: Received,
        each: &mut dyn FnMut(&Advert<'_>),
    ) {
        self.open[place].add(piece, fields, at);
        match fields.data_status() {
            DataStatus::Incomplete => self.open[place..].rotate_left(1),
            status => self.close(place, status == DataStatus::Complete, each),
        }
    }

    /// Hands over what is there of chains whose rest is overdue.
    pub(super) fn expire(&mut self, now: Instant, each: &mut dyn FnMut(&Advert<'_>)) {
        while let Some(place) = self.open.iter().position(|chain| chain.due() <= now) {
            self.cut_off(place, each);
        }
        self.cut.retain(|cut| cut.last + MAX_CHAIN > now);
    }

    /// When the next chain is overdue.
    pub(super) fn due(&self) -> Option<Instant> {
        self.open.iter().map(Chain::due).min()
    }

    /// Hands over what is there of every chain.
    pub(super) fn flush(&mut self, each: &mut dyn FnMut(&Advert<'_>)) {
        while !self.open.is_empty() {
            self.cut_off(0, each);
        }
    }

    /// Closes a chain whose rest may still come.
    fn cut_off(&mut self, place: usize, each: &mut dyn FnMut(&Advert<'_>)) {
        let Chain { key, head, last, .. } = self.open[place];
        if self.cut.len() >= MAX_CHAINS {
            self.cut.remove(0);
        }
        self.cut.push(Cut { key, head, last });
        self.close(place, false, each);
    }

    fn close(&mut self, place: usize, whole: bool, each: &mut dyn FnMut(&Advert<'_>)) {
        let mut chain = self.open.remove(place);
        chain.hand_over(whole, each);
        chain.data.clear();
        self.spare.push(chain.data);
    }
}

#[cfg(test)]
#[path = "reassembly_tests.rs"]
mod tests;
