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
use super::{Config, Draft, FileProblem, Form, Secrets};
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

/// Reads all layers. A damaged `settings.toml` is put aside; a problem in a packaged layer is fatal.
pub fn load(paths: Paths) -> Result<(Store, Draft, Config), Vec<FileProblem>> {
    let all = All::read(&paths);
    let lock = lock(&paths).ok();
    let (draft, config, aside) = match all.sum() {
        Ok((draft, config)) => (draft, config, false),
        Err(mut problems) => {
            // Without the top layer it may be right. If it is not, it must be fixed by people, who want to see it all.
            let (draft, config) = match all.lower_sum() {
                Ok(sum) => sum,
                Err(lower) => {
                    let more: Vec<_> = lower.into_iter().filter(|p| !problems.contains(p)).collect();
                    problems.extend(more);
                    return Err(problems);
                }
            };
            if lock.is_some() {
                put_aside(&paths, &problems);
            }
            (draft, config, true)
        }
    };
    let named = if aside { Generations::new() } else { all.state.generations.clone() };
    let store = Store { lower: all.lower(), saved: draft.clone(), named, lock, paths };
    // The secrets of a file that was put aside are kept until settings are saved again: it may yet be repaired.
    let orphaned = aside || (!all.state.exists && store.bad().exists());
    if store.lock.is_some() && !orphaned {
        store.clean();
    }
    Ok((store, draft, config))
}

/// Every problem of every layer, the top one too. Changes nothing.
pub fn check_config(paths: &Paths) -> Vec<FileProblem> {
    All::read(paths).sum().err().unwrap_or_default()
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
    fn read(paths: &Paths) -> Self {
        let vendor = Layer::read(&paths.vendor, Kind::Packaged);
        let (factory, given) = factory::read(paths.credentials.as_deref());
        let site = Layer::read(&paths.site, Kind::Packaged);
        let mut state = Layer::read(&paths.settings(), Kind::State);
        let vault = Vault::new(&paths.state);
        let secrets = vault.read(&given, &state.generations, &state.path).unwrap_or_else(|problems| {
            // Unknown secrets are not unset ones.
            state.legible = false;
            state.problems.extend(problems);
            given.clone()
        });
        Self { vendor, factory, site, state, given, secrets }
    }

    fn lower(&self) -> Draft {
        Draft { form: layers::form(&[&self.vendor, &self.factory, &self.site]), secrets: self.given.clone() }
    }

    fn sum(&self) -> Result<(Draft, Config), Vec<FileProblem>> {
        sum(&[&self.vendor, &self.factory, &self.site, &self.state], &self.secrets)
    }

    fn lower_sum(&self) -> Result<(Draft, Config), Vec<FileProblem>> {
        sum(&[&self.vendor, &self.factory, &self.site], &self.given)
    }
}

fn sum(layers: &[&Layer], secrets: &Secrets) -> Result<(Draft, Config), Vec<FileProblem>> {
    if layers.iter().all(|layer| layer.problems.is_empty()) {
        return layers::check(layers, secrets);
    }
    let mut problems: Vec<_> = layers.iter().flat_map(|layer| layer.problems.clone()).collect();
    problems.extend(layers::check_rest(layers, secrets));
    Err(problems)
}

fn put_aside(paths: &Paths, problems: &[FileProblem]) {
    let file = paths.settings();
    let mut texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    // On a read-only medium it stays where it is and is found damaged again at the next start.
    if let Err(error) = std::fs::rename(&file, file.with_added_extension("bad")) {
        texts.push(format!("it cannot be renamed: {error}"));
    }
    log::settings_aside(&file, &texts.join("; "));
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
        self.vault().clean(&self.named);
        drop(files::remove(&files::temporary(&self.paths.settings())));
    }

    /// Keeps a draft: settings and secrets together, or nothing.
    pub fn save(&mut self, draft: &Draft) -> Result<(), FileError> {
        if self.lock.is_none() {
            self.lock = Some(files::at(&self.paths.state, lock(&self.paths))?);
        }
        let before = (&self.saved.secrets, &self.named);
        let named = self.vault().write(&draft.secrets, &self.lower.secrets, before)?;
        files::replace(&self.paths.settings(), self.text(&draft.form, &named).as_bytes())?;
        (self.named, self.saved) = (named, draft.clone());
        self.clean();
        Ok(())
    }

    fn text(&self, form: &Form, named: &Generations) -> String {
        let table = |form: &Form| toml::Table::try_from(form).unwrap_or_default();
        let lower = table(&self.lower.form);
        let mut top: toml::Table = table(form).into_iter().filter(|(key, v)| lower.get(key) != Some(v)).collect();
        if !named.is_empty() {
            let files = named.iter().map(|(key, n)| ((*key).to_owned(), toml::Value::Integer(*n as i64))).collect();
            top.insert(SECRETS_TABLE.to_owned(), toml::Value::Table(files));
        }
        format!("{HEADER}{top}")
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
