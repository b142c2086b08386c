//! The service as systemd would start it: its user, its directories, READY=1.

use super::bus::Bus;
use super::datagrams::Datagrams;
use super::eventually;
use super::identities::Who;
use super::process::{Process, output};
use rustix::process::Signal;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

/// A running service, killed when dropped.
pub struct Service {
    process: Process,
    told: Datagrams,
}

impl Bus {
    /// The file of a layer of settings.
    pub fn layer(&self, name: &str) -> PathBuf {
        self.directory().join(format!("{name}.toml"))
    }

    /// The state directory, made for the service's user when first asked for.
    pub fn state(&self) -> PathBuf {
        let state = self.directory().join("state");
        if !state.exists() {
            fs::create_dir(&state).expect("directory");
            fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).expect("permissions");
            self.give(&state);
        }
        state
    }

    /// Makes the service's user the owner.
    pub fn give(&self, path: &std::path::Path) {
        let (user, group) = self.identities().ids(Who::Service);
        chown(path, Some(user), Some(group)).expect("chown");
    }

    /// All that the service said, from its first start on.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory().join("log")).unwrap_or_default()
    }

    /// The service's command line. Every line that it can log goes to [`log`](Self::log).
    pub fn service(&self) -> Command {
        let log = OpenOptions::new().create(true).append(true).open(self.directory().join("log")).expect("log");
        let mut command = self.command(Who::Service);
        command.arg(self.program()).arg("--vendor-config").arg(self.layer("vendor"));
        command.arg("--config").arg(self.layer("site"));
        command.env("STATE_DIRECTORY", self.state()).env("RUST_LOG", "trace").env_remove("JOURNAL_STREAM");
        command.stderr(log);
        command
    }

    /// Starts the service and waits until it says that it is ready.
    pub fn start_service(&self) -> Service {
        self.start_service_with(&[])
    }

    /// The same with more arguments.
    pub fn start_service_with(&self, arguments: &[&str]) -> Service {
        self.until_ready(self.service().args(arguments))
    }

    /// The same with what the factory gave.
    pub fn start_service_given(&self, credentials: &std::path::Path) -> Service {
        self.until_ready(self.service().env("CREDENTIALS_DIRECTORY", credentials))
    }

    /// The same with systemd's watchdog on.
    pub fn start_service_watched(&self, arguments: &[&str], limit: Duration) -> Service {
        self.until_ready(self.service().args(arguments).env("WATCHDOG_USEC", limit.as_micros().to_string()))
    }

    /// The same with the state directory of another bus.
    pub fn start_service_in(&self, state: &std::path::Path, arguments: &[&str]) -> Service {
        self.until_ready(self.service().args(arguments).env("STATE_DIRECTORY", state))
    }

    /// The same with the log of a service in the field.
    pub fn start_service_quietly(&self, arguments: &[&str]) -> Service {
        self.until_ready(self.service().args(arguments).env("RUST_LOG", "info"))
    }

    fn until_ready(&self, command: &mut Command) -> Service {
        let path = self.directory().join("notify");
        let told = Datagrams::listen(&path);
        let mut service = Service { process: Process::spawn(command.env("NOTIFY_SOCKET", &path)), told };
        eventually("READY=1", || {
            assert!(service.process.runs(), "the service ended: {}", self.log());
            service.told().iter().any(|line| line == "READY=1")
        });
        service
    }

    /// Runs the service to an end that must come by itself.
    pub fn failed_start(&self) -> Output {
        let mut process = Process::spawn(&mut self.service());
        let status = process.ended();
        Output { status, stdout: Vec::new(), stderr: self.log().into_bytes() }
    }

    /// `cassia-bypassd --check-config`.
    pub fn check_config(&self) -> Output {
        output(self.service().arg("--check-config"))
    }
}

impl Service {
    /// The way systemd stops it.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.process.ended()
    }

    /// The way systemd begins to stop it.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// The way the power stops it.
    pub fn kill(mut self) {
        self.kill_now();
    }

    /// The same for one that is kept.
    pub fn kill_now(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended();
    }

    /// SIGSTOP.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.process.runs()
    }

    /// What it told systemd so far, line by line.
    pub fn told(&self) -> Vec<String> {
        self.told.lines()
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its end, which must come by itself.
    pub fn ended(&mut self) -> ExitStatus {
        self.process.ended()
    }
}
