//! Supervises a task for each configured adapter: what happens to one of them does not disturb the others.

use super::adapter_status::AdapterStatusTracker;
use super::enumerate::AdapterList;
use super::{RadioInputs, ScanConfig, ScanError, adapter_task};
use crate::config::{Adapters, MOST_ADAPTERS, ScanMode};
use crate::log;
use crate::model::{Address, RadioState};
use crate::stats::{NO_ADAPTER, Stats};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// With Adapters `all`, how long an adapter may be missing before it is no longer waited for.
const MISSING_TIMEOUT: Duration = Duration::from_secs(60);
/// With Adapters `all`, how often new adapters are looked for.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(2);

/// Keeps the adapters scanning as configured. Returns when the configuration ends.
pub(crate) async fn control(mut config: watch::Receiver<ScanConfig>, inputs: RadioInputs) {
    let mut supervisor = AdapterSupervisor::new(inputs);
    let mut was_on = false;
    loop {
        let now = config.borrow_and_update().clone();
        let ScanConfig { mode, adapters, revision } = now.clone();
        supervisor.revision = revision;
        let changed = if mode == ScanMode::Off {
            supervisor.stop_all();
            if std::mem::take(&mut was_on) {
                log::radio_off();
            }
            other(&mut config, &now, &supervisor.inputs.stats).await
        } else {
            was_on = true;
            let stats = supervisor.inputs.stats.clone();
            let work = async {
                match adapters {
                    Adapters::First => supervisor.configure(mode, &[None]),
                    Adapters::Listed(list) => {
                        supervisor.configure(mode, &list.into_iter().map(Some).collect::<Vec<_>>());
                    }
                    Adapters::All => return supervisor.run_all(mode).await,
                }
                supervisor.run().await
            };
            tokio::select! {
                biased;
                changed = other(&mut config, &now, &stats) => changed,
                never = work => match never {},
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Waits for settings that ask something else of the radio.
async fn other(
    config: &mut watch::Receiver<ScanConfig>,
    current: &ScanConfig,
    stats: &Stats,
) -> Result<(), watch::error::RecvError> {
    loop {
        config.changed().await?;
        let new = config.borrow_and_update();
        if !new.is_same(current) {
            // Seen by the one who asks next.
            drop(new);
            config.mark_changed();
            return Ok(());
        }
        stats.set_revision(|revisions| revisions.radio = new.revision);
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The tasks of the adapters that the settings ask for.
struct AdapterSupervisor {
    inputs: RadioInputs,
    mode: watch::Sender<ScanMode>,
    /// Of the settings that it follows.
    revision: u64,
    tasks: Vec<(Option<Address>, AbortHandle)>,
    /// Adapters that are no longer waited for, and since when each other one has been missing.
    gone: Vec<Address>,
    missing: HashMap<Address, Instant>,
    running: FuturesUnordered<Abortable<Task>>,
}

impl AdapterSupervisor {
    fn new(inputs: RadioInputs) -> Self {
        Self {
            inputs,
            mode: watch::Sender::new(ScanMode::Off),
            revision: 0,
            tasks: Vec::new(),
            gone: Vec::new(),
            missing: HashMap::new(),
            running: FuturesUnordered::new(),
        }
    }

    /// Ends all tasks at once.
    fn stop_all(&mut self) {
        self.tasks.clear();
        self.gone.clear();
        self.missing.clear();
        self.running.clear();
        self.mode.send_replace(ScanMode::Off);
        self.inputs.adapters.configure(&[]);
        self.follow_revision();
    }

    /// The state of the adapters is that of these settings.
    fn follow_revision(&self) {
        self.inputs.stats.set_revision(|revisions| revisions.radio = self.revision);
    }

    /// Runs a task for each of these adapters and for no other; a task that runs already notices nothing but another mode.
    fn configure(&mut self, mode: ScanMode, wanted: &[Option<Address>]) {
        self.gone.clear();
        let other_mode = *self.mode.borrow() != mode;
        self.set_tasks(mode, wanted);
        if other_mode {
            // What they did in another mode says nothing of this one.
            self.inputs.adapters.update(|radio| {
                for adapter in wanted {
                    radio.change(*adapter, |status| status.state = RadioState::Starting);
                }
            });
        }
        self.follow_revision();
    }

    fn set_tasks(&mut self, mode: ScanMode, wanted: &[Option<Address>]) {
        self.mode.send_if_modified(|now| std::mem::replace(now, mode) != mode);
        let (kept, ended) = self.tasks.drain(..).partition(|(adapter, _)| wanted.contains(adapter));
        let ended: Vec<(_, AbortHandle)> = ended;
        self.tasks = kept;
        ended.iter().for_each(|(_, task)| task.abort());
        // Where all are gone, the first that comes is missed.
        let nobody = (wanted.is_empty() && !self.gone.is_empty()).then_some(None);
        let listed: Vec<_> = wanted.iter().copied().chain(nobody).chain(self.gone.iter().copied().map(Some)).collect();
        self.inputs.adapters.configure(&listed);
        for adapter in wanted {
            if !self.tasks.iter().any(|(other, _)| other == adapter) {
                let status = AdapterStatusTracker::new(&self.inputs, *adapter);
                let task: Task = Box::pin(adapter_task::run(self.mode.subscribe(), status));
                let (handle, registration) = AbortHandle::new_pair();
                self.running.push(Abortable::new(task, registration));
                self.tasks.push((*adapter, handle));
            }
        }
    }

    /// Keeps every adapter scanning that there is. One that went away is missed for a while, then listed as gone.
    async fn run_all(&mut self, mode: ScanMode) -> Infallible {
        let known: Vec<_> = self.wanted().into_iter().filter(|key| key.is_some() && self.is_present(*key)).collect();
        self.configure(mode, &known);
        // Stands for them as long as there is none.
        let mut nobody = AdapterStatusTracker::new(&self.inputs, None);
        if known.is_empty() {
            self.inputs.adapters.configure(&[None]);
        }
        let (mut list, mut pause) = (AdapterList::default(), Duration::ZERO);
        loop {
            let names = self.inputs.adapters.names();
            let new = async {
                sleep(pause).await;
                list.addresses_except(&names).await
            };
            let new = tokio::select! {
                new = new => new,
                never = self.run() => match never {},
            };
            pause = DISCOVERY_INTERVAL;
            self.drop_missing(mode);
            match new {
                Ok(addresses) if addresses.is_empty() && self.wanted().is_empty() => {
                    nobody.set_error(ScanError::new(RadioState::AdapterMissing, NO_ADAPTER));
                }
                Ok(addresses) => addresses.into_iter().for_each(|address| self.add(mode, address)),
                Err(error) => nobody.set_error(error),
            }
        }
    }

    /// Adds an adapter. Where there are too many, one that went away has to give way.
    fn add(&mut self, mode: ScanMode, adapter: Address) {
        let mut wanted = self.wanted();
        if wanted.contains(&Some(adapter)) {
            return;
        }
        if wanted.len() >= MOST_ADAPTERS {
            match wanted.iter().position(|other| !self.is_present(*other)) {
                Some(place) => drop(wanted.remove(place)),
                None => return,
            }
        }
        wanted.push(Some(adapter));
        self.gone.retain(|other| *other != adapter);
        let most = MOST_ADAPTERS.saturating_sub(wanted.len());
        self.gone.drain(..self.gone.len().saturating_sub(most));
        self.set_tasks(mode, &wanted);
    }

    /// Ends the tasks of adapters that have been missing for long. They stay listed as gone.
    fn drop_missing(&mut self, mode: ScanMode) {
        let missing = |key: &Option<Address>| key.filter(|_| !self.is_present(*key));
        let missing: Vec<Address> = self.wanted().iter().filter_map(missing).collect();
        self.missing.retain(|adapter, _| missing.contains(adapter));
        let now = Instant::now();
        let too_long = |adapter: &Address| now - *self.missing.entry(*adapter).or_insert(now) >= MISSING_TIMEOUT;
        let gone: Vec<_> = missing.into_iter().filter(too_long).collect();
        if gone.is_empty() {
            return;
        }
        self.missing.retain(|adapter, _| !gone.contains(adapter));
        self.gone.extend(&gone);
        let rest: Vec<_> = self.wanted().into_iter().filter(|key| key.is_none_or(|key| !gone.contains(&key))).collect();
        self.set_tasks(mode, &rest);
        for adapter in gone {
            self.inputs.adapters.update(|radio| {
                radio.change(Some(adapter), |status| {
                    (status.state, status.detail) = (RadioState::Gone, "it was unplugged and did not come back".into());
                });
            });
            log::adapter_gone(&adapter.to_string());
        }
    }

    /// The adapters that have a task.
    fn wanted(&self) -> Vec<Option<Address>> {
        self.tasks.iter().map(|(adapter, _)| *adapter).collect()
    }

    /// Whether an adapter is not missing, as far as is known.
    fn is_present(&self, adapter: Option<Address>) -> bool {
        self.inputs.adapters.status(adapter).is_some_and(|status| status.state != RadioState::AdapterMissing)
    }

    /// Runs the tasks. Never returns.
    async fn run(&mut self) -> Infallible {
        // A task that ends was aborted.
        while self.running.next().await.is_some() {}
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn address(last: u8) -> Address {
        Address([0xC0, 0xDE, 0, 0, 0, last])
    }

    fn supervisor() -> (AdapterSupervisor, Arc<Stats>) {
        let inputs = RadioInputs::silent();
        let stats = inputs.stats.clone();
        (AdapterSupervisor::new(inputs), stats)
    }

    /// Without anything done for them: nobody polls.
    #[test]
    fn supervisor_drops_an_adapter_that_went_away_where_there_are_too_many() {
        let (mut supervisor, stats) = supervisor();
        (0..9).for_each(|n| supervisor.add(ScanMode::Passive, address(n)));
        let wanted = |range: &[u8]| range.iter().map(|n| Some(address(*n))).collect::<Vec<_>>();
        assert_eq!(supervisor.wanted(), wanted(&[0, 1, 2, 3, 4, 5, 6, 7]));

        supervisor
            .inputs
            .adapters
            .update(|radio| radio.change(Some(address(2)), |a| a.state = RadioState::AdapterMissing));
        supervisor.add(ScanMode::Passive, address(7));
        assert!(supervisor.wanted().contains(&Some(address(2))), "no need yet");
        supervisor.add(ScanMode::Passive, address(8));
        assert_eq!(supervisor.wanted(), wanted(&[0, 1, 3, 4, 5, 6, 7, 8]));
        let told: Vec<_> = stats.radio().borrow().adapters.iter().map(|adapter| adapter.wanted).collect();
        assert_eq!(told, supervisor.wanted());

        supervisor.stop_all();
        assert_eq!((supervisor.wanted().len(), stats.radio().borrow().adapters.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn supervisor_lists_an_adapter_that_stays_away_as_gone() {
        let (mut supervisor, stats) = supervisor();
        let state = |n| stats.radio().borrow().status(Some(address(n))).map(|status| status.state);
        let table = supervisor.inputs.adapters.clone();
        let becomes = |n, state| table.update(|radio| radio.change(Some(address(n)), |a| a.state = state));
        [1, 2].into_iter().for_each(|n| supervisor.add(ScanMode::Passive, address(n)));
        becomes(1, RadioState::Scanning);
        let step = MISSING_TIMEOUT / 2;
        for (before, after) in
            [(RadioState::AdapterMissing, None), (RadioState::NoBluez, None), (RadioState::AdapterMissing, Some(2))]
        {
            becomes(2, before);
            supervisor.drop_missing(ScanMode::Passive);
            tokio::time::advance(step).await;
            supervisor.drop_missing(ScanMode::Passive);
            assert_eq!(state(2), Some(before), "not yet");
            if after.is_some() {
                tokio::time::advance(step).await;
                supervisor.drop_missing(ScanMode::Passive);
            }
        }
        assert_eq!((state(2), supervisor.wanted()), (Some(RadioState::Gone), vec![Some(address(1))]));
        assert_eq!(stats.radio().borrow().state, RadioState::Scanning);

        supervisor.add(ScanMode::Passive, address(2));
        assert_eq!(supervisor.wanted().len(), 2);
        becomes(2, RadioState::AdapterMissing);
        tokio::time::advance(MISSING_TIMEOUT).await;
        supervisor.drop_missing(ScanMode::Passive);
        assert_eq!(state(2), Some(RadioState::AdapterMissing), "it has a minute again");

        (3..9).for_each(|n| supervisor.add(ScanMode::Passive, address(n)));
        tokio::time::advance(MISSING_TIMEOUT).await;
        supervisor.drop_missing(ScanMode::Passive);
        assert_eq!(state(2), Some(RadioState::Gone));
        supervisor.add(ScanMode::Passive, address(9));
        assert_eq!((state(2), stats.radio().borrow().adapters.len()), (None, MOST_ADAPTERS), "the list is bounded");
    }

    #[test]
    fn supervisor_leaves_tasks_alone_that_stay() {
        let (mut supervisor, _stats) = supervisor();
        supervisor.configure(ScanMode::Passive, &[Some(address(1)), Some(address(2))]);
        supervisor.configure(ScanMode::Active, &[Some(address(2)), None]);
        assert_eq!(supervisor.running.len(), 3, "two, then one more; the end of the first is due");
        assert_eq!(supervisor.wanted(), [Some(address(2)), None]);
    }
}
