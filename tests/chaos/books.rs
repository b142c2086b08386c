//! The books of a run: every number that a service was given has arrived, or somebody says why not.

use crate::recorder::Arrivals;
use std::collections::BTreeMap;

/// What may be missing of a stretch between two audits.
#[derive(Debug, Default, Clone)]
pub(crate) struct Allowed {
    /// Adverts that were in memory alone when the service was killed, at most.
    pub(crate) killed: u64,
    /// Adverts that ledgers count as dropped, by reason.
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Allowed {
    pub(crate) fn drops(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Adds what a ledger counts as dropped beyond what it counted before.
    pub(crate) fn add_drops(&mut self, ledger: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) {
        for (name, count) in ledger {
            let Some(reason) = name.strip_prefix("Dropped.") else { continue };
            let more = count - before.get(name).copied().unwrap_or(0);
            if more > 0 {
                *self.dropped.entry(reason.to_owned()).or_default() += more;
            }
        }
    }
}

/// All stretches of a run.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Numbers that are known to be lost.
    lost: Vec<bool>,
    pub(crate) lost_killed: u64,
    pub(crate) allowed_killed: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
    pub(crate) heard: u64,
    pub(crate) arrived: u64,
    pub(crate) repeated: u64,
}

impl Books {
    /// Judges a stretch: what is missing since the last audit must be allowed for.
    pub(crate) fn audit(&mut self, heard: &[bool], arrivals: &[Arrivals], allowed: &Allowed) -> Result<u64, String> {
        self.lost.resize(heard.len(), false);
        let times = |n: usize| arrivals.get(n).map_or(0, |a| a.times);
        if arrivals.len() > heard.len() || (0..heard.len()).any(|n| times(n) > 0 && !heard[n]) {
            return Err("an advert arrived that no service was given".into());
        }
        let missing: Vec<usize> = (0..heard.len()).filter(|n| heard[*n] && times(*n) == 0 && !self.lost[*n]).collect();
        let count = missing.len() as u64;
        if count > allowed.killed + allowed.drops() {
            return Err(format!("{count} adverts are missing, accounted for are {allowed:?}: {}", ranges(&missing)));
        }
        missing.into_iter().for_each(|n| self.lost[n] = true);
        self.lost_killed += count.saturating_sub(allowed.drops());
        self.allowed_killed += allowed.killed;
        for (reason, count) in &allowed.dropped {
            *self.dropped.entry(reason.clone()).or_default() += count;
        }
        self.heard = heard.iter().filter(|heard| **heard).count() as u64;
        self.arrived = arrivals.iter().filter(|a| a.times > 0).count() as u64;
        self.repeated = arrivals.iter().map(|a| u64::from(a.times.saturating_sub(1))).sum();
        Ok(count)
    }
}

/// `3-5 8-8`.
fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    runs.map(|run| format!("{}-{}", run[0], run[run.len() - 1])).collect::<Vec<_>>().join(" ")
}

#[test]
fn books_find_what_is_missing() {
    let arrived = Arrivals { times: 1, first: None };
    let heard = [true, true, false, true];
    let arrivals = [arrived, Arrivals::default(), Arrivals::default(), arrived];
    let one = Allowed { killed: 1, ..Allowed::default() };
    let mut books = Books::default();
    assert!(books.audit(&heard, &arrivals, &Allowed::default()).is_err());
    assert_eq!(books.audit(&heard, &arrivals, &one), Ok(1));
    assert_eq!(books.audit(&heard, &arrivals, &Allowed::default()), Ok(0), "it is known");
    assert_eq!((books.heard, books.arrived, books.lost_killed), (3, 2, 1));
    assert!(books.audit(&heard, &[arrived; 4], &one).is_err(), "nobody was given the third");
}
