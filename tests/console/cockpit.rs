//! Cockpit's web server with a session of one user, on the bus of a test.

use crate::rig::programs;
use crate::support::bus::Bus;
use crate::support::identities::Who;
use crate::support::process::{Process, run};
use crate::support::{eventually, free_port};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A running cockpit-ws, with our page among its packages.
pub(crate) struct Cockpit {
    pub(crate) port: u16,
    _process: Process,
}

/// Where the npm modules are.
pub(crate) fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let none: [&str; 0] = [];
        run(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/modules"), none).trim().into()
    })
}

/// Builds the page as the package that Cockpit finds below `data`.
fn build(data: &Path) {
    let build = concat!(env!("CARGO_MANIFEST_DIR"), "/dbus/cockpit/build");
    let patternfly = modules().join("@patternfly/patternfly");
    run(build, ["--patternfly".as_ref(), patternfly.as_os_str(), data.join("cockpit/cassia-bypass").as_os_str()]);
}

/// Lets `who` become root with sudo, as an administrator's user may who is asked for no password.
pub(crate) fn permit_sudo(bus: &Bus, who: Who) {
    let file = bus.directory().join("sudoers");
    let rules = format!(
        "Defaults env_keep += \"DBUS_SYSTEM_BUS_ADDRESS XDG_DATA_DIRS\"\n{} ALL=(ALL) NOPASSWD: ALL\n",
        who.user()
    );
    fs::write(&file, rules).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).expect("permissions");
    let mut command = bus.command(Who::Root);
    let status = command.args(["mount", "--bind"]).arg(&file).arg("/etc/sudoers").status();
    assert!(status.is_ok_and(|status| status.success()), "sudo is needed");
}

/// Puts the file by which Cockpit knows that the service is installed where it would be. Only the test sees it.
fn install(bus: &Bus) {
    let script = r#"mount -t tmpfs tmpfs "$1" && cp "$2" "$1""#;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/dbus/com.cassianetworks.Bypass1.service");
    let mut command = bus.command(Who::Root);
    let status = command.args(["sh", "-c", script, "sh", "/usr/share/dbus-1/system-services", file]).status();
    assert!(status.is_ok_and(|status| status.success()), "not installed");
}

impl Cockpit {
    /// Takes requests when this returns. Its session is that of `who`, without a login.
    pub(crate) fn start(bus: &Bus, who: Who) -> Self {
        let (data, home) = (bus.directory().join("data"), bus.directory().join("home"));
        build(&data);
        install(bus);
        fs::create_dir(&home).expect("directory");
        let (user, group) = bus.identities().ids(who);
        chown(&home, Some(user), Some(group)).expect("chown");
        let port = free_port();
        let mut command = bus.command(who);
        command.args([
            "/usr/lib/cockpit/cockpit-ws",
            "--no-tls",
            "--address",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ]);
        command.arg("--local-session=cockpit-bridge");
        command.env("XDG_DATA_DIRS", format!("{}:/usr/local/share:/usr/share", data.display()));
        command.env("PATH", programs());
        command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home).current_dir("/");
        // Else each bridge starts a session bus, which nobody ends.
        command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        let log = bus.directory().join("cockpit.log");
        let mut process = Process::spawn(command.stderr(fs::File::create(&log).expect("log")));
        eventually("Cockpit listens", || {
            assert!(process.runs(), "cockpit-ws ended: {}", fs::read_to_string(&log).unwrap_or_default());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { port, _process: process }
    }
}
