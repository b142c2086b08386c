//! A system bus of one's own: the real dbus-daemon or dbus-broker with the shipped policy, in a mount namespace that knows
//! the users.

use super::datagrams::Datagrams;
use super::eventually;
use super::identities::{Identities, Who};
use super::process::{Lines, Process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The default policy of every system bus (system.conf), then a package whose policy is too wide, then ours.
const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=@DIR@/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <policy context="default">
    <allow send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.timedate1"/>
  </policy>
  <include>@ROOT@/dbus/com.cassianetworks.Bypass1.conf</include>
</busconfig>
"#;

/// Mounts the users and the service over files, hides whether this machine's clock is synchronised, then becomes the bus.
const PREPARE: &str = r#"set -e
mount --bind "$1/etc/passwd" /etc/passwd
mount --bind "$1/etc/group" /etc/group
mount --bind "$2" "$1/cassia-bypassd"
if [ -d /run/systemd/timesync ]; then mount -t tmpfs tmpfs /run/systemd/timesync; fi
"#;
const DAEMON: &str = r#"exec dbus-daemon --nofork --nopidfile --config-file="$1/bus.conf" --print-address=1"#;
/// It takes its socket from systemd, logs to the journal only and is a client of its own bus.
const BROKER: &str = r#"
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal
touch /run/systemd/journal/socket
mount --bind "$1/journal" /run/systemd/journal/socket
echo "unix:path=$1/bus"
exec systemd-socket-activate --listen="$1/bus" --setenv="DBUS_SYSTEM_BUS_ADDRESS=unix:path=$1/bus" \
    dbus-broker-launch --scope system --config-file="$1/bus.conf"
"#;

/// See the module. Everything of a test lies in its directory and goes with it.
pub struct Bus {
    // Dropped in this order: the namespace's mounts end with its last process.
    daemon: Process,
    journal: Datagrams,
    address: String,
    identities: Identities,
    directory: TempDir,
}

impl Bus {
    /// Starts dbus-daemon. `program` can then be run as [`program`](Self::program) by every user, wherever the checkout is.
    pub fn start(program: &str) -> Self {
        Self::start_as(DAEMON, program)
    }

    /// The same with dbus-broker.
    pub fn start_broker(program: &str) -> Self {
        let bus = Self::start_as(BROKER, program);
        let socket = bus.directory().join("bus");
        eventually("the bus listens", || UnixStream::connect(&socket).is_ok());
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).expect("permissions");
        eventually("dbus-broker is ready", || bus.journal.lines().iter().any(|line| line == "MESSAGE=Ready"));
        bus
    }

    fn start_as(kind: &str, program: &str) -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
        let identities = Identities::new(path);
        let config = CONFIG.replace("@DIR@", &path.display().to_string()).replace("@ROOT@", super::ROOT);
        fs::write(path.join("bus.conf"), config).expect("write");
        fs::write(path.join("cassia-bypassd"), "").expect("write");
        let log = fs::File::create(path.join("bus.log")).expect("log");
        let journal = Datagrams::listen(&path.join("journal"));
        // It ends with the test, even if the test is killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", &format!("{PREPARE}{kind}"), "sh"])
            .arg(path)
            .arg(program);
        command.stdout(Stdio::piped()).stderr(log);
        let mut daemon = Process::spawn(&mut command);
        let mut address = String::new();
        let stdout = daemon.child().stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("the address of the bus");
        let said = || fs::read_to_string(path.join("bus.log")).unwrap_or_default();
        assert!(!address.is_empty(), "the bus did not start: {}", said());
        Self { daemon, journal, address: address.trim().to_owned(), identities, directory }
    }

    /// Value for `DBUS_SYSTEM_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A directory of this test's own.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The program given at the start.
    pub fn program(&self) -> PathBuf {
        self.directory().join("cassia-bypassd")
    }

    pub fn identities(&self) -> &Identities {
        &self.identities
    }

    /// A command that runs where the users are known, as one of them.
    pub fn command(&self, who: Who) -> Command {
        let (user, group) = self.identities.ids(who);
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.daemon.id()));
        command.args(["setpriv", &format!("--reuid={user}"), &format!("--regid={group}"), "--init-groups"]);
        command.args(["--pdeathsig", "KILL"]);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.address);
        command
    }

    /// Every signal from now on, as text, for as long as the process lives.
    pub fn watch_signals(&self) -> (Process, Lines) {
        let lines = Lines::default();
        let mut command = self.command(Who::Root);
        command.args(["stdbuf", "-oL", "dbus-monitor", "--address", &self.address, "type='signal'"]);
        let process = Process::start(&mut command, &lines, &Lines::default());
        // It is told of its own name when it is one.
        eventually("the bus is watched", || lines.contains("NameAcquired") || lines.contains("NameLost"));
        (process, lines)
    }

    /// SIGSTOP: the kernel still takes what it is sent.
    pub fn freeze(&self) {
        self.daemon.signal(rustix::process::Signal::STOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.daemon.signal(rustix::process::Signal::CONT);
    }

    /// Ends the bus.
    pub fn stop(&mut self) {
        self.daemon.signal(rustix::process::Signal::TERM);
        self.daemon.ended();
    }
}
