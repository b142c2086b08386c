//! A broker: how to get, configure and start it, and one that runs.

use crate::support::broker_certificates::Certificates;
use crate::support::process::{Lines, Process, run};
use crate::support::{ROOT, free_port, within};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A virtual machine that starts on a busy machine takes its time.
const STARTUP: Duration = Duration::from_secs(180);
/// What a line of a log has when the broker took something of ours for wrong, in lower case.
const COMPLAINTS: [&str; 12] = [
    "protocol error",
    "protocol violation",
    "protocol_error",
    "malformed",
    "invalid packet",
    "exception",
    "traceback",
    "panic",
    "crash",
    "error]",
    "[err]",
    "error:",
];

/// A broker that can be had.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Where it comes from.
    pub(crate) from: &'static str,
    /// What tests/interop/install is asked for.
    pub(crate) install: &'static [&'static str],
    /// Writes its configuration, and returns what to start.
    pub(crate) commands: fn(&Site) -> Vec<Command>,
    /// What it calls its version, of its log or of a command.
    pub(crate) version: fn(&Site, &Lines) -> Option<String>,
    /// Of MQTT, as in `MqttVersion`.
    pub(crate) versions: &'static [&'static str],
    pub(crate) maximum_qos: u8,
    /// It delivers at the QoS of the subscription, even if the message was published at a lower one.
    pub(crate) raises_qos: bool,
    /// It has listeners of their own for MQTT 5.
    pub(crate) apart_for_5: bool,
    /// User and password, where it lets nobody in without.
    pub(crate) login: Option<(&'static str, &'static str)>,
    /// Lines of its log that look like complaints and are none, in lower case.
    pub(crate) harmless: &'static [&'static str],
}

impl Kind {
    /// The login, for mosquitto_sub and mosquitto_pub.
    pub(crate) fn login_options(&self) -> Vec<&'static str> {
        self.login.map_or_else(Vec::new, |(user, password)| vec!["-u", user, "-P", password])
    }

    /// To tell it from others.
    pub(crate) fn label(&self) -> String {
        format!("{} ({})", self.name, self.from)
    }
}

/// Ports of its listeners.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    /// The same as the others unless the broker has its own for MQTT 5.
    pub(crate) plain_5: u16,
    pub(crate) tls_5: u16,
}

/// Where it is installed, and where its files are.
pub(crate) struct Site {
    pub(crate) installed: PathBuf,
    pub(crate) ports: Ports,
    /// In a root of its own, where it sees its files elsewhere.
    rooted: bool,
    directory: TempDir,
}

/// Its files in a root of its own.
const INSIDE: &str = "/mnt";
/// In a mount and process namespace: its files are there, and what it starts ends with it.
const ENTER: &str = r#"set -e
mkdir -p "$1/mnt" "$1/proc" "$1/dev" "$1/tmp" "$1/run"
mount --bind "$2" "$1/mnt"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/run"
root=$1
shift 2
exec chroot "$root" "$@"
"#;

impl Site {
    /// A file for the broker, and the path by which it knows it.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.directory.path().join(name), text).expect("written");
        self.path(name)
    }

    /// The path by which the broker knows a file of its directory.
    pub(crate) fn path(&self, name: &str) -> String {
        let base = if self.rooted { Path::new(INSIDE) } else { self.directory.path() };
        base.join(name).display().to_string()
    }

    pub(crate) fn host_path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A program that ends with the test.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if self.rooted {
            command.args(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]);
            command.arg(&self.installed).arg(self.directory.path());
            command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", INSIDE).env("LANG", "C.UTF-8");
        }
        command.arg(program);
        command
    }
}

/// The first word behind this text in its log.
pub(crate) fn word_after(log: &Lines, text: &str) -> Option<String> {
    log.with(|lines| {
        let rest = lines.iter().find_map(|line| Some(line.split_once(text)?.1.trim()))?;
        let word = rest.split(|c: char| c.is_whitespace() || c == ',').next()?;
        Some(word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned())
    })
}

/// One that runs, until it is dropped.
pub(crate) struct Broker {
    pub(crate) kind: &'static Kind,
    pub(crate) certificates: Certificates,
    /// Of every run.
    pub(crate) log: Lines,
    pub(crate) site: Site,
    processes: Vec<Process>,
}

impl Broker {
    pub(crate) fn start(kind: &'static Kind) -> Self {
        let installed = run(&format!("{ROOT}/tests/interop/install"), kind.install).trim().into();
        let (plain, tls) = (free_port(), free_port());
        let (plain_5, tls_5) = if kind.apart_for_5 { (free_port(), free_port()) } else { (plain, tls) };
        let certificates = Certificates::new();
        let rooted = kind.install[0] == "debian";
        let directory = TempDir::new().expect("a directory");
        let site = Site { installed, ports: Ports { plain, tls, plain_5, tls_5 }, rooted, directory };
        site.write("ca.pem", certificates.ca.pem());
        site.write("server.pem", &certificates.server.certificate);
        site.write("server.key", &certificates.server.key);
        let mut broker = Self { kind, certificates, log: Lines::default(), site, processes: Vec::new() };
        broker.restart();
        broker
    }

    /// SIGKILL (if it runs), then a new process with the same ports and files.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let commands = (self.kind.commands)(&self.site);
        self.processes = commands.into_iter().map(|mut c| Process::start(&mut c, &self.log, &self.log)).collect();
        let Ports { plain, tls, plain_5, tls_5 } = self.site.ports;
        within(STARTUP, &format!("{} accepts clients", self.kind.name), || {
            assert!(self.processes.iter_mut().all(Process::runs), "it ended: {:#?}", self.log.all());
            let open = listening();
            let missing: Vec<_> =
                [plain, tls, plain_5, tls_5].into_iter().filter(|port| !open.contains(port)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}: {:#?}", self.log.all())) }
        });
    }

    pub(crate) fn kill(&mut self) {
        self.processes.clear();
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.processes.iter_mut().all(Process::runs)
    }

    pub(crate) fn port(&self, version: &str, tls: bool) -> u16 {
        let ports = self.site.ports;
        match (version == "5", tls) {
            (false, false) => ports.plain,
            (false, true) => ports.tls,
            (true, false) => ports.plain_5,
            (true, true) => ports.tls_5,
        }
    }

    pub(crate) fn version(&self) -> String {
        within(STARTUP, "its version", || {
            (self.kind.version)(&self.site, &self.log).ok_or_else(|| format!("{:#?}", self.log.all()))
        })
    }

    /// Lines of its log from this one on by which it says that something of ours was wrong.
    pub(crate) fn complaints(&self, from: usize) -> Vec<String> {
        let bad = |line: &&String| {
            let line = line.to_lowercase();
            COMPLAINTS.iter().any(|word| line.contains(word))
                && !self.kind.harmless.iter().any(|word| line.contains(word))
        };
        self.log.with(|lines| lines[from..].iter().filter(bad).cloned().collect())
    }
}

/// TCP ports of this machine that somebody listens at. To connect would be in the broker's log.
fn listening() -> Vec<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let port = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        (state == "0A").then(|| u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok())?
    };
    tables.iter().flat_map(|table| table.lines().filter_map(port)).collect()
}
