//! The one place where settings change: copied, changed, checked, saved, published, in that order or not at all.

use super::binding::{Bindings, Requester};
use super::problem::joined;
use super::store::Store;
use super::{Candidate, Config, Problem};
use crate::log;
use crate::stats::Stats;
use crate::threads;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;

/// Why settings did not change.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// They would not be right.
    #[error("{}", joined(.0))]
    Invalid(Vec<Problem>),
    /// They would send stored secrets where those were not meant to go.
    #[error("{}", joined(.0))]
    Withheld(Vec<Problem>),
    /// They could not be saved.
    #[error("{}: cannot be saved and was not changed: {reason}", names.join(", "))]
    Save {
        /// D-Bus names of those that were to change.
        names: Vec<&'static str>,
        /// What the system said.
        reason: String,
    },
}

/// Checks a candidate, and gives it back.
async fn checked(candidate: Candidate) -> (Candidate, Result<Config, UpdateError>) {
    threads::check(move || {
        let checked = Config::check(&candidate).map_err(UpdateError::Invalid);
        (candidate, checked)
    })
    .await
}

/// Holds the settings and is the only one who changes them.
#[derive(Debug)]
pub struct Settings {
    writer: Arc<Mutex<Writer>>,
    config: watch::Sender<Arc<Config>>,
    base: Candidate,
    stats: Arc<Stats>,
    directory: PathBuf,
    /// Whether settings could be saved, as far as it is known.
    writable: AtomicBool,
}

#[derive(Debug)]
struct Writer {
    store: Store,
    candidate: Candidate,
    bindings: Bindings,
}

impl Writer {
    fn withheld(&self, requester: &Requester, candidate: &Candidate, base: &Candidate) -> Vec<Problem> {
        self.bindings.refused(requester, &self.candidate, candidate, base)
    }

    fn admit(&self, requester: &Requester, candidate: &Candidate, base: &Candidate) -> Result<(), UpdateError> {
        let withheld = self.withheld(requester, candidate, base);
        if withheld.is_empty() { Ok(()) } else { Err(UpdateError::Withheld(withheld)) }
    }
}

impl Settings {
    /// Takes over what [`load`](super::store::load) gave.
    pub fn new(store: Store, candidate: Candidate, config: Config, stats: Arc<Stats>) -> Self {
        let (base, directory) = (store.base().clone(), store.directory().to_owned());
        let config = watch::Sender::new(Arc::new(config));
        stats.set_ignored_settings(candidate.ignored.names());
        let bindings = Bindings::new(&candidate, &base, store.hosts().to_vec());
        let (writer, writable) = (Arc::new(Mutex::new(Writer { store, candidate, bindings })), AtomicBool::new(true));
        Self { writer, config, base, stats, directory, writable }
    }

    /// The settings now.
    pub fn current(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// The settings, to follow.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Config>> {
        self.config.subscribe()
    }

    /// The settings as they would be without any change of ours: what a reset goes back to.
    pub fn base(&self) -> &Candidate {
        &self.base
    }

    /// Changes settings as root may. Tells the D-Bus names of those that became others; nothing is written if there are none.
    pub async fn update(&self, change: impl FnOnce(&mut Candidate)) -> Result<Vec<&'static str>, UpdateError> {
        self.update_by(&Requester::Root, change).await
    }

    /// Changes settings as this requester may.
    pub async fn update_by(
        &self,
        requester: &Requester,
        change: impl FnOnce(&mut Candidate),
    ) -> Result<Vec<&'static str>, UpdateError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let mut candidate = writer.candidate.clone();
        change(&mut candidate);
        let names = candidate.changed(&writer.candidate);
        if names.is_empty() && candidate.ignored == writer.candidate.ignored {
            // Who gives a secret again has it bound to the settings as they are.
            writer.bindings.follow(requester, &candidate);
            return Ok(names);
        }
        let (candidate, checked) = checked(candidate).await;
        let config = Arc::new(Config { revision: self.current().revision + 1, ..checked? });
        writer.admit(requester, &candidate, &self.base)?;
        let (publisher, stats, requester) = (self.config.clone(), self.stats.clone(), requester.clone());
        // Off the runtime, because flash can take its time, and with the writer's lock moved along, so that a caller who
        // goes away cannot leave saved settings unpublished.
        let saved = spawn_blocking(move || {
            let unsure = writer.store.save(&candidate).map_err(|error| error.to_string())?;
            stats.set_ignored_settings(candidate.ignored.names());
            writer.bindings.follow(&requester, &candidate);
            writer.candidate = candidate;
            publisher.send_replace(config);
            Ok(unsure.map(|error| error.to_string()))
        });
        let saved = saved.await.unwrap_or_else(|error| Err(error.to_string()));
        match saved {
            Ok(unsure) => {
                if let Some(problem) = &unsure {
                    log::settings_unsure(&self.directory, problem);
                    self.set_writable(false);
                }
                Ok(names)
            }
            Err(reason) => {
                self.note_writable(Some(&reason));
                Err(UpdateError::Save { names, reason })
            }
        }
    }

    /// The settings as a change by this requester would make them; nothing changes.
    pub async fn preview(
        &self,
        requester: &Requester,
        change: impl FnOnce(&mut Candidate),
    ) -> Result<Config, UpdateError> {
        let (candidate, checked) = checked(self.candidate(change).await).await;
        let config = checked?;
        self.writer.lock().await.admit(requester, &candidate, &self.base)?;
        Ok(config)
    }

    /// The stored secrets that this requester would have to give again for these settings.
    pub async fn withheld(&self, requester: &Requester, candidate: &Candidate) -> Vec<Problem> {
        self.writer.lock().await.withheld(requester, candidate, &self.base)
    }

    /// The same before it is checked.
    pub async fn candidate(&self, change: impl FnOnce(&mut Candidate)) -> Candidate {
        let mut candidate = self.writer.lock().await.candidate.clone();
        change(&mut candidate);
        candidate
    }

    /// Finds out whether settings could be saved, and tells; to be called every few seconds.
    pub async fn probe_writable(&self) {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let known = self.writable.load(Ordering::Relaxed);
        let probed = spawn_blocking(move || writer.store.probe(known).map_err(|error| error.to_string()));
        let probed = probed.await.unwrap_or_else(|error| Err(error.to_string()));
        self.note_writable(probed.err().as_deref());
    }

    fn note_writable(&self, problem: Option<&str>) {
        if self.set_writable(problem.is_none()) {
            log::state_directory(&self.directory, problem);
        }
    }

    /// Whether that is new.
    fn set_writable(&self, writable: bool) -> bool {
        let new = self.writable.swap(writable, Ordering::Relaxed) != writable;
        if new {
            self.stats.set_state_writable(writable);
        }
        new
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
