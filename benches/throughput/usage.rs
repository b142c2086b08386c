//! What a process costs: time on a processor, memory.

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Time on a processor of a whole process, user and system: the scheduler's own sum, in nanoseconds, of all threads, those
/// that ended among them. A zombie still has it. (`/proc/PID/stat` rounds the same sum to ticks of 10 ms, and
/// `/proc/PID/schedstat` knows the first thread only.)
pub(crate) fn processor(pid: u32) -> Duration {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).expect("a process of ours");
    clock.now().expect("its clock").into()
}

/// Time on a processor of each thread that lives now, by its name.
pub(crate) fn threads(pid: u32) -> BTreeMap<String, Duration> {
    let mut all = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).expect("a process of ours").flatten() {
        let read = |name: &str| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        let nanoseconds = read("schedstat").split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
        *all.entry(read("comm").trim().to_owned()).or_default() += Duration::from_nanos(nanoseconds);
    }
    all
}

/// What each thread used between two looks, the busiest first.
pub(crate) fn between(
    before: &BTreeMap<String, Duration>,
    after: &BTreeMap<String, Duration>,
) -> Vec<(String, Duration)> {
    let used = |(name, &end): (&String, &Duration)| {
        (name.clone(), end.saturating_sub(before.get(name).copied().unwrap_or_default()))
    };
    let mut all: Vec<_> = after.iter().map(used).collect();
    all.sort_by_key(|(_, used)| std::cmp::Reverse(*used));
    all
}

/// Memory in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// `VmRSS`: all pages, those of the program file and of libraries too.
    pub(crate) resident: u64,
    /// `VmHWM`: the most that it ever was.
    pub(crate) peak: u64,
    /// `RssAnon`: heap and stacks alone.
    pub(crate) anonymous: u64,
}

pub(crate) fn memory(pid: u32) -> Memory {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process of ours");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line of memory");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    };
    Memory { resident: field("VmRSS:"), peak: field("VmHWM:"), anonymous: field("RssAnon:") }
}
