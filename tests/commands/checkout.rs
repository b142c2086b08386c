//! A checkout in miniature: the commands as they are, and in place of what they call programs that only note the call.

use crate::support::ROOT;
use crate::support::process::output;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Scripts that are the real ones.
const REAL: [&str; 7] = [
    "check",
    "demo",
    "tests/install.sh",
    "tests/steps.sh",
    "tests/radio/host",
    "tests/radio/kernel",
    "tests/radio/boot",
];
/// Scripts of the checkout that only note that they were called.
const NOTED: [&str; 9] = [
    "tests/console/modules",
    "tests/docs/ansible",
    "tests/docs/asyncapi",
    "tests/docs/zbus-xmlgen",
    "tests/layer/lint",
    "tests/radio/demo",
    "tests/cross/run",
    "benches/instructions",
    "fuzz/run",
];
const TARGETS: [&str; 5] = ["appliance", "broker", "bus", "chaos", "radio"];

/// See the module.
pub(crate) struct Checkout(TempDir);

/// How a command ended.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    /// Both streams.
    pub(crate) said: String,
    /// The programs that were called in place of the real ones, a line each.
    pub(crate) called: Vec<String>,
}

impl Outcome {
    /// Whether a call began with these words and had these others in it.
    pub(crate) fn calls(&self, begin: &str, with: &str) -> bool {
        self.called.iter().any(|line| line.starts_with(begin) && line.contains(with))
    }
}

impl Checkout {
    /// On a machine that `uname -m` names so. A call that contains `fails` fails.
    pub(crate) fn new(machine: &str, fails: &str) -> Self {
        let checkout = Self(tempfile::tempdir().expect("a directory"));
        for script in REAL {
            let content = fs::read_to_string(Path::new(ROOT).join(script)).expect(script);
            checkout.script(script, &content);
        }
        let note = checkout.noting(fails);
        for script in NOTED {
            checkout.script(script, &format!("#!/bin/bash\nset -- {script} \"$@\"\n{note}"));
        }
        for target in TARGETS {
            checkout.script(&format!("tests/{target}/main.rs"), "");
        }
        // Found first: the scripts put the cargo of this home before all others.
        for program in ["cargo", "rustc", "npm", "apt-get"] {
            let answer = if program == "cargo" { "[[ $* != *--version* ]] || echo cargo-deny 0.20.2\n" } else { "" };
            let metadata = "[[ $* != *metadata* ]] || echo '{\"target_directory\":\"target\"}'\n";
            let text = format!("#!/bin/bash\n{answer}{metadata}set -- {program} \"$@\"\n{note}");
            checkout.script(&format!("home/.cargo/bin/{program}"), &text);
        }
        checkout.script("home/.cargo/bin/uname", &format!("#!/bin/bash\necho {machine}\n"));
        checkout.script("home/.cargo/bin/dpkg-query", "#!/bin/bash\necho install ok installed\n");
        checkout
    }

    fn noting(&self, fails: &str) -> String {
        let calls = self.0.path().join("calls");
        let fails = if fails.is_empty() { "no call is like this" } else { fails };
        let failure = "echo 'test words::words_are_right ... FAILED'; echo \"thread 'words::words_are_right' panicked at here\"; exit 1";
        format!("echo \"$*\" >>'{}'\n[[ $* != *'{fails}'* ]] || {{ {failure}; }}\n", calls.display())
    }

    /// Adds a script.
    pub(crate) fn script(&self, path: &str, content: &str) -> std::path::PathBuf {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, content).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    /// What is in this file.
    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// What is in this directory.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.path().join(path)).expect("a directory");
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// The kernel of the radio bench is this script.
    pub(crate) fn kernel(&self, body: &str) {
        self.script("kernel", &format!("#!/bin/bash\n{body}\n"));
    }

    /// A kernel whose guest runs and ends well, without a guest.
    pub(crate) fn booting_kernel(&self) {
        self.kernel("for a; do case $a in CASSIA_DIR=*) d=${a#*=};; esac; done; touch $d/userland; echo 0 >$d/status");
    }

    /// Runs a command of the checkout to its end.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Outcome {
        let root = self.0.path();
        let done = output(
            Command::new(root.join(command))
                .args(arguments)
                .env_clear()
                .env("PATH", format!("{}/home/.cargo/bin:/usr/bin:/bin:/usr/sbin:/sbin", root.display()))
                .env("HOME", root.join("home"))
                .env("CASSIA_UML", root.join("kernel"))
                .stdin(std::process::Stdio::null()),
        );
        let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let called = fs::read_to_string(root.join("calls")).unwrap_or_default();
        Outcome { code: done.status.code(), said, called: called.lines().map(str::to_owned).collect() }
    }
}
