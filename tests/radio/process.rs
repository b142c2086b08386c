//! Programs that run beside a test in the guest.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::guest::eventually;

/// How long a program may take to end after a signal.
const END: Duration = Duration::from_secs(20);

/// A running program whose output is shown and kept. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Mutex<Child>,
    pid: Pid,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `command`; `name` marks its lines in the test's output.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: {command:?}: {e}"));
        let lines = Arc::default();
        keep(name, child.stdout.take().expect("piped"), &lines);
        keep(name, child.stderr.take().expect("piped"), &lines);
        let pid = Pid::from_child(&child);
        Self { name: name.to_owned(), child: Mutex::new(child), pid, lines }
    }

    /// Process id.
    pub(crate) fn id(&self) -> Pid {
        self.pid
    }

    /// What it wrote so far, stdout and stderr, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its lines that are JSON.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap_or_else(|e| panic!("{}: {e}", self.name));
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().expect("wait for a child")
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(&self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        eventually(END, &format!("{} ends", self.name), || self.ended())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
        }
    }
}

fn keep(name: &str, from: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let (name, lines) = (name.to_owned(), Arc::clone(lines));
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            println!("[{name}] {line}");
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}
