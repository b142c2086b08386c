//! A future for each adapter that is wanted: what happens to one of them does not disturb the others.

use super::hand::care;
use super::report::Report;
use crate::advert::Address;
use crate::config::{MOST_ADAPTERS, ScanMode};
use crate::scan::in_use::Heard;
use crate::stats::{Radio, RadioState, Stats};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

type Care = Pin<Box<dyn Future<Output = ()> + Send>>;

/// See the module.
pub(super) struct Crew {
    stats: Arc<Stats>,
    heard: Arc<Heard>,
    mode: watch::Sender<ScanMode>,
    /// Which adapters, and how to let go of each.
    hands: Vec<(Option<Address>, AbortHandle)>,
    running: FuturesUnordered<Abortable<Care>>,
}

impl Crew {
    pub(super) fn new(stats: Arc<Stats>, heard: Arc<Heard>) -> Self {
        let mode = watch::Sender::new(ScanMode::Off);
        Self { stats, heard, mode, hands: Vec::new(), running: FuturesUnordered::new() }
    }

    /// Lets go of all adapters at once.
    pub(super) fn dismiss(&mut self) {
        self.hands.clear();
        self.running.clear();
        self.mode.send_replace(ScanMode::Off);
        self.stats.set_radio(|radio| {
            let (capture, capture_reason) = (radio.capture, std::mem::take(&mut radio.capture_reason));
            *radio = Radio { capture, capture_reason, ..Radio::default() };
        });
    }

    /// Takes care of these adapters, and of no others; those that it has already notice nothing but another mode.
    pub(super) fn set(&mut self, mode: ScanMode, wanted: &[Option<Address>]) {
        self.mode.send_if_modified(|now| std::mem::replace(now, mode) != mode);
        let (kept, gone) = self.hands.drain(..).partition(|(adapter, _)| wanted.contains(adapter));
        let gone: Vec<(_, AbortHandle)> = gone;
        self.hands = kept;
        gone.iter().for_each(|(_, hand)| hand.abort());
        self.stats.set_radio(|radio| radio.want(wanted));
        for adapter in wanted {
            if !self.hands.iter().any(|(other, _)| other == adapter) {
                let report = Report::new(self.stats.clone(), self.heard.clone(), *adapter);
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
        self.set(mode, &wanted);
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
        (Crew::new(stats.clone(), Arc::default()), stats)
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

    #[test]
    fn those_that_stay_are_not_begun_anew() {
        let (mut crew, _stats) = crew();
        crew.set(ScanMode::Passive, &[Some(address(1)), Some(address(2))]);
        crew.set(ScanMode::Active, &[Some(address(2)), None]);
        assert_eq!(crew.running.len(), 3, "two, then one more; the end of the first is due");
        assert_eq!(crew.wanted(), [Some(address(2)), None]);
    }
}
