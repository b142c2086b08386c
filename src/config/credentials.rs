//! What the factory gave this device: systemd credentials, files in a directory that only the service sees.
//!
//! `cassia-bypass.config` is a settings file as those of vendor and site; each secret is a credential of its own,
//! `cassia-bypass.password` and so on. `cassia-bypass.hosts` names the brokers that these secrets are for.

use super::binding::{NamedHost, named};
use super::files;
use super::layer::Layer;
use super::nearest::{nearest, question};
use super::syntax::host_port;
use super::{FileProblem, SECRETS, Secret, Secrets, Setting};
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

/// The layer, its secrets noted in it, and they themselves. Without the directory there is nothing.
pub(super) fn read(directory: Option<&Path>) -> (Layer, Secrets) {
    let mut secrets = Secrets::default();
    let Some(directory) = directory else { return (Layer::empty(Path::new("")), secrets) };
    let mut layer = Layer::read(&directory.join(name(CONFIG)));
    for known in SECRETS {
        let path = directory.join(name(known.key));
        let bytes = match files::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                layer.cannot_read(&path, error);
                (layer.exists, _) = (true, layer.credentials.insert(known.key, path));
                continue;
            }
        };
        match secret(&path, known, &bytes) {
            Ok(text) => {
                if let Some(place) = secrets.get_mut(known.key) {
                    *place = text;
                }
            }
            // The credential exists but is unreadable: dependants must not report it as unset.
            Err(problem) => layer.give_up(problem),
        }
        layer.exists = true;
        layer.credentials.insert(known.key, path);
    }
    let path = directory.join(name(HOSTS));
    match files::read(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            layer.exists = true;
            layer.cannot_read(&path, error);
        }
        _ => {
            if let Err(problem) = hosts(directory) {
                layer.exists = true;
                layer.give_up(problem);
            }
        }
    }
    layer.problems.extend(strangers(directory));
    (layer, secrets)
}

/// The brokers that the factory's secrets may go to, whoever sets them; none without such a credential.
pub(super) fn hosts(directory: &Path) -> Result<Vec<NamedHost>, FileProblem> {
    let path = directory.join(name(HOSTS));
    let refuse = |found: String| FileProblem::of_key(&path, HOSTS, HOSTS_EXPECTED, Some(found));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(refuse(error.kind().to_string())),
    };
    let lines = text.lines().map(str::trim).enumerate();
    let mut list = Vec::new();
    for (place, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (host, port) = host_port(line).ok_or_else(|| refuse(format!("line {} is none", place + 1)))?;
        list.push(named(host, port));
    }
    if list.is_empty() { Err(refuse("it names none".to_owned())) } else { Ok(list) }
}

/// One secret. The line end that an editor leaves is none of it.
fn secret(path: &Path, known: &Setting, bytes: &[u8]) -> Result<Secret, FileProblem> {
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
fn strangers(directory: &Path) -> Vec<FileProblem> {
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
