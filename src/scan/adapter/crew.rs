//! A future for each adapter that is wanted: what happens to one of them does not disturb the others.

use super::Senses;
use super::hand::care;
use super::report::Report;
use crate::advert::Address;
use crate::config::{MOST_ADAPTERS, ScanMode};
use crate::log;
use crate::stats::{Radio, RadioState, Stats};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// One of all that was missing for so long is no longer waited for.
const LONG: Duration = Duration::from_secs(60);

type Care = Pin<Box<dyn Future<Output = ()> + Send>>;

/// See the module.
pub(super) struct Crew {
    stats: Arc<Stats>,
    senses: Senses,
    mode: watch::Sender<ScanMode>,
    /// Which adapters, and how to let go of each.
    hands: Vec<(Option<Address>, AbortHandle)>,
    /// Those that nobody waits for any more, and since when each other one has been missing.
    gone: Vec<Address>,
    missing: HashMap<Address, Instant>,
    running: FuturesUnordered<Abortable<Care>>,
}

impl Crew {
    pub(super) fn new(senses: Senses) -> Self {
        let (mode, stats) = (watch::Sender::new(ScanMode::Off), senses.stats.clone());
        Self {
            stats,
            senses,
            mode,
            hands: Vec::new(),
            gone: Vec::new(),
            missing: HashMap::new(),
            running: FuturesUnordered::new(),
        }
    }

    /// Lets go of all adapters at once.
    pub(super) fn dismiss(&mut self) {
        self.hands.clear();
        self.gone.clear();
        self.missing.clear();
        self.running.clear();
        self.mode.send_replace(ScanMode::Off);
        self.stats.set_radio(|radio| {
            let (capture, capture_reason) = (radio.capture, std::mem::take(&mut radio.capture_reason));
            let (capture_remedy, damaged) = (radio.capture_remedy, std::mem::take(&mut radio.damaged));
            *radio = Radio { capture, capture_reason, capture_remedy, damaged, ..Radio::default() };
        });
    }

    /// Takes care of these adapters, and of no others; those that it has already notice nothing but another mode.
    pub(super) fn set(&mut self, mode: ScanMode, wanted: &[Option<Address>]) {
        self.gone.clear();
        self.put(mode, wanted);
    }

    fn put(&mut self, mode: ScanMode, wanted: &[Option<Address>]) {
        self.mode.send_if_modified(|now| std::mem::replace(now, mode) != mode);
        let (kept, gone) = self.hands.drain(..).partition(|(adapter, _)| wanted.contains(adapter));
        let gone: Vec<(_, AbortHandle)> = gone;
        self.hands = kept;
        gone.iter().for_each(|(_, hand)| hand.abort());
        // Where all are gone, the first that comes is missed.
        let nobody = (wanted.is_empty() && !self.gone.is_empty()).then_some(None);
        let listed: Vec<_> = wanted.iter().copied().chain(nobody).chain(self.gone.iter().copied().map(Some)).collect();
        self.stats.set_radio(|radio| radio.want(&listed));
        for adapter in wanted {
            if !self.hands.iter().any(|(other, _)| other == adapter) {
                let report = Report::new(&self.senses, *adapter);
                let care: Care = Box::pin(care(self.mode.subscribe(), report));
                let (handle, registration) = AbortHandle::new_pair();
                self.running.push(Abortable::new(care, registration));
                self.hands.push((*adapter, handle));
            }
        }
    }

    /// Takes care of one more. Where there are too many, one that went away has to give way.
    pub(super) fn join(&mut self, mode: ScanMode, adapter: Address) {
        let mut wanted = self.wanted();
        if wanted.contains(&Some(adapter)) {
            return;
        }
        if wanted.len() >= MOST_ADAPTERS {
            match wanted.iter().position(|other| !self.is_there(*other)) {
                Some(place) => drop(wanted.remove(place)),
                None => return,
            }
        }
        wanted.push(Some(adapter));
        self.gone.retain(|other| *other != adapter);
        let most = MOST_ADAPTERS.saturating_sub(wanted.len());
        self.gone.drain(..self.gone.len().saturating_sub(most));
        self.put(mode, &wanted);
    }

    /// Lets go of those that have been missing for long. They stay listed as gone.
    pub(super) fn let_go(&mut self, mode: ScanMode) {
        let missing = |key: &Option<Address>| key.filter(|_| !self.is_there(*key));
        let missing: Vec<Address> = self.wanted().iter().filter_map(missing).collect();
        self.missing.retain(|adapter, _| missing.contains(adapter));
        let now = Instant::now();
        let long = |adapter: &Address| now - *self.missing.entry(*adapter).or_insert(now) >= LONG;
        let gone: Vec<_> = missing.into_iter().filter(long).collect();
        if gone.is_empty() {
            return;
        }
        self.missing.retain(|adapter, _| !gone.contains(adapter));
        self.gone.extend(&gone);
        let rest: Vec<_> = self.wanted().into_iter().filter(|key| key.is_none_or(|key| !gone.contains(&key))).collect();
        self.put(mode, &rest);
        for adapter in gone {
            self.stats.set_radio(|radio| {
                radio.change(Some(adapter), |status| {
                    (status.state, status.detail) = (RadioState::Gone, "it was unplugged and did not come back".into());
                });
            });
            log::adapter_gone(&adapter.to_string());
        }
    }

    /// The adapters that it takes care of.
    pub(super) fn wanted(&self) -> Vec<Option<Address>> {
        self.hands.iter().map(|(adapter, _)| *adapter).collect()
    }

    /// Whether an adapter is not missing, as far as is known.
    pub(super) fn is_there(&self, adapter: Option<Address>) -> bool {
        self.stats.radio().borrow().status(adapter).is_some_and(|status| status.state != RadioState::AdapterMissing)
    }

    /// Works, for ever.
    pub(super) async fn work(&mut self) -> Infallible {
        // What ends was let go of.
        while self.running.next().await.is_some() {}
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Address {
        Address([0xC0, 0xDE, 0, 0, 0, last])
    }

    fn crew() -> (Crew, Arc<Stats>) {
        let stats = Arc::new(Stats::default());
        (Crew::new(Senses::of(stats.clone())), stats)
    }

    /// Without anything done for them: nobody polls.
    #[test]
    fn one_that_went_away_gives_way_where_there_are_too_many() {
        let (mut crew, stats) = crew();
        (0..9).for_each(|n| crew.join(ScanMode::Passive, address(n)));
        let wanted = |range: &[u8]| range.iter().map(|n| Some(address(*n))).collect::<Vec<_>>();
        assert_eq!(crew.wanted(), wanted(&[0, 1, 2, 3, 4, 5, 6, 7]));

        stats.set_radio(|radio| radio.change(Some(address(2)), |a| a.state = RadioState::AdapterMissing));
        crew.join(ScanMode::Passive, address(7));
        assert!(crew.wanted().contains(&Some(address(2))), "no need yet");
        crew.join(ScanMode::Passive, address(8));
        assert_eq!(crew.wanted(), wanted(&[0, 1, 3, 4, 5, 6, 7, 8]));
        let told: Vec<_> = stats.radio().borrow().adapters.iter().map(|adapter| adapter.wanted).collect();
        assert_eq!(told, crew.wanted());

        crew.dismiss();
        assert_eq!((crew.wanted().len(), stats.radio().borrow().adapters.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_stays_away_is_gone_and_no_trouble() {
        let (mut crew, stats) = crew();
        let state = |n| stats.radio().borrow().status(Some(address(n))).map(|status| status.state);
        let becomes = |n, state| stats.set_radio(|radio| radio.change(Some(address(n)), |a| a.state = state));
        [1, 2].into_iter().for_each(|n| crew.join(ScanMode::Passive, address(n)));
        becomes(1, RadioState::Scanning);
        let step = LONG / 2;
        for (before, after) in
            [(RadioState::AdapterMissing, None), (RadioState::NoBluez, None), (RadioState::AdapterMissing, Some(2))]
        {
            becomes(2, before);
            crew.let_go(ScanMode::Passive);
            tokio::time::advance(step).await;
            crew.let_go(ScanMode::Passive);
            assert_eq!(state(2), Some(before), "not yet");
            if after.is_some() {
                tokio::time::advance(step).await;
                crew.let_go(ScanMode::Passive);
            }
        }
        assert_eq!((state(2), crew.wanted()), (Some(RadioState::Gone), vec![Some(address(1))]));
        assert_eq!(stats.radio().borrow().state, RadioState::Scanning);

        crew.join(ScanMode::Passive, address(2));
        assert_eq!(crew.wanted().len(), 2);
        becomes(2, RadioState::AdapterMissing);
        tokio::time::advance(LONG).await;
        crew.let_go(ScanMode::Passive);
        assert_eq!(state(2), Some(RadioState::AdapterMissing), "it has a minute again");

        (3..9).for_each(|n| crew.join(ScanMode::Passive, address(n)));
        tokio::time::advance(LONG).await;
        crew.let_go(ScanMode::Passive);
        assert_eq!(state(2), Some(RadioState::Gone));
        crew.join(ScanMode::Passive, address(9));
        assert_eq!((state(2), stats.radio().borrow().adapters.len()), (None, MOST_ADAPTERS), "the list is bounded");
    }

    #[test]
    fn those_that_stay_are_not_begun_anew() {
        let (mut crew, _stats) = crew();
        crew.set(ScanMode::Passive, &[Some(address(1)), Some(address(2))]);
        crew.set(ScanMode::Active, &[Some(address(2)), None]);
        assert_eq!(crew.running.len(), 3, "two, then one more; the end of the first is due");
        assert_eq!(crew.wanted(), [Some(address(2)), None]);
    }
}
