//! What sets this start of the service apart from others.

use std::sync::OnceLock;
use std::time::SystemTime;

/// Random, so that a consumer sees a restart; the same in every message of a process.
pub fn epoch() -> u64 {
    static EPOCH: OnceLock<u64> = OnceLock::new();
    *EPOCH.get_or_init(random)
}

/// Another epoch.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) != Ok(bytes.len()) {
        // An old kernel in early boot. The time is different each time, too.
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        bytes = (since.as_nanos() as u64 ^ u64::from(std::process::id()) << 48).to_ne_bytes();
    }
    u64::from_ne_bytes(bytes)
}
