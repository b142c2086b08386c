//! What the factory gave this device: systemd credentials, files in a directory that only the service sees.
//!
//! `cassia-bypass.config` is a settings file as those of vendor and site; each secret is a credential of its own,
//! `cassia-bypass.password` and so on. `cassia-bypass.hosts` names the brokers that these secrets are for.

use super::binding::{NamedHost, named};
use super::files;
use super::layer::Layer;
use super::nearest::{nearest, question};
use super::syntax::host_port;
use super::{FileProblem, SECRETS, Secret, Secrets, SettingSpec};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use zeroize::Zeroizing;

const PREFIX: &str = "cassia-bypass.";
const CONFIG: &str = "config";
const HOSTS: &str = "hosts";
const HOSTS_EXPECTED: &str = "host or host:port, one a line";

/// Name of the credential of a secret.
pub(super) fn name(key: &str) -> String {
    format!("{PREFIX}{key}")
}

/// What the credentials hold.
pub(super) struct Factory {
    /// The settings; the secrets are noted in it.
    pub(super) layer: Layer,
    pub(super) secrets: Secrets,
    /// The brokers that the secrets may go to, whoever sets them.
    pub(super) hosts: Vec<NamedHost>,
}

impl Factory {
    /// Reads the directory; without one there is nothing.
    pub(super) fn read(directory: Option<&Path>) -> Self {
        let layer =
            directory.map_or(Layer::empty(Path::new("")), |directory| Layer::read(&directory.join(name(CONFIG))));
        let mut factory = Self { layer, secrets: Secrets::default(), hosts: Vec::new() };
        let Some(directory) = directory else { return factory };
        for known in SECRETS {
            factory.take(&directory.join(name(known.key)), Some(known.key), |factory, path, bytes| {
                *factory.secrets.get_mut(known.key).expect("a key of the table") = secret(path, known, bytes)?;
                Ok(())
            });
        }
        factory.take(&directory.join(name(HOSTS)), None, |factory, path, bytes| {
            factory.hosts = hosts(path, bytes)?;
            Ok(())
        });
        factory.layer.problems.extend(unknown_credentials(directory));
        factory
    }

    /// Reads one file, if it is there, and notes a problem. One that exists but is unreadable is noted, too: dependants must not
    /// report it as unset.
    fn take(
        &mut self,
        path: &Path,
        key: Option<&'static str>,
        parse: impl FnOnce(&mut Self, &Path, &[u8]) -> Result<(), FileProblem>,
    ) {
        match files::read(path).map(Zeroizing::new) {
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => self.layer.cannot_read(path, error),
            Ok(bytes) => match parse(self, path, &bytes) {
                Err(problem) => self.layer.mark_unreadable(problem),
                Ok(()) if key.is_none() => return,
                Ok(()) => {}
            },
        }
        self.layer.exists = true;
        self.layer.credentials.extend(key.map(|key| (key, path.to_owned())));
    }
}

/// A list of brokers, at least one.
fn hosts(path: &Path, bytes: &[u8]) -> Result<Vec<NamedHost>, FileProblem> {
    let refuse = |found: String| FileProblem::of_key(path, HOSTS, HOSTS_EXPECTED, Some(found));
    let text = str::from_utf8(bytes).map_err(|_| refuse(ErrorKind::InvalidData.to_string()))?;
    let lines = text.lines().map(str::trim).enumerate();
    let mut list = Vec::new();
    for (place, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (host, port) = host_port(line).ok_or_else(|| refuse(format!("line {} is none", place + 1)))?;
        list.push(named(host, port));
    }
    if list.is_empty() { Err(refuse("it names none".to_owned())) } else { Ok(list) }
}

/// One secret. The line end that an editor leaves is none of it.
fn secret(path: &Path, known: &SettingSpec, bytes: &[u8]) -> Result<Secret, FileProblem> {
    let refuse = |found: &str| Err(FileProblem::of_key(path, known.key, known.expected, Some(found.to_owned())));
    let Ok(text) = str::from_utf8(bytes) else { return refuse("found other bytes than UTF-8 text") };
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return refuse("it is empty");
    }
    Ok(Secret::from(line.to_owned()))
}

/// Credentials that are meant for us and have no name that we know.
fn unknown_credentials(directory: &Path) -> Vec<FileProblem> {
    let known = || SECRETS.iter().map(|s| s.key).chain([CONFIG, HOSTS]);
    let mut names: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.file_name()).collect();
    names.sort();
    let strange = names.iter().filter_map(|name| name.to_str()?.strip_prefix(PREFIX));
    let problem = |key: &str| {
        let near: Vec<String> = nearest(key, known()).into_iter().map(name).collect();
        let near = question(&near.iter().map(String::as_str).collect::<Vec<_>>());
        FileProblem::of_key(&directory.join(name(key)), key, "a known credential", near)
    };
    strange.filter(|key| !known().any(|other| other == *key)).map(problem).collect()
}
