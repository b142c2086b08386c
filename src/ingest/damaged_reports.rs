//! Damaged reports: when so many of an adapter's reports are no adverts that somebody has to be told. Pure: told the time.

use crate::capture::{Malformed, UNKNOWN};
use crate::model::MalformedReason;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Over how long the share is taken.
const WINDOW: Duration = Duration::from_secs(10);
/// It begins with at least so many damaged reports that are more than one of so many, and ends when they have been at most one of
/// so many for so long. A few are noise; a share between the two changes nothing.
const MIN_DAMAGED: u64 = 20;
const BEGIN_RATIO: u64 = 10;
const END_RATIO: u64 = 20;
const CALM_TIME: Duration = Duration::from_secs(30);

/// Two adapters whose indexes differ by this share a count.
const SLOTS: usize = 64;

/// Reports so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reports {
    pub(super) whole: u64,
    pub(super) damaged: u64,
}

/// Something to tell of an adapter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Many of the reports in the last seconds are damaged: so many.
    Begins(Reports),
    Ends,
}

/// The share of damaged reports of each adapter.
#[derive(Debug)]
pub(super) struct DamageDetector {
    reports: [Reports; SLOTS],
    windows: BTreeMap<usize, Window>,
}

impl Default for DamageDetector {
    fn default() -> Self {
        Self { reports: [Reports::default(); SLOTS], windows: BTreeMap::new() }
    }
}

impl DamageDetector {
    /// An adapter reported an advert.
    pub(super) fn whole(&mut self, adapter: u16) {
        self.reports[usize::from(adapter) % SLOTS].whole += 1;
    }

    /// An adapter reported something else.
    pub(super) fn malformed(&mut self, malformed: Malformed) {
        // Behind trailing bytes nothing is known to be lost: some controllers pad their events.
        if malformed.adapter != UNKNOWN && malformed.reason != MalformedReason::TrailingBytes {
            self.reports[usize::from(malformed.adapter) % SLOTS].damaged += 1;
        }
    }

    /// Looks at all adapters, about once a second; gives the names of those of which there is something to tell.
    pub(super) fn step(&mut self, now: Instant) -> Vec<(String, Change)> {
        let mut changes = Vec::new();
        for (index, reports) in self.reports.iter().enumerate().filter(|(_, reports)| **reports != Reports::default()) {
            let window = self.windows.entry(index).or_insert_with(|| Window::new(now));
            changes.extend(window.step(*reports, now).map(|change| (name(index), change)));
        }
        changes
    }

    /// Names of the adapters with many damaged reports.
    pub(super) fn adapters(&self) -> Vec<String> {
        self.windows.iter().filter(|(_, window)| window.told).map(|(index, _)| name(*index)).collect()
    }
}

fn name(index: usize) -> String {
    format!("hci{index}")
}

/// The last seconds of an adapter.
#[derive(Debug)]
struct Window {
    samples: VecDeque<(Instant, Reports)>,
    told: bool,
    calm: Option<Instant>,
}

impl Window {
    /// Before the first report.
    fn new(now: Instant) -> Self {
        Self { samples: [(now, Reports::default())].into(), told: false, calm: None }
    }

    fn step(&mut self, reports: Reports, now: Instant) -> Option<Change> {
        self.samples.push_back((now, reports));
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW) {
            self.samples.pop_front();
        }
        let before = self.samples.front().map_or(reports, |(_, before)| *before);
        let Reports { whole, damaged } =
            Reports { whole: reports.whole - before.whole, damaged: reports.damaged - before.damaged };
        let all = whole + damaged;
        if !self.told {
            self.told = damaged >= MIN_DAMAGED && damaged * BEGIN_RATIO > all;
            self.calm = None;
            return self.told.then_some(Change::Begins(Reports { whole, damaged }));
        }
        if damaged * END_RATIO > all {
            self.calm = None;
        } else if now.saturating_duration_since(*self.calm.get_or_insert(now)) >= CALM_TIME {
            self.told = false;
            return Some(Change::Ends);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An adapter on a clock of the test's own: what is reported after each second with so many reports.
    struct Bench(DamageDetector, Instant);

    impl Bench {
        fn second(&mut self, whole: u64, damaged: u64) -> Vec<(String, Change)> {
            (0..whole).for_each(|_| self.0.whole(3));
            self.damage(damaged, MalformedReason::CutShort);
            self.1 += Duration::from_secs(1);
            self.0.step(self.1)
        }

        fn damage(&mut self, count: u64, reason: MalformedReason) {
            (0..count).for_each(|_| self.0.malformed(Malformed { adapter: 3, reason }));
        }
    }

    fn bench() -> Bench {
        Bench(DamageDetector::default(), Instant::now())
    }

    fn begins(whole: u64, damaged: u64) -> Vec<(String, Change)> {
        vec![("hci3".into(), Change::Begins(Reports { whole, damaged }))]
    }

    #[test]
    fn damage_is_told_once_when_it_begins_and_when_it_has_ended() {
        let mut b = bench();
        assert_eq!(b.second(50, 1000), begins(50, 1000), "at once");
        assert_eq!(b.0.adapters(), ["hci3"]);
        assert!((0..100).all(|_| b.second(5, 95).is_empty()), "once");
        // The window has to empty first.
        let calm: Vec<_> = (0..60).map(|_| b.second(100, 0)).collect();
        let ends = calm.iter().position(|told| *told == [("hci3".to_owned(), Change::Ends)]).expect("it ends");
        assert!((30..=41).contains(&ends), "{ends}");
        assert_eq!(calm.iter().flatten().count(), 1);
        assert_eq!(b.0.adapters(), [""; 0]);
        assert_eq!(b.second(0, 200).len(), 1, "and starts over");
    }

    #[test]
    fn damage_of_a_few_reports_is_noise() {
        let mut b = bench();
        assert!((0..100).all(|_| b.second(0, 1).is_empty()), "ten in ten seconds, and nothing else");
        assert!((0..100).all(|_| b.second(1000, 100).is_empty()), "many, but no more than a tenth");
        let mut b = bench();
        assert!((0..9).all(|_| b.second(0, 2).is_empty()));
        assert_eq!(b.second(0, 2), begins(0, 20), "the twentieth within ten seconds");
    }

    #[test]
    fn damage_that_is_neither_much_nor_little_changes_nothing() {
        let mut b = bench();
        assert!((0..100).all(|_| b.second(93, 7).is_empty()));
        b.second(0, 1000);
        assert!((0..100).all(|_| b.second(93, 7).is_empty()));
        assert_eq!(b.0.adapters(), ["hci3"]);
    }

    #[test]
    fn damage_ends_where_nothing_is_reported_any_more() {
        let mut b = bench();
        assert_eq!(b.second(0, 1000).len(), 1);
        assert_eq!((0..60).flat_map(|_| b.second(0, 0)).count(), 1);
    }

    #[test]
    fn damage_is_not_what_is_behind_the_reports_or_of_no_adapter() {
        let mut b = bench();
        b.damage(1000, MalformedReason::TrailingBytes);
        b.0.malformed(Malformed { adapter: UNKNOWN, reason: MalformedReason::CutShort });
        assert_eq!(b.second(1000, 0), []);
    }
}
