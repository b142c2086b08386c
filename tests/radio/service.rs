//! The service as its unit runs it: own user, one capability, own directories.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::process::Process;

const USER: &str = "cassia-bypass";
/// The build directory may be under a home that others cannot enter.
const PROGRAM: &str = "/run/bench/cassia-bypassd";
/// What systemd makes, and says in an environment variable.
const DIRECTORIES: [(&str, &str); 3] = [
    ("RUNTIME_DIRECTORY", "/run/cassia-bypass"),
    ("STATE_DIRECTORY", "/var/lib/cassia-bypass"),
    ("CONFIGURATION_DIRECTORY", "/etc/cassia-bypass"),
];

/// How to start the service.
#[derive(Debug)]
pub(crate) struct Service {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    net_raw: bool,
    own_network: bool,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self { arguments: Vec::new(), environment: Vec::new(), net_raw: true, own_network: false }
    }

    /// One more argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// One more environment variable.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Without CAP_NET_RAW: no monitor channel.
    pub(crate) fn without_net_raw(mut self) -> Self {
        self.net_raw = false;
        self
    }

    /// In a network namespace of its own, as in a container.
    pub(crate) fn in_own_network(mut self) -> Self {
        self.own_network = true;
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> Process {
        install();
        let capabilities = if self.net_raw { "-all,+net_raw" } else { "-all" };
        let mut command = Command::new(if self.own_network { "unshare" } else { "setpriv" });
        if self.own_network {
            command.args(["--net", "setpriv"]);
        }
        command
            .args(["--reuid", USER, "--regid", USER, "--init-groups", "--no-new-privs"])
            .args(["--inh-caps", capabilities, "--ambient-caps", capabilities, "--bounding-set", capabilities])
            .arg(PROGRAM)
            .args(self.arguments)
            .envs(DIRECTORIES)
            .envs(self.environment);
        Process::start("service", &mut command)
    }
}

/// The program where its user can run it, and the directories of the unit.
fn install() {
    if !Path::new(PROGRAM).exists() {
        fs::write(PROGRAM, "").expect("a place for the program");
        let mut mount = Command::new("mount");
        mount.args(["--bind", env!("CARGO_BIN_EXE_cassia-bypassd"), PROGRAM]);
        assert!(mount.status().expect("mount").success(), "the program's mount");
    }
    let owner = Command::new("id").args(["-u", USER]).output().expect("id");
    let owner: u32 = String::from_utf8_lossy(&owner.stdout).trim().parse().expect("the service's user");
    for (_, directory) in DIRECTORIES {
        fs::create_dir_all(directory).expect(directory);
        fs::set_permissions(directory, fs::Permissions::from_mode(0o750)).expect(directory);
        chown(directory, Some(owner), Some(owner)).expect(directory);
    }
}
