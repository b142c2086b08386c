//! A real journald of a test's own, with the shipped catalog, in the mount namespace of the bus.

use crate::support::bus::Bus;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::Process;
use std::io::Write;
use std::process::{Command, Stdio};

/// Nothing of the machine's own journal and catalog is seen or changed.
const START: &str = r#"set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /usr/lib/systemd/catalog
mount -t tmpfs tmpfs /var/lib/systemd/catalog
cp "$1" /usr/lib/systemd/catalog/
journalctl --update-catalog
mkdir -p /run/systemd/journal
exec /lib/systemd/systemd-journald
"#;

/// See the module.
pub(crate) struct Journald(#[allow(dead_code, reason = "it runs for as long as this lives")] Process);

impl Journald {
    /// Takes entries when this returns.
    pub(crate) fn start(bus: &Bus) -> Self {
        let mut command = bus.command(Who::Root);
        command.args(["sh", "-c", START, "sh", concat!(env!("CARGO_MANIFEST_DIR"), "/dbus/cassia-bypass.catalog")]);
        let mut process = Process::spawn(&mut command);
        eventually("journald listens", || {
            assert!(process.runs(), "journald ended");
            bus.command(Who::Root)
                .args(["test", "-S", "/run/systemd/journal/socket"])
                .status()
                .is_ok_and(|s| s.success())
        });
        Self(process)
    }
}

/// Writes an entry about the service; there is no systemd here that would know that it is of our unit.
pub(crate) fn write(bus: &Bus, fields: &str) {
    let mut command: Command = bus.command(Who::Root);
    let mut logger = command.args(["logger", "--journald"]).stdin(Stdio::piped()).spawn().expect("logger");
    let entry = format!("{fields}\nSYSLOG_IDENTIFIER=cassia-bypassd\nOBJECT_SYSTEMD_UNIT=cassia-bypass.service\n");
    logger.stdin.take().expect("piped").write_all(entry.as_bytes()).expect("written");
    assert!(logger.wait().expect("logger").success());
}
