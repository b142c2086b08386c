//! Secrets at rest: one file of mode 0600 for each value that a secret ever had. `settings.toml` names the one that counts,
//! so that its rename commits settings and secrets together. A secret that it does not name is the factory's.

use super::files::{self, FileError};
use super::layer::Generations;
use super::{FileProblem, Ignored, SECRETS, Secret, Secrets};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Instead of a file's number: there is none, although the factory gave one.
const NONE: u64 = 0;

/// Secrets, and what is wrong with the files of some of them, by key.
pub(super) struct Found {
    pub(super) secrets: Secrets,
    pub(super) problems: Vec<(&'static str, FileProblem)>,
}

pub(super) struct Vault {
    directory: PathBuf,
}

impl Vault {
    pub(super) fn new(state: &Path) -> Self {
        Self { directory: state.join("secrets") }
    }

    fn path(&self, key: &str, generation: u64) -> PathBuf {
        self.directory.join(format!("{key}.{generation}"))
    }

    /// Those of the factory, and in their place the secrets that a settings file names. A file that is gone or is no text is a
    /// problem of its key; one that cannot be read may be good at the next try.
    pub(super) fn read(&self, given: &Secrets, named: &Generations, file: &Path) -> Result<Found, FileError> {
        let (mut secrets, mut problems) = (given.clone(), Vec::new());
        for (key, generation) in named {
            if *generation == NONE {
                if let Some(secret) = secrets.get_mut(key) {
                    *secret = Secret::default();
                }
                continue;
            }
            let expected = || format!("the readable file {}", self.path(key, *generation).display());
            match std::fs::read_to_string(self.path(key, *generation)) {
                Ok(text) => {
                    if let Some(secret) = secrets.get_mut(key) {
                        *secret = Secret::from(text);
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
                    let found = Some(error.kind().to_string());
                    problems.push((*key, FileProblem::of_key(file, &format!("secrets.{key}"), expected(), found)));
                }
                Err(source) => return Err(FileError { path: self.path(key, *generation), source }),
            }
        }
        Ok(Found { secrets, problems })
    }

    /// Writes the secrets that are new and not the factory's; `before` are the last ones and their files. Nothing counts
    /// until the settings file names it.
    pub(super) fn write(
        &self,
        new: &Secrets,
        given: &Secrets,
        before: (&Secrets, &Generations),
    ) -> Result<Generations, FileError> {
        let (old, named) = before;
        let mut generations = Generations::new();
        let mut written = false;
        for (((key, secret), (_, given)), (_, before)) in new.iter().zip(given.iter()).zip(old.iter()) {
            if secret == given {
                continue;
            }
            let generation = match named.get(key) {
                _ if secret.is_empty() => NONE,
                Some(generation) if secret == before => *generation,
                _ => {
                    files::private_directory(&self.directory)?;
                    let next = self.files().filter(|f| f.0 == key).map(|f| f.1).max().unwrap_or(0) + 1;
                    files::write_new(&self.path(key, next), secret.expose().as_bytes())?;
                    written = true;
                    next
                }
            };
            generations.insert(key, generation);
        }
        if written {
            files::sync_parent(&self.path("", 0))?;
            files::sync_parent(&self.directory)?;
        }
        Ok(generations)
    }

    /// Removes the secret files that are not named: old values, and what an interrupted save left.
    pub(super) fn clean(&self, named: &Generations, ignored: &Ignored) {
        for (key, generation) in self.files() {
            if named.get(key) != Some(&generation) && !ignored.keeps(key, generation) {
                // A file that stays is tried again after the next save and at the next start.
                drop(files::remove(&self.path(key, generation)));
            }
        }
    }

    fn files(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.file_name();
            let (key, generation) = name.to_str()?.split_once('.')?;
            let key = SECRETS.iter().find(|s| s.key == key)?.key;
            Some((key, generation.parse().ok()?))
        })
    }
}
