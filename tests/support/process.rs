//! A child process whose lines are collected, and which ends with the test.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Lines, shared with the threads that read them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic while held").clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().expect("no panic while held").len()
    }

    /// Lines that contain this text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.0.lock().expect("no panic while held").iter().filter(|line| line.contains(text)).count()
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    /// Reads a stream to its end on a thread of its own.
    pub(crate) fn collect(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let lines = self.0.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                lines.lock().expect("no panic while held").push(line);
            }
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts it; what it prints goes to `out` and `err`. A missing program fails the test.
    pub(crate) fn start(command: &mut Command, out: &Lines, err: &Lines) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{:?} is needed and does not start: {error}", command.get_program()),
        };
        let readers =
            vec![out.collect(child.stdout.take().expect("piped")), err.collect(child.stderr.take().expect("piped"))];
        Self { child, readers }
    }

    /// Sends a signal to this process.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")).expect("not 0");
        kill_process(id, signal).expect("our own child");
    }

    /// SIGKILL, and all that it printed is collected afterwards.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.readers.drain(..).for_each(|reader| drop(reader.join()));
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("our own child")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
