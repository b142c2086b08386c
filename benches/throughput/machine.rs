//! Where and when it was measured.

use std::fs;
use std::process::Command;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) date: String,
    /// Processes that wanted to run in the last minute, before and after.
    pub(crate) load: (String, String),
    pub(crate) memory: u64,
    pub(crate) broker: String,
    pub(crate) commit: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn load() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
}

/// What a program prints first; nothing if there is no such program.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The value of the first line that begins with this key.
fn field(text: &str, key: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// Now, in UTC.
pub(crate) fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

impl Machine {
    pub(crate) fn now() -> Self {
        let kib = field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: said("uname", &["-srm"]),
            date: date(),
            load: (load(), String::new()),
            memory: kib,
            broker: said("mosquitto_pub", &["--version"]).split(' ').nth(2).unwrap_or_default().to_owned(),
            commit: said("git", &["describe", "--always", "--dirty"]),
        }
    }

    /// With the load at the end.
    pub(crate) fn ended(self) -> Self {
        Self { load: (self.load.0, load()), ..self }
    }
}
