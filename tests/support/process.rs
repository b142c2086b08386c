//! Processes that end with the test, and waiting without guessing.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take that should happen soon.
pub const SOON: Duration = Duration::from_secs(20);

/// Polls until something is there; fails with `what` when it does not come.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {SOON:?}");
        sleep(Duration::from_millis(10));
    }
}

/// A running program, killed when dropped.
pub struct Process(Child);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        let name = command.get_program().to_owned();
        Self(command.spawn().unwrap_or_else(|e| panic!("{name:?} cannot be started: {e}")))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.id()).ok().and_then(rustix::process::Pid::from_raw).expect("process id");
        rustix::process::kill_process(id, signal).expect("our own process");
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("the end of a process", || self.0.try_wait().expect("our own process"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs a program to its end.
pub fn output(command: &mut Command) -> Output {
    let name = command.get_program().to_owned();
    command.output().unwrap_or_else(|e| panic!("{name:?} cannot be started: {e}"))
}

/// Runs a program that must succeed, and tells what it said.
pub fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = output(Command::new(program).args(arguments));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program}: {}", said(&output.stderr));
    said(&output.stdout)
}
