//! Child processes that end with the test, and their lines.

use super::{eventually, within};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines, shared with the threads that read them.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        self.with(<[String]>::to_vec)
    }

    pub fn with<T>(&self, read: impl FnOnce(&[String]) -> T) -> T {
        read(&self.0.lock().expect("no panic while held"))
    }

    pub fn len(&self) -> usize {
        self.with(<[String]>::len)
    }

    /// Lines that contain this text.
    pub fn count(&self, text: &str) -> usize {
        self.with(|lines| lines.iter().filter(|line| line.contains(text)).count())
    }

    pub fn contains(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    /// Reads a stream to its end on a thread of its own.
    pub fn collect(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let lines = self.0.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                lines.lock().expect("no panic while held").push(line);
            }
        })
    }
}

/// A running program, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts it. A missing program fails the test.
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.spawn();
        let child = child.unwrap_or_else(|e| panic!("{:?} cannot be started: {e}", command.get_program()));
        Self { child, readers: Vec::new() }
    }

    /// Starts it; what it prints goes to `out` and `err`.
    pub fn start(command: &mut Command, out: &Lines, err: &Lines) -> Self {
        let mut process = Self::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let Child { stdout, stderr, .. } = &mut process.child;
        process.readers = vec![out.collect(stdout.take().expect("piped")), err.collect(stderr.take().expect("piped"))];
        process
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("our own child");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("the end of a process", || self.child.try_wait().expect("our own child"))
    }

    /// SIGKILL, and all that it printed is collected afterwards.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.readers.drain(..).for_each(|reader| drop(reader.join()));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// CPU time that a process of ours used.
pub fn cpu(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    let fields: Vec<_> = stat.rsplit_once(") ").expect("a name").1.split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// Bytes of memory that a process of ours has to itself, and its share of what it shares (`Pss`).
pub fn memory(id: u32) -> u64 {
    rollup(id, "Pss:")
}

/// Bytes of memory that are not backed by a file: what a process allocated.
pub fn heap(id: u32) -> u64 {
    rollup(id, "Anonymous:")
}

/// The most bytes of memory that a process of ours ever had (`VmHWM`).
pub fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
}

fn rollup(id: u32, row: &str) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).expect("it runs");
    let line = rollup.lines().find_map(|line| line.strip_prefix(row)).expect("a line");
    line.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
}

/// Longer than any program takes that a test waits for.
const END: Duration = Duration::from_secs(300);

/// Runs a program to its end, with all that it prints. One that hangs is killed, and fails the test by its name.
pub fn output(command: &mut Command) -> Output {
    let mut process = Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let Child { stdout, stderr, .. } = &mut process.child;
    let (stdout, stderr) = (whole(stdout.take().expect("piped")), whole(stderr.take().expect("piped")));
    let status = within(END, &format!("the end of {command:?}"), || process.child.try_wait().expect("our own child"));
    let bytes = |reader: JoinHandle<Vec<u8>>| reader.join().expect("no panic");
    Output { status, stdout: bytes(stdout), stderr: bytes(stderr) }
}

fn whole(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe");
        bytes
    })
}

/// Runs a program that must succeed, and tells what it said.
pub fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = output(Command::new(program).args(arguments));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program}: {}", said(&output.stderr));
    said(&output.stdout)
}
