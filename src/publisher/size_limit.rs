//! How large a packet the broker takes, as far as it is known: told in CONNACK (MQTT 5), or learned from what it closes the
//! connection over (MQTT 3 has no other way to say "too large").

use crate::config::Qos;
use std::time::{Duration, Instant};

/// Messages are not cut below this to find out whether their size is what the broker does not like.
const SMALLEST: usize = 256;

/// After so many closes in a row a message at QoS 0 is suspected.
const SUSPECTED_AFTER: u32 = 3;

/// A broker that closes over a message does so within this time.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);

/// All sizes are of whole PUBLISH packets. One for each broker, as long as its settings hold.
#[derive(Debug, Default)]
pub(super) struct SizeLimit {
    /// Of the present connection.
    told: Option<usize>,
    /// Largest that it acknowledged.
    accepted: usize,
    /// Smallest over which it closed the connection while nothing else was on its way.
    closed_over: Option<usize>,
    /// Where messages are cut because of it.
    cut: Option<usize>,
    /// It acknowledged a smaller one afterwards: the size it was.
    proven: bool,
    /// Connections in a row that it closed right after a message that it does not acknowledge (QoS 0).
    closed_after: u32,
    /// The largest such message of a connection: the size of its packet, and when it went.
    unacknowledged: Option<(usize, Instant)>,
}

impl SizeLimit {
    /// A connection was made; the broker told its limit, or none.
    pub(super) fn connected(&mut self, told: Option<usize>) {
        self.told = told;
    }

    /// Packets are to be no larger than this, if they can be made so.
    pub(super) fn maximum(&self) -> Option<usize> {
        self.told.into_iter().chain(self.cut).min()
    }

    /// The largest that it takes, once that is sure; and why it is.
    pub(super) fn known(&self) -> Option<(usize, &'static str)> {
        let maximum = self.maximum()?;
        match self.told {
            Some(told) if told == maximum => Some((told, "it says so when it accepts us")),
            _ => self.proven.then_some((maximum, "it closes the connection over larger ones")),
        }
    }

    /// Whether a packet of this size is not even to be tried.
    pub(super) fn excludes(&self, size: usize) -> bool {
        self.told.is_some_and(|told| size > told) || (self.proven && self.closed_over.is_some_and(|over| size >= over))
    }

    /// It acknowledged a packet of this size.
    pub(super) fn acknowledged(&mut self, size: usize) {
        self.accepted = self.accepted.max(size);
        self.closed_after = 0;
        match self.closed_over {
            Some(over) if size >= over => self.forget(),
            Some(_) => {
                self.proven = true;
                self.cut = self.cut.map(|cut| cut.max(size));
            }
            None => {}
        }
    }

    /// It closed the connection over a packet of this size that can be cut. True if smaller ones are worth a trial.
    pub(super) fn closed_over(&mut self, size: usize) -> bool {
        // It took as large a one.
        if size <= self.accepted {
            return false;
        }
        let size = self.closed_over.map_or(size, |over| over.min(size));
        let smaller = if self.accepted >= size / 4 { self.accepted } else { size / 4 };
        if smaller < SMALLEST || self.cut.is_some_and(|cut| cut <= smaller) {
            return false;
        }
        (self.closed_over, self.cut, self.proven) = (Some(size), Some(smaller), false);
        true
    }

    /// A packet of this size went at QoS 0.
    pub(super) fn went_unacknowledged(&mut self, size: usize) {
        if self.unacknowledged.is_none_or(|(known, _)| size > known) {
            self.unacknowledged = Some((size, Instant::now()));
        }
    }

    /// The broker said something at this time: it lives on after what went at QoS 0 before.
    pub(super) fn survived(&mut self, heard: Instant) {
        // An answer to what came before it may be as late as that.
        if let Some((size, _)) = self.unacknowledged.take_if(|(_, at)| *at + CLOSES_WITHIN < heard) {
            self.acknowledged(size);
        }
    }

    /// The connection was lost; `closed` if the broker closed it. True if that was over a packet at QoS 0 and smaller ones are tried.
    pub(super) fn lost(&mut self, closed: bool) -> bool {
        let last = self.unacknowledged.take();
        last.is_some_and(|(size, at)| closed && at.elapsed() < CLOSES_WITHIN && self.closed_after(size))
    }

    /// It closed the connection right after a message of this size at QoS 0. True if smaller ones are tried from now on.
    fn closed_after(&mut self, size: usize) -> bool {
        self.closed_after += 1;
        if self.closed_after < SUSPECTED_AFTER {
            return false;
        }
        self.closed_after = 0;
        self.closed_over(size)
    }

    /// The same of one that cannot be cut: it says so (`certain`), or smaller ones got through.
    pub(super) fn refused(&mut self, size: usize, certain: bool) {
        if size > self.accepted && (certain || self.accepted > 0) {
            let over = self.closed_over.map_or(size, |over| over.min(size));
            let cut = self.cut.unwrap_or(over - 1).max(self.accepted).min(over - 1);
            (self.closed_over, self.cut, self.proven) = (Some(over), Some(cut), true);
        }
    }

    /// It was something else: nothing is learned any more.
    pub(super) fn forget(&mut self) {
        (self.closed_over, self.cut, self.proven) = (None, None, false);
    }
}

/// Bytes of a PUBLISH packet.
pub(super) fn packet(topic: usize, payload: usize, qos: Qos, mqtt5: bool) -> usize {
    let id = if qos == Qos::AtMostOnce { 0 } else { 2 };
    let remaining = 2 + topic + id + usize::from(mqtt5) + payload;
    // The length takes seven bits a byte.
    let length = match remaining {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    };
    1 + length + remaining
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_limit_is_what_the_broker_tells() {
        let mut limit = SizeLimit::default();
        assert_eq!((limit.maximum(), limit.excludes(usize::MAX)), (None, false));
        limit.connected(Some(1000));
        assert_eq!(limit.maximum(), Some(1000));
        assert!(limit.excludes(1001) && !limit.excludes(1000));
        limit.connected(None);
        assert_eq!(limit.maximum(), None);
    }

    #[test]
    fn size_limit_is_learned_once_a_smaller_packet_gets_through() {
        let mut limit = SizeLimit::default();
        assert!(limit.closed_over(30_000));
        assert_eq!((limit.maximum(), limit.known()), (Some(7_500), None));
        assert!(!limit.excludes(30_000), "it may be something else");
        limit.acknowledged(7_400);
        assert!(limit.excludes(30_000) && !limit.excludes(29_999));
        assert_eq!(limit.known().map(|(size, _)| size), Some(7_500));
        // One that could not be cut gets through.
        limit.acknowledged(9_000);
        assert_eq!(limit.maximum(), Some(9_000));
        limit.acknowledged(30_000);
        assert_eq!((limit.maximum(), limit.excludes(40_000)), (None, false));
    }

    #[test]
    fn size_limit_goes_down_to_what_got_through_before_and_not_below_reason() {
        let mut limit = SizeLimit::default();
        limit.acknowledged(20_000);
        assert!(!limit.closed_over(20_000), "it took as large a one");
        assert!(limit.closed_over(30_000));
        assert_eq!(limit.maximum(), Some(20_000));
        let mut limit = SizeLimit::default();
        let mut size = 30_000;
        while limit.closed_over(size) {
            size = limit.maximum().expect("cut");
        }
        assert!((SMALLEST..4 * SMALLEST).contains(&size), "{size}");
        limit.forget();
        assert_eq!(limit.maximum(), None);
    }

    #[test]
    fn size_limit_of_what_cannot_be_cut_needs_a_smaller_one_that_got_through() {
        let mut limit = SizeLimit::default();
        limit.refused(5_000, false);
        assert!(!limit.excludes(5_000));
        limit.acknowledged(10);
        limit.refused(5_000, false);
        assert!(limit.excludes(5_000) && !limit.excludes(4_999));
        assert_eq!(limit.maximum(), Some(4_999));
        let mut limit = SizeLimit::default();
        limit.refused(5_000, true);
        assert!(limit.excludes(5_000));
    }

    #[test]
    fn size_limit_at_qos_0_is_learned_from_closes_in_a_row() {
        let mut limit = SizeLimit::default();
        assert!(!limit.closed_after(30_000) && !limit.closed_after(30_000));
        limit.acknowledged(100);
        assert!(!limit.closed_after(30_000) && !limit.closed_after(30_000) && limit.closed_after(30_000));
        assert_eq!(limit.maximum(), Some(7_500));
    }

    #[test]
    fn size_of_a_packet_counts_topic_and_header() {
        // 0x32, length, 2 + 5 topic, 2 id, payload.
        assert_eq!(packet(5, 10, Qos::AtLeastOnce, false), 2 + 7 + 2 + 10);
        assert_eq!(packet(5, 10, Qos::AtMostOnce, true), 2 + 7 + 1 + 10);
        assert_eq!(packet(5, 127 - 9, Qos::AtLeastOnce, false), 2 + 127);
        assert_eq!(packet(5, 128 - 9, Qos::AtLeastOnce, false), 3 + 128);
        for payload in [0, 1_000, 100_000, 10_000_000] {
            assert!(packet(5, payload, Qos::ExactlyOnce, true) <= payload + crate::mqtt::packet::overhead(5));
        }
    }
}
