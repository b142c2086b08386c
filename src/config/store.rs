//! Where settings come from and where they are kept.
//!
//! Layers, the later ones on top: built-in defaults, `/usr/lib/cassia-bypass/config.toml` (vendor), systemd credentials
//! (factory), `/etc/cassia-bypass/config.toml` (site), `settings.toml` in the state directory (written by the service).
//! Secrets come from credentials, or are kept beside `settings.toml`, one file each.

use super::binding::NamedHost;
use super::credentials::Factory;
use super::files::{self, FileError};
use super::layer::{Generations, Layer, SECRETS_TABLE};
use super::layers;
use super::problem::joined;
use super::secret_store::{self, SecretStore};
use super::state_file::{self, HEADER, Restored, StateFile};
use super::state_lock::StateLock;
use super::{Candidate, Config, FileProblem, Ignored, Problem, Secrets};
use crate::log;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub use super::paths::Paths;

/// The place where settings are kept: knows the packaged layers and writes the top one.
#[derive(Debug)]
pub struct Store {
    paths: Paths,
    base: Candidate,
    saved: Candidate,
    named: Generations,
    /// The brokers that the factory's secrets are for.
    hosts: Vec<NamedHost>,
    lock: Arc<StateLock>,
    /// The text of `settings.toml` as it was read or written last, and whether another service may have changed it since.
    text: Vec<u8>,
    in_doubt: bool,
    /// The last good generation is another text.
    good_due: bool,
}

/// Why there are no settings to work with.
#[derive(Debug)]
pub enum LoadError {
    /// A packaged layer needs its author.
    Wrong(Vec<FileProblem>),
    /// A file is there and cannot be read now. It may be at the next try, so nothing is done to it.
    Unreadable(FileError),
}

/// Reads all layers. What this version does not take of `settings.toml` is ignored and kept. In place of a damaged one the last good
/// generation is used; if there is none, what can be read of it. A problem in a packaged layer is fatal.
pub fn load(paths: Paths) -> Result<(Store, Candidate, Config), LoadError> {
    let lock = Arc::new(StateLock::new(&paths.state));
    let alone = match lock.take() {
        Err(source) if files::is_short(&source) => {
            return Err(LoadError::Unreadable(FileError { path: paths.state, source }));
        }
        taken => taken.is_ok(),
    };
    let mut all = All::read(&paths).map_err(LoadError::Unreadable)?;
    if let Some(error) = all.unreadable() {
        return Err(LoadError::Unreadable(error));
    }
    let (mut candidate, config, more) = all.settle().map_err(LoadError::Wrong)?;
    let problems = [all.state.layer.problems.clone(), more].concat();
    let base = all.base();
    let All { state, found, hosts, .. } = all;
    let StateFile { layer, sealed, bytes, restored } = state;
    candidate.ignored = layer.ignored;
    let (saved, named) = (candidate.clone(), layer.generations);
    let mut store = Store { paths, base, saved, named, hosts, lock, text: bytes, in_doubt: !alone, good_due: false };
    let unreadable = restored.as_ref().is_some_and(|restored| restored.unreadable);
    if alone && !unreadable {
        store.tidy_up(&found, layer.exists && !sealed, restored.as_ref(), layer.damaged.as_deref(), &problems);
    }
    if let Some(restored) = &restored {
        log::settings_restored(
            &store.paths.settings(),
            &state_file::good(&store.paths.settings()),
            &restored.problem.to_string(),
        );
    }
    for (key, path) in &found.restored {
        log::secret_restored(super::setting(key).map_or(key, |s| s.name), path);
    }
    if !candidate.ignored.is_empty() {
        log::settings_ignored(&store.paths.settings(), &candidate.ignored.names(), &joined(&problems));
    }
    Ok((store, candidate, config))
}

/// Every problem of every layer, the top one too, and whether the service starts with them. Changes nothing.
pub fn check_config(paths: &Paths) -> (Vec<FileProblem>, bool) {
    match All::read(paths) {
        Ok(mut all) => (all.problems(), all.unreadable().is_none() && all.settle().is_ok()),
        Err(error) => (vec![FileProblem::of_file(&error.path, "a readable file", error.source.to_string())], false),
    }
}

/// Every layer as it was read.
struct All {
    vendor: Layer,
    factory: Layer,
    site: Layer,
    state: StateFile,
    /// Those of the factory.
    given: Secrets,
    /// The brokers that those are for.
    hosts: Vec<NamedHost>,
    found: secret_store::Found,
}

impl All {
    fn read(paths: &Paths) -> Result<Self, FileError> {
        let vendor = Layer::read(&paths.vendor);
        let Factory { layer: factory, secrets: given, hosts } = Factory::read(paths.credentials.as_deref());
        let site = Layer::read(&paths.site);
        let mut state = StateFile::read(&paths.settings());
        let layer = &mut state.layer;
        let mut found = SecretStore::new(&paths.state).read(&given, &layer.generations, &layer.path, state.sealed)?;
        for (key, problem) in std::mem::take(&mut found.problems) {
            layer.ignore(key);
            layer.problems.push(problem);
        }
        Ok(Self { vendor, factory, site, state, given, hosts, found })
    }

    /// The file that may be readable at the next try, if there is one: who may not read a packaged one never will.
    fn unreadable(&mut self) -> Option<FileError> {
        let packaged = [&mut self.vendor, &mut self.factory, &mut self.site];
        let packaged = packaged.into_iter().filter_map(|layer| layer.unreadable.take());
        let lasting = |error: &FileError| {
            matches!(error.source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory)
        };
        self.state.layer.unreadable.take().or(packaged.into_iter().find(|error| !lasting(error)))
    }

    fn base(&self) -> Candidate {
        let raw = layers::raw(&[&self.vendor, &self.factory, &self.site]);
        Candidate { raw, secrets: self.given.clone(), ignored: Ignored::default() }
    }

    fn layers(&self) -> [&Layer; 4] {
        [&self.vendor, &self.factory, &self.site, &self.state.layer]
    }

    /// What they add up to, without what of the state file is refused, and why that is.
    fn settle(&mut self) -> Result<(Candidate, Config, Vec<FileProblem>), Vec<FileProblem>> {
        if self.layers()[..3].iter().any(|layer| !layer.problems.is_empty()) {
            return Err(self.problems());
        }
        let mut refused = Vec::new();
        loop {
            let candidate = layers::candidate(&self.layers(), &self.found.secrets);
            let problems = match Config::check(&candidate) {
                Ok(config) => return Ok((candidate, config, refused)),
                Err(problems) => problems,
            };
            if !self.leave_out(&problems) {
                return Err(self.problems());
            }
            refused.extend(problems.iter().map(|problem| FileProblem::of_check(&self.state.layer.path, problem)));
        }
    }

    /// Leaves out of the state file the values that are refused; if there are none, those that make others wrong; if there are
    /// none of these, everything. False if there is nothing to leave out.
    fn leave_out(&mut self, problems: &[Problem]) -> bool {
        let held: Vec<&str> =
            problems.iter().map(|p| p.key).filter(|key| self.state.layer.holder(key).is_some()).collect();
        let keys: Vec<String> = if !held.is_empty() {
            held.into_iter().map(str::to_owned).collect()
        } else {
            let related = problems.iter().flat_map(layers::related);
            let related: Vec<_> =
                related.filter(|key| self.state.layer.holder(key).is_some()).map(str::to_owned).collect();
            if related.is_empty() { self.state.layer.keys() } else { related }
        };
        for key in &keys {
            self.state.layer.ignore(key);
            if let (Some(secret), Some(given)) = (self.found.secrets.get_mut(key), self.given.get(key)) {
                *secret = given.clone();
            }
        }
        !keys.is_empty()
    }

    fn problems(&self) -> Vec<FileProblem> {
        let layers = self.layers();
        let restored = self.state.restored.iter().map(|restored| restored.problem.clone());
        let mut problems: Vec<_> = restored.chain(layers.iter().flat_map(|layer| layer.problems.clone())).collect();
        problems.extend(layers::check_rest(&layers, &self.found.secrets));
        problems
    }
}

impl Store {
    /// The settings without the top layer.
    pub fn base(&self) -> &Candidate {
        &self.base
    }

    /// The brokers that the factory's secrets are for.
    pub(super) fn hosts(&self) -> &[NamedHost] {
        &self.hosts
    }

    /// The state directory.
    pub fn directory(&self) -> &std::path::Path {
        &self.paths.state
    }

    fn bad(&self) -> PathBuf {
        self.paths.settings().with_added_extension("bad")
    }

    fn secret_store(&self) -> SecretStore {
        SecretStore::new(&self.paths.state)
    }

    /// The lock of the state directory, for the others that use it.
    pub fn lock(&self) -> Arc<StateLock> {
        self.lock.clone()
    }

    /// Who took the lock late does not write over what another service saved.
    fn hold(&mut self) -> Result<(), FileError> {
        files::at(&self.paths.state, self.lock.take())?;
        if self.in_doubt {
            let file = self.paths.settings();
            let now = files::at(
                &file,
                files::read(&file).or_else(|error| match error.kind() {
                    io::ErrorKind::NotFound => Ok(Vec::new()),
                    _ => Err(error),
                }),
            )?;
            if now != self.text {
                let why = "another cassia-bypassd changed it: restart this one";
                return Err(FileError { path: file, source: io::Error::other(why) });
            }
            self.in_doubt = false;
        }
        Ok(())
    }

    /// At the start: what is damaged is replaced, and everything has a checksum and a copy. On a read-only medium it all stays, and is
    /// found so again at the next start.
    fn tidy_up(
        &mut self,
        found: &secret_store::Found,
        unsealed: bool,
        restored: Option<&Restored>,
        damaged: Option<&[u8]>,
        problems: &[FileProblem],
    ) {
        let (file, candidate) = (self.paths.settings(), self.saved.clone());
        let mut written = self.secret_store().repair(&found.repairs);
        if let Some(bytes) = damaged.or(restored.and_then(|restored| restored.damaged.as_deref())) {
            written = written.and_then(|()| files::replace(&self.bad(), bytes).map(drop));
        }
        let text = if damaged.is_some() {
            Some(state_file::seal(self.text(&candidate, &self.named).as_bytes()))
        } else if unsealed {
            // As it is, with what people wrote into it.
            Some(state_file::seal(&self.text))
        } else {
            restored.map(|_| self.text.clone())
        };
        if let (Ok(()), Some(text)) = (&written, text) {
            written = files::replace(&file, &text).map(drop);
            if written.is_ok() {
                self.text = text;
            }
        }
        if written.is_ok() {
            written = self.keep_good();
        }
        if damaged.is_some() {
            let error =
                written.as_ref().err().map(|error| format!("; it cannot be replaced: {error}")).unwrap_or_default();
            log::settings_aside(
                &file,
                &candidate.changed(&self.base).join(" "),
                &format!("{}{error}", joined(problems)),
            );
        } else if let Err(error) = &written {
            tracing::debug!("the state directory cannot be put in order: {error}");
        }
        // The secrets of a file that was put aside are kept until settings are changed: it may yet be repaired.
        if written.is_ok() && !self.bad().exists() {
            self.clean();
        }
    }

    /// Makes the last good generation what `settings.toml` is.
    fn keep_good(&mut self) -> Result<(), FileError> {
        let good = state_file::good(&self.paths.settings());
        self.good_due = true;
        if !files::read(&good).is_ok_and(|known| known == self.text) && !self.text.is_empty() {
            files::replace(&good, &self.text)?;
        }
        self.good_due = false;
        Ok(())
    }

    fn clean(&self) {
        self.secret_store().clean(&self.named, &self.saved.ignored);
        for file in [self.paths.settings(), self.bad(), state_file::good(&self.paths.settings())] {
            drop(files::remove(&files::temporary(&file)));
        }
    }

    /// Keeps a candidate: settings and secrets together, or nothing after an error. With `Some` it is kept, and a loss of power or damage may
    /// bring back what was there before, for this reason.
    pub fn save(&mut self, candidate: &Candidate) -> Result<Option<FileError>, FileError> {
        self.hold()?;
        let before = (&self.saved.secrets, &self.named);
        let named = self.secret_store().write(&candidate.secrets, &self.base.secrets, before);
        let written = named.and_then(|named| {
            let text = state_file::seal(self.text(candidate, &named).as_bytes());
            Ok((files::replace(&self.paths.settings(), &text)?, named, text))
        });
        let (unsynced, named, text) = match written {
            Ok(written) => written,
            Err(error) => {
                // The last good generation, and people who repair a file, may need the others.
                if !self.good_due && !self.bad().exists() {
                    self.clean();
                }
                return Err(error);
            }
        };
        (self.named, self.saved, self.text) = (named, candidate.clone(), text);
        // Until then the last good generation needs the secrets that it names.
        let kept = self.keep_good();
        if kept.is_ok() && unsynced.is_none() {
            self.clean();
        }
        Ok(unsynced.or(kept.err()))
    }

    fn text(&self, candidate: &Candidate, named: &Generations) -> String {
        let base = self.base.raw.to_table();
        let mut top: toml::Table =
            candidate.raw.to_table().into_iter().filter(|(key, v)| base.get(key) != Some(v)).collect();
        top.extend(candidate.ignored.settings.clone());
        let mut files = candidate.ignored.secrets.clone();
        files.extend(named.iter().map(|(key, n)| ((*key).to_owned(), toml::Value::Integer(*n as i64))));
        if !files.is_empty() {
            top.insert(SECRETS_TABLE.to_owned(), toml::Value::Table(files));
        }
        format!("{HEADER}{top}")
    }

    /// Whether settings could be saved now. While they could (`known`), no more is done than to ask; while they could not,
    /// the proof is a file that is really written.
    pub fn probe(&mut self, known: bool) -> Result<(), FileError> {
        use rustix::fs::Access;
        self.hold()?;
        let directory = &self.paths.state;
        let mode = Access::WRITE_OK | Access::EXEC_OK;
        files::at(directory, rustix::fs::access(directory, mode).map_err(io::Error::from))?;
        if known && !self.good_due {
            return Ok(());
        }
        let probe = directory.join("probe");
        let unsynced = files::replace(&probe, &[b'\n'; 4096])?;
        files::remove(&probe)?;
        unsynced.map_or(Ok(()), Err)?;
        if self.good_due { self.keep_good() } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
