//! The program as people run it.

use crate::support::bus::Bus;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::{Process, output};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What it said, and its exit status.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The only line, as JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program where every user can run it, wherever the checkout is.
fn program(bus: &Bus) -> PathBuf {
    let path = bus.directory().join("cassia-bypassctl");
    if !path.exists() {
        fs::write(&path, "").expect("written");
        let mut mount = bus.command(Who::Root);
        let mounted = output(mount.args(["mount", "--bind", env!("CARGO_BIN_EXE_cassia-bypassctl")]).arg(&path));
        assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
    }
    path
}

/// Its command line, in a plain environment.
pub fn command(bus: &Bus, who: Who, words: &[&str]) -> Command {
    let program = program(bus);
    let mut command = bus.command(who);
    command.arg(program).args(words).env_remove("NO_COLOR").env("TERM", "xterm").stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Said {
    let output = output(command);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { status: output.status.code().expect("no signal"), out: text(output.stdout), err: text(output.stderr) }
}

pub fn ctl(bus: &Bus, who: Who, words: &[&str]) -> Said {
    run(&mut command(bus, who, words))
}

/// What must succeed, and say nothing on standard error.
pub fn done(bus: &Bus, who: Who, words: &[&str]) -> String {
    let said = ctl(bus, who, words);
    assert!(said.status == 0 && said.err.is_empty(), "{words:?}: {said:?}");
    said.out
}

/// The same with this on standard input.
pub fn fed(bus: &Bus, words: &[&str], input: &str) -> Said {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(input.as_bytes()).expect("written");
    std::io::Seek::rewind(&mut file).expect("a file");
    run(command(bus, Who::Admin, words).stdin(file))
}

/// A terminal of 80 columns, typed at.
pub struct Terminal {
    process: Process,
    log: PathBuf,
}

impl Terminal {
    /// With the program on it, and then its status.
    pub fn start(bus: &Bus, words: &str, environment: &[(&str, &str)]) -> Self {
        // Ctrl-C goes to the shell too, and without a trap Debian's dash dies of it before it tells the status.
        let line = format!("trap : INT; {} {words}; echo \"status $?\"", program(bus).display());
        let mut command = bus.command(Who::Root);
        // What asks for colours, or for none, wherever the tests run.
        for name in ["NO_COLOR", "CI", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm").envs(environment.iter().copied());
        Self::start_line(command, &line, bus.directory())
    }

    /// With this line of the shell. `command` runs its arguments, of which `script` gives the terminal; `directory` takes a file.
    pub fn start_line(mut command: Command, line: &str, directory: &Path) -> Self {
        let log = directory.join("terminal");
        command.args(["script", "-q", "-c", &format!("stty cols 80 rows 40; {line}"), "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(File::create(&log).expect("a file")).stderr(Stdio::null());
        Self { process: Process::spawn(&mut command), log }
    }

    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the file")).into_owned()
    }

    pub fn until(&self, text: &str) {
        eventually(&format!("{text} on the terminal"), || {
            let shown = self.shown();
            shown.contains(text).then_some(()).ok_or(shown)
        });
    }

    pub fn type_in(&mut self, text: &str) {
        let stdin = self.process.child().stdin.as_mut().expect("piped");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).expect("script reads");
    }

    /// Everything that was shown, to the end.
    pub fn ended(mut self) -> String {
        self.until("status ");
        self.process.ended();
        self.shown()
    }
}
