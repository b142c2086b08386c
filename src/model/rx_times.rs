//! When the items of a message were received, kept beside its payload until it is sent.

use super::BootTime;
use serde::{Deserialize, Serialize};
use std::iter::repeat_n;

/// Items received in the same millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// How many.
    pub items: u16,
    /// Milliseconds after the first item of the message.
    pub after: u32,
}

/// One time for each item, in their order. Without any they are not known.
///
/// Most messages hold what one read of the capture brought: that takes no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RxTimes {
    first: BootTime,
    items: u16,
    later: Vec<Run>,
}

impl RxTimes {
    /// From its parts, as [`parts`](Self::parts) gives them.
    pub fn new(first: BootTime, items: u16, later: Vec<Run>) -> Self {
        Self { first, items, later }
    }

    /// The first time, how many items have it, and the rest.
    pub fn parts(&self) -> (BootTime, u16, &[Run]) {
        (self.first, self.items, &self.later)
    }

    /// Adds an item, received no earlier than those before it.
    pub fn push(&mut self, at: BootTime) {
        if self.items == 0 {
            (self.first, self.items) = (at, 1);
            return;
        }
        let last = self.later.last().map_or(0, |run| run.after);
        let after = u32::try_from(at.since(self.first)).unwrap_or(if at < self.first { 0 } else { u32::MAX }).max(last);
        let run = match self.later.last_mut() {
            Some(run) => &mut run.items,
            None => &mut self.items,
        };
        match (after == last).then(|| run.checked_add(1)).flatten() {
            Some(items) => *run = items,
            None => self.later.push(Run { items: 1, after }),
        }
    }

    /// The time of the oldest item, if it is known.
    pub fn oldest(&self) -> Option<BootTime> {
        (self.items > 0).then_some(self.first)
    }

    /// The time of the newest item, if it is known.
    pub fn newest(&self) -> Option<BootTime> {
        let last = self.later.last().map_or(0, |run| run.after);
        self.oldest().map(|first| first.plus(last.into()))
    }

    /// Of each item.
    pub fn iter(&self) -> impl Iterator<Item = BootTime> {
        let later = self.later.iter().map(|run| (self.first.plus(run.after.into()), run.items));
        std::iter::once((self.first, self.items)).chain(later).flat_map(|(at, items)| repeat_n(at, items.into()))
    }

    /// The same on the clock of another boot.
    pub fn shifted(mut self, millis: i64) -> Self {
        self.first = self.first.plus(millis);
        self
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.later.capacity() * size_of::<Run>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(at: &[i64]) -> RxTimes {
        let mut times = RxTimes::default();
        at.iter().for_each(|at| times.push(BootTime(*at)));
        times
    }

    #[test]
    fn rx_times_of_one_read_need_no_heap() {
        let info = allocation_counter::measure(|| drop(times(&[7; 1000])));
        assert_eq!(info.count_total, 0);
        assert_eq!(times(&[7; 1000]).iter().count(), 1000);
    }

    #[test]
    fn rx_times_never_go_back_and_none_are_unknown() {
        assert_eq!((times(&[]).oldest(), times(&[]).newest(), times(&[]).iter().count()), (None, None, 0));
        let turned: Vec<_> = times(&[5, 9, 3, i64::MAX]).iter().map(|at| at.0).collect();
        assert_eq!(turned, [5, 9, 9, 5 + i64::from(u32::MAX)]);
    }

    proptest! {
        #[test]
        fn rx_times_are_those_pushed(start in -1_000_000i64..1_000_000, steps in prop::collection::vec(0i64..3, 0..300), shift in -9_000i64..9_000) {
            let mut at = start;
            let pushed: Vec<_> = steps.iter().map(|step| { at += step; at }).collect();
            let times = times(&pushed);
            prop_assert_eq!(times.iter().map(|at| at.0).collect::<Vec<_>>(), &pushed[..]);
            prop_assert_eq!((times.oldest(), times.newest()), (pushed.first().map(|a| BootTime(*a)), pushed.last().map(|a| BootTime(*a))));
            let (first, items, later) = times.parts();
            prop_assert_eq!(&RxTimes::new(first, items, later.to_vec()), &times);
            prop_assert_eq!(times.clone().shifted(shift).iter().map(|at| at.0 - shift).collect::<Vec<_>>(), pushed);
        }
    }
}
