//! Where settings come from and where they are kept.
//!
//! Layers, the later ones on top: built-in defaults, `/usr/lib/cassia-bypass/config.toml` (vendor), systemd credentials
//! (factory), `/etc/cassia-bypass/config.toml` (site), `settings.toml` in the state directory (written by the service).
//! Secrets come from credentials, or are kept beside `settings.toml`, one file each.

use super::factory;
use super::files::{self, FileError};
use super::layer::{Generations, Kind, Layer, SECRETS_TABLE};
use super::layers;
use super::vault::Vault;
use super::{Config, Draft, FileProblem, Form, Ignored, Problem, Secrets};
use crate::log;
use std::fs::File;
use std::io;
use std::path::PathBuf;

const HEADER: &str = "# Written by cassia-bypassd: what differs from the packaged settings. Change it over D-Bus.\n";

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The vendor's layer.
    pub vendor: PathBuf,
    /// Directory of systemd's credentials: the factory's layer. Only systemd knows it.
    pub credentials: Option<PathBuf>,
    /// The site's layer.
    pub site: PathBuf,
    /// Directory of `settings.toml` and the secrets.
    pub state: PathBuf,
}

impl Default for Paths {
    /// The packaged places; systemd tells `STATE_DIRECTORY` and `CREDENTIALS_DIRECTORY`.
    fn default() -> Self {
        let told = |name| std::env::var_os(name).filter(|told| !told.is_empty()).map(PathBuf::from);
        Self {
            vendor: "/usr/lib/cassia-bypass/config.toml".into(),
            credentials: told("CREDENTIALS_DIRECTORY"),
            site: "/etc/cassia-bypass/config.toml".into(),
            state: told("STATE_DIRECTORY").unwrap_or("/var/lib/cassia-bypass".into()),
        }
    }
}

impl Paths {
    fn settings(&self) -> PathBuf {
        self.state.join("settings.toml")
    }
}

/// The place where settings are kept: knows the packaged layers and writes the top one.
#[derive(Debug)]
pub struct Store {
    paths: Paths,
    lower: Draft,
    saved: Draft,
    named: Generations,
    /// Held for as long as we live: two services must not write the same files.
    lock: Option<File>,
}

/// Why there are no settings to work with.
#[derive(Debug)]
pub enum LoadError {
    /// A packaged layer needs its author.
    Wrong(Vec<FileProblem>),
    /// A file is there and cannot be read now. It may be at the next try, so nothing is done to it.
    Unreadable(FileError),
}

/// Reads all layers. What this version does not take of `settings.toml` is ignored and kept; of a damaged one, which is copied
/// aside, what can be read is used. A problem in a packaged layer is fatal.
pub fn load(paths: Paths) -> Result<(Store, Draft, Config), LoadError> {
    let mut all = All::read(&paths).map_err(LoadError::Unreadable)?;
    if let Some(error) = all.unreadable() {
        return Err(LoadError::Unreadable(error));
    }
    let lock = lock(&paths).ok();
    let (mut draft, config, more) = all.settle().map_err(LoadError::Wrong)?;
    let problems = [all.state.problems.clone(), more].concat();
    let lower = all.lower();
    let All { state, .. } = all;
    draft.ignored = state.ignored;
    let store = Store { lower, saved: draft.clone(), named: state.generations, lock, paths };
    match state.damaged {
        Some(bytes) if store.lock.is_some() => store.put_aside(&bytes, &draft, &problems),
        // The secrets of a file that was put aside are kept until settings are changed: it may yet be repaired.
        None if store.lock.is_some() && !store.bad().exists() => store.clean(),
        _ => {}
    }
    if !draft.ignored.is_empty() {
        log::settings_ignored(&store.paths.settings(), &draft.ignored.names(), &joined(&problems));
    }
    Ok((store, draft, config))
}

fn joined(problems: &[FileProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
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
    state: Layer,
    /// Those of the factory.
    given: Secrets,
    secrets: Secrets,
}

impl All {
    fn read(paths: &Paths) -> Result<Self, FileError> {
        let vendor = Layer::read(&paths.vendor, Kind::Packaged);
        let (factory, given) = factory::read(paths.credentials.as_deref());
        let site = Layer::read(&paths.site, Kind::Packaged);
        let mut state = Layer::read(&paths.settings(), Kind::State);
        let found = Vault::new(&paths.state).read(&given, &state.generations, &state.path)?;
        for (key, problem) in found.problems {
            state.ignore(key);
            state.problems.push(problem);
        }
        Ok(Self { vendor, factory, site, state, given, secrets: found.secrets })
    }

    /// The file that may be readable at the next try, if there is one: who may not read a packaged one never will.
    fn unreadable(&mut self) -> Option<FileError> {
        let packaged = [&mut self.vendor, &mut self.site].into_iter().filter_map(|layer| layer.unreadable.take());
        let lasting = |error: &FileError| {
            matches!(error.source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory)
        };
        self.state.unreadable.take().or(packaged.into_iter().find(|error| !lasting(error)))
    }

    fn lower(&self) -> Draft {
        let form = layers::form(&[&self.vendor, &self.factory, &self.site]);
        Draft { form, secrets: self.given.clone(), ignored: Ignored::default() }
    }

    fn layers(&self) -> [&Layer; 4] {
        [&self.vendor, &self.factory, &self.site, &self.state]
    }

    /// What they add up to, without what of the state file is refused, and why that is.
    fn settle(&mut self) -> Result<(Draft, Config, Vec<FileProblem>), Vec<FileProblem>> {
        if self.layers()[..3].iter().any(|layer| !layer.problems.is_empty()) {
            return Err(self.problems());
        }
        let mut refused = Vec::new();
        loop {
            let draft = layers::draft(&self.layers(), &self.secrets);
            let problems = match Config::check(&draft) {
                Ok(config) => return Ok((draft, config, refused)),
                Err(problems) => problems,
            };
            if !self.leave_out(&problems) {
                return Err(self.problems());
            }
            refused.extend(problems.iter().map(|problem| FileProblem::of_check(&self.state.path, problem)));
        }
    }

    /// Leaves out of the state file the values that are refused; if there are none, those that make others wrong; if there are
    /// none of these, everything. False if there is nothing to leave out.
    fn leave_out(&mut self, problems: &[Problem]) -> bool {
        let held: Vec<&str> = problems.iter().map(|p| p.key).filter(|key| self.state.holder(key).is_some()).collect();
        let keys: Vec<String> = if !held.is_empty() {
            held.into_iter().map(str::to_owned).collect()
        } else {
            let related = problems.iter().flat_map(layers::related);
            let related: Vec<_> = related.filter(|key| self.state.holder(key).is_some()).map(str::to_owned).collect();
            if related.is_empty() { self.state.keys() } else { related }
        };
        for key in &keys {
            self.state.ignore(key);
            if let (Some(secret), Some((_, given))) =
                (self.secrets.get_mut(key), self.given.iter().find(|(other, _)| other == key))
            {
                *secret = given.clone();
            }
        }
        !keys.is_empty()
    }

    fn problems(&self) -> Vec<FileProblem> {
        let layers = self.layers();
        let mut problems: Vec<_> = layers.iter().flat_map(|layer| layer.problems.clone()).collect();
        problems.extend(layers::check_rest(&layers, &self.secrets));
        problems
    }
}

fn lock(paths: &Paths) -> io::Result<File> {
    // Read-only media and a missing directory are no reason not to start.
    drop(files::private_directory(&paths.state));
    let directory = File::open(&paths.state)?;
    rustix::fs::flock(&directory, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
    Ok(directory)
}

impl Store {
    /// The settings without the top layer.
    pub fn lower(&self) -> &Draft {
        &self.lower
    }

    /// The brokers that the factory's secrets are for; [`load`] has refused a damaged list.
    pub(super) fn hosts(&self) -> Vec<super::binding::NamedHost> {
        self.paths.credentials.as_deref().and_then(|directory| factory::hosts(directory).ok()).unwrap_or_default()
    }

    /// The state directory.
    pub fn directory(&self) -> &std::path::Path {
        &self.paths.state
    }

    fn bad(&self) -> PathBuf {
        self.paths.settings().with_added_extension("bad")
    }

    fn vault(&self) -> Vault {
        Vault::new(&self.paths.state)
    }

    fn clean(&self) {
        self.vault().clean(&self.named, &self.saved.ignored);
        drop(files::remove(&files::temporary(&self.paths.settings())));
    }

    /// Keeps a draft: settings and secrets together, or nothing.
    pub fn save(&mut self, draft: &Draft) -> Result<(), FileError> {
        if self.lock.is_none() {
            self.lock = Some(files::at(&self.paths.state, lock(&self.paths))?);
        }
        let before = (&self.saved.secrets, &self.named);
        let named = self.vault().write(&draft.secrets, &self.lower.secrets, before)?;
        files::replace(&self.paths.settings(), self.text(draft, &named).as_bytes())?;
        (self.named, self.saved) = (named, draft.clone());
        self.clean();
        Ok(())
    }

    fn text(&self, draft: &Draft, named: &Generations) -> String {
        let table = |form: &Form| toml::Table::try_from(form).unwrap_or_default();
        let lower = table(&self.lower.form);
        let mut top: toml::Table =
            table(&draft.form).into_iter().filter(|(key, v)| lower.get(key) != Some(v)).collect();
        top.extend(draft.ignored.settings.clone());
        let mut files = draft.ignored.secrets.clone();
        files.extend(named.iter().map(|(key, n)| ((*key).to_owned(), toml::Value::Integer(*n as i64))));
        if !files.is_empty() {
            top.insert(SECRETS_TABLE.to_owned(), toml::Value::Table(files));
        }
        format!("{HEADER}{top}")
    }

    /// Keeps a copy of a damaged file, and writes what of it is in use in its place. On a read-only medium it stays and is found
    /// damaged again at the next start.
    fn put_aside(&self, bytes: &[u8], draft: &Draft, problems: &[FileProblem]) {
        let file = self.paths.settings();
        let written = files::replace(&self.bad(), bytes)
            .and_then(|()| files::replace(&file, self.text(draft, &self.named).as_bytes()));
        let error = written.err().map(|error| format!("; it cannot be replaced: {error}")).unwrap_or_default();
        let used = draft.changed(&self.lower).join(" ");
        log::settings_aside(&file, &used, &format!("{}{error}", joined(problems)));
    }

    /// Whether settings could be saved now. While they could (`known`), no more is done than to ask; while they could not,
    /// the proof is a file that is really written.
    pub fn probe(&self, known: bool) -> Result<(), FileError> {
        use rustix::fs::Access;
        let directory = &self.paths.state;
        let mode = Access::WRITE_OK | Access::EXEC_OK;
        files::at(directory, rustix::fs::access(directory, mode).map_err(io::Error::from))?;
        if known {
            return Ok(());
        }
        let probe = directory.join("probe");
        files::replace(&probe, &[b'\n'; 4096])?;
        files::remove(&probe)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
