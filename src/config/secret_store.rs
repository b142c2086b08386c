//! Secrets at rest: one file of mode 0600 for each value that a secret ever had. `settings.toml` names the one that counts,
//! so that its rename commits settings and secrets together. A secret that it does not name is the factory's.
//!
//! The file is the secret and nothing else, as every version reads it; its checksum stands in a copy of the same name, in
//! `secrets.good`, which takes over if the file is damaged.

use super::files::{self, FileError};
use super::layer::Generations;
use super::{FileProblem, Ignored, SECRETS, Secret, Secrets};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Instead of a file's number: there is none, although the factory gave one.
const NONE: u64 = 0;
/// First words of a copy; the number is its version. The checksum and a line feed follow, then the secret.
const MAGIC: &[u8] = b"cassia-bypassd secret 1 ";

/// Secrets, and what is wrong with the files of some of them, by key.
pub(super) struct Found {
    pub(super) secrets: Secrets,
    pub(super) problems: Vec<(&'static str, FileProblem)>,
    /// Files that are damaged, and copies that took over.
    pub(super) restored: Vec<(&'static str, PathBuf)>,
    /// Files and copies that are not as they should be, with what they should hold.
    pub(super) repairs: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
}

/// What was found of a file of a secret.
enum Text {
    Read(Zeroizing<Vec<u8>>),
    Gone(io::Error),
    /// The medium fails.
    Lost(io::Error),
}

impl Text {
    fn read(path: &Path) -> Result<Self, FileError> {
        match files::read(path) {
            Ok(bytes) => Ok(Self::Read(Zeroizing::new(bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::Gone(error)),
            Err(error) if files::is_medium(&error) => Ok(Self::Lost(error)),
            Err(source) => Err(FileError { path: path.to_owned(), source }),
        }
    }
}

/// A copy: its checksum, if it has one, and the secret. Of another version there is nothing to know.
struct Copy<'a> {
    sum: Option<&'a [u8]>,
    secret: &'a [u8],
}

impl<'a> Copy<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let sum = bytes[..end].strip_prefix(MAGIC).filter(|sum| sum.len() == 8);
        Some(Self { sum, secret: &bytes[end + 1..] })
    }
}

/// Over the name as well: a secret that changed places is none.
fn sum(key: &str, generation: u64, secret: &[u8]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(format!("{key}.{generation}\n").as_bytes());
    hasher.update(secret);
    format!("{:08x}", hasher.finalize())
}

fn copy(key: &str, generation: u64, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([MAGIC, sum(key, generation, secret).as_bytes(), b"\n", secret].concat())
}

pub(super) struct SecretStore {
    directory: PathBuf,
    good: PathBuf,
}

impl SecretStore {
    pub(super) fn new(state: &Path) -> Self {
        Self { directory: state.join("secrets"), good: state.join("secrets.good") }
    }

    fn path(&self, key: &str, generation: u64) -> PathBuf {
        self.directory.join(format!("{key}.{generation}"))
    }

    fn copy_path(&self, key: &str, generation: u64) -> PathBuf {
        self.good.join(format!("{key}.{generation}"))
    }

    /// Those of the factory, and in their place the secrets that a settings file names. A file that is gone or damaged, and whose copy
    /// does not help, is a problem of its key; one that cannot be read may be good at the next try. Copies count beside a settings
    /// file that is `sealed`: else a version that makes none may have been there in between.
    pub(super) fn read(
        &self,
        given: &Secrets,
        named: &Generations,
        file: &Path,
        sealed: bool,
    ) -> Result<Found, FileError> {
        let (problems, restored, repairs) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = Found { secrets: given.clone(), problems, restored, repairs };
        for (key, generation) in named {
            let text = match generation {
                &NONE => Ok(Zeroizing::default()),
                generation => self.find(key, *generation, sealed, &mut found)?,
            };
            let text = text.and_then(|mut text| {
                String::from_utf8(std::mem::take(&mut *text))
                    .map_err(|_| "found other bytes than UTF-8 text".to_owned())
            });
            match (text, found.secrets.get_mut(key)) {
                (Ok(text), Some(secret)) => *secret = Secret::from(text),
                (Err(why), _) => {
                    let expected = format!("the readable file {}", self.path(key, *generation).display());
                    let problem = FileProblem::of_key(file, &format!("secrets.{key}"), expected, Some(why));
                    found.problems.push((key, problem));
                }
                (Ok(_), None) => {}
            }
        }
        Ok(found)
    }

    /// The secret of a file or of its copy; an error that says why it is neither.
    fn find(
        &self,
        key: &'static str,
        generation: u64,
        sealed: bool,
        found: &mut Found,
    ) -> Result<Result<Zeroizing<Vec<u8>>, String>, FileError> {
        let (path, copy_path) = (self.path(key, generation), self.copy_path(key, generation));
        let (text, copied) = (Text::read(&path)?, Text::read(&copy_path)?);
        let whole = match &copied {
            Text::Read(bytes) if sealed => Copy::of(bytes),
            _ => None,
        };
        let is_right = |secret: &[u8]| {
            whole
                .as_ref()
                .and_then(|copy| copy.sum)
                .is_some_and(|sum| sum == self::sum(key, generation, secret).as_bytes())
        };
        let from_copy = whole.as_ref().filter(|copy| is_right(copy.secret)).map(|copy| copy.secret);
        // Without a checksum the file is as good as any; two that agree are right as well.
        let unknown = whole.as_ref().is_none_or(|copy| copy.sum.is_none());
        let agrees = |secret: &[u8]| whole.as_ref().is_some_and(|copy| copy.secret == secret);
        let (secret, repair) = match (text, from_copy) {
            (Text::Read(text), _) if is_right(&text) || agrees(&text) || (unknown && from_copy.is_none()) => {
                (text, false)
            }
            (Text::Read(_), Some(copy)) => (Zeroizing::new(copy.to_vec()), true),
            (Text::Read(_), None) => return Ok(Err("it is damaged, and so is its copy".to_owned())),
            (Text::Gone(_), Some(copy)) => (Zeroizing::new(copy.to_vec()), true),
            (Text::Lost(_), Some(copy)) => {
                found.restored.push((key, path));
                return Ok(Ok(Zeroizing::new(copy.to_vec())));
            }
            (Text::Gone(error), None) => return Ok(Err(error.kind().to_string())),
            (Text::Lost(source), None) => return Err(FileError { path, source }),
        };
        if repair {
            found.restored.push((key, path.clone()));
            found.repairs.push((path, secret.clone()));
        }
        let wanted = copy(key, generation, &secret);
        let foreign = matches!(&copied, Text::Read(bytes) if sealed && is_foreign(bytes, &wanted));
        let as_it_should = matches!(&copied, Text::Read(bytes) if **bytes == *wanted);
        if !as_it_should && !foreign && !matches!(copied, Text::Lost(_)) {
            found.repairs.push((copy_path, wanted));
        }
        Ok(Ok(secret))
    }

    /// Writes what is not as it should be.
    pub(super) fn repair(&self, repairs: &[(PathBuf, Zeroizing<Vec<u8>>)]) -> Result<(), FileError> {
        for (path, bytes) in repairs {
            path.parent().map_or(Ok(()), files::private_directory)?;
            files::replace(path, bytes)?;
        }
        Ok(())
    }

    /// Writes the secrets that are new and not the factory's, each with its copy; `before` are the last ones and their files.
    /// Nothing counts until the settings file names it.
    pub(super) fn write(
        &self,
        new: &Secrets,
        given: &Secrets,
        before: (&Secrets, &Generations),
    ) -> Result<Generations, FileError> {
        let (old, named) = before;
        let mut generations = Generations::new();
        let mut written = false;
        for (key, secret) in new.iter() {
            if given.get(key) == Some(secret) {
                continue;
            }
            let generation = match named.get(key) {
                _ if secret.is_empty() => NONE,
                Some(generation) if old.get(key) == Some(secret) => *generation,
                _ => {
                    files::private_directory(&self.directory)?;
                    files::private_directory(&self.good)?;
                    let next = self.files().filter(|f| f.0 == key).map(|f| f.1).max().unwrap_or(0) + 1;
                    files::write_new(&self.path(key, next), secret.expose().as_bytes())?;
                    files::write_new(&self.copy_path(key, next), &copy(key, next, secret.expose().as_bytes()))?;
                    written = true;
                    next
                }
            };
            generations.insert(key, generation);
        }
        if written {
            files::sync_parent(&self.path("", 0))?;
            files::sync_parent(&self.copy_path("", 0))?;
            files::sync_parent(&self.directory)?;
        }
        Ok(generations)
    }

    /// Removes the secret files that are not named: old values, and what an interrupted save left.
    pub(super) fn clean(&self, named: &Generations, ignored: &Ignored) {
        for (key, generation) in self.files() {
            if named.get(key) != Some(&generation) && !ignored.keeps(key, generation) {
                // A file that stays is tried again after the next save and at the next start.
                for path in [self.path(key, generation), self.copy_path(key, generation)] {
                    drop(files::remove(&path));
                }
            }
        }
        for directory in [&self.directory, &self.good] {
            let unfinished = names(directory)
                .filter(|name| name.ends_with(".new") && parsed(name.trim_end_matches(".new")).is_some());
            unfinished.for_each(|name| drop(files::remove(&directory.join(name))));
        }
    }

    fn files(&self) -> impl Iterator<Item = (&'static str, u64)> {
        names(&self.directory).chain(names(&self.good)).filter_map(|name| parsed(&name))
    }
}

/// Another version of the copy, and not this one with a number that is damaged.
fn is_foreign(bytes: &[u8], wanted: &[u8]) -> bool {
    let digit = MAGIC.len() - 2;
    let number = bytes.strip_prefix(&MAGIC[..digit]).and_then(|rest| rest.split(|byte| *byte == b' ').next());
    let is_number =
        number.is_some_and(|n| n != b"1" && !n.is_empty() && n.len() < 4 && n.iter().all(u8::is_ascii_digit));
    is_number && bytes.get(digit + 1..) != wanted.get(digit + 1..)
}

fn names(directory: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Key and number of a file.
fn parsed(name: &str) -> Option<(&'static str, u64)> {
    let (key, generation) = name.split_once('.')?;
    let key = SECRETS.iter().find(|s| s.key == key)?.key;
    Some((key, generation.parse().ok()?))
}
