//! What the memory of the process is for, part by part, from the limits in the code. `docs/memory.md` has it for people, and the
//! unit's `MemoryMax` is above.

use crate::dbus::{MAX_CALL_BYTES, MAX_CALLS, MAX_CALLS_BYTES, MAX_CONNECTION_TESTS};
use crate::ingest;
use crate::ingest::MAX_DUPLICATES;
use crate::publisher::Limits;
use crate::threads::{MAX_CHECKS, MAX_THREADS};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// `MemoryMax` of the unit.
pub const MEMORY_MAX: u64 = 160 * MIB;

/// Measured (docs/performance.md): pages of the program and its libraries, OpenSSL with the system's CA certificates among them.
const PROGRAM: u64 = 16 * MIB;
/// A message that is read from the spool or written to it, its copy for the publish loop, and the pieces that are read ahead.
const SPOOL: u64 = 8 * MIB;
/// The longest answer (Introspect, twice while it is made).
const ANSWER: u64 = 128 * KIB;
/// Certificates, TLS, and messages of one test.
const CONNECTION_TEST: u64 = MIB;
/// Of one check: the settings, and the certificates in them as text, canonical text and structures.
const CHECK: u64 = 4 * MAX_CALL_BYTES as u64;
/// Pages of the stack that a thread touches, and of the allocator's caches for it.
const THREAD: u64 = 128 * KIB;
/// Of one entry of the table of `DuplicatesMs`, with the room that the table has while it grows.
const DUPLICATE: u64 = 100;
/// Of one device, with its path and the room that the table has while it grows.
const DEVICE: u64 = 160;

/// The most of each part, while `QueueMaxBytes` has this value.
pub fn budget(queue_max_bytes: u64) -> [(&'static str, u64); 10] {
    [
        ("program, libraries, TLS", PROGRAM),
        ("messages that wait (`QueueMaxBytes`), with what the allocator adds", queue_max_bytes + queue_max_bytes / 8),
        ("messages in flight, ours and the MQTT library's", 2 * Limits::default().window_bytes as u64),
        ("table of `DuplicatesMs`", MAX_DUPLICATES as u64 * DUPLICATE),
        ("devices, while `Capture` is `signals`", ingest::MAX_DEVICES as u64 * DEVICE),
        ("spool", SPOOL),
        ("D-Bus calls and their answers", MAX_CALLS_BYTES as u64 + MAX_CALLS as u64 * ANSWER),
        ("`TestConnection`", MAX_CONNECTION_TESTS as u64 * CONNECTION_TEST),
        ("checks of settings", MAX_CHECKS as u64 * CHECK),
        ("threads", MAX_THREADS as u64 * THREAD),
    ]
}

/// All parts together.
pub fn total(queue_max_bytes: u64) -> u64 {
    budget(queue_max_bytes).iter().map(|(_, bytes)| bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Candidate, Config};

    /// In tenths of a MiB, rounded up.
    fn tenths(bytes: u64) -> String {
        let tenths = (10 * bytes).div_ceil(MIB);
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    #[test]
    fn memory_budget_is_what_the_manual_and_the_unit_say() {
        let queue = Config::check(&Candidate::default()).expect("defaults").queue_max_bytes as u64;
        let manual = include_str!("../docs/memory.md");
        let row = |part: &str, bytes| format!("| {part} | {} |\n", tenths(bytes));
        let rows: String = budget(queue).into_iter().map(|(part, bytes)| row(part, bytes)).collect();
        let table = format!("|---|---:|\n{rows}{}\n", row("together", total(queue)));
        assert!(manual.contains(&table), "docs/memory.md: expected\n{table}");
        let unit = include_str!("../dbus/cassia-bypass.service");
        assert!(unit.lines().any(|line| line == format!("MemoryMax={}M", MEMORY_MAX / MIB)), "MemoryMax");
        assert!(unit.lines().any(|line| line == format!("TasksMax={}", 2 * MAX_THREADS)), "TasksMax");
        // As the manual says of larger queues.
        assert!(manual.contains("up to 64 MiB") && total(64 * MIB) <= MEMORY_MAX && total(queue) <= MEMORY_MAX / 2);
    }
}
