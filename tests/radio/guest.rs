//! What a test can have in its guest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use radio_controller::{Controller, Options};
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

use crate::bench;
use crate::bluez::Bluez;
use crate::process::Process;
use crate::service::Service;

/// Where the test may write; gone with the guest.
const SCRATCH: &str = "/run/bench";
/// The system bus's usual address: programs find it without being told.
const BUS_SOCKET: &str = "/run/dbus/system_bus_socket";
const POLICY: &str = "dbus/com.cassianetworks.Bypass1.conf";
/// How long daemons may take to be there. A shared machine can be slow.
const START: Duration = Duration::from_secs(20);

/// A guest: root of its own kernel, and nothing started yet.
#[derive(Debug)]
pub(crate) struct Guest(());

impl Guest {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// Bus, one controller at `address`, bluetoothd with `-E`: the usual start.
    pub(crate) fn radio(&self, address: &str) -> Radio {
        self.radio_on(self.bus(), address)
    }

    /// The same on this bus.
    pub(crate) fn radio_on(&self, bus: Process, address: &str) -> Radio {
        let controller = self.controller(address);
        let bluetoothd = self.bluetoothd(&["-E"]);
        let bluez = self.bluez();
        bluez.wait_powered(address);
        Radio { controller, bluez, bluetoothd, bus }
    }

    /// The system bus, with the policy files that the packages install. Ours is
    /// the checkout's.
    pub(crate) fn bus(&self) -> Process {
        let mut command = Command::new("dbus-daemon");
        command.args(["--system", "--nofork", "--nopidfile", "--nosyslog"]);
        self.bus_of(&mut command)
    }

    /// The same by dbus-broker, as some distributions have it.
    pub(crate) fn bus_of_dbus_broker(&self) -> Process {
        fs::create_dir_all("/run/dbus").expect("a directory for the socket");
        // systemd's part: it listens, and hands the socket over with the first connection.
        let mut command = Command::new("systemd-socket-activate");
        command.args(["-l", BUS_SOCKET, "dbus-broker-launch", "--scope", "system"]);
        let bus = self.bus_of(&mut command);
        fs::set_permissions(BUS_SOCKET, fs::Permissions::from_mode(0o666)).expect("a socket for everybody");
        bus
    }

    fn bus_of(&self, command: &mut Command) -> Process {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(POLICY);
        if ours.exists() {
            fs::copy(ours, "/etc/dbus-1/system.d/com.cassianetworks.Bypass1.conf").expect("the bus policy");
        }
        let bus = Process::start("bus", command);
        // The socket is there a moment before anyone listens.
        eventually(START, "the bus", || UnixStream::connect(BUS_SOCKET).is_ok());
        bus
    }

    /// Sets the guest's own system clock, by so many seconds.
    pub(crate) fn move_clock(&self, seconds: i64) {
        let now = clock_gettime(ClockId::Realtime);
        clock_settime(ClockId::Realtime, Timespec { tv_sec: now.tv_sec + seconds, ..now }).expect("the guest's clock");
    }

    /// A controller of Bluetooth 5.2 with this public address.
    pub(crate) fn controller(&self, address: &str) -> Controller {
        let address = address.parse().expect("an address");
        self.controller_with(Options { address, legacy: false, verbose: true })
    }

    /// A controller to choice.
    pub(crate) fn controller_with(&self, options: Options) -> Controller {
        Controller::new(options).expect("a controller on /dev/vhci")
    }

    /// bluetoothd: `&["-E"]` with its experimental interfaces.
    pub(crate) fn bluetoothd(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new("/usr/libexec/bluetooth/bluetoothd");
        Process::start("bluetoothd", command.arg("-n").args(arguments))
    }

    /// A client of bluetoothd. Needs the bus.
    pub(crate) fn bluez(&self) -> Bluez {
        Bluez::connect()
    }

    /// Mosquitto with this configuration, once it listens on `port`.
    pub(crate) fn mosquitto(&self, port: u16, configuration: &str) -> Process {
        let file = self.file("mosquitto.conf", configuration);
        let mut command = Command::new("mosquitto");
        let broker = Process::start("mosquitto", command.arg("-c").arg(file));
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        eventually(START, "mosquitto listens", listens);
        broker
    }

    /// Mosquitto on port 1883 for anyone.
    pub(crate) fn open_broker(&self) -> Process {
        self.mosquitto(1883, "listener 1883 127.0.0.1\nallow_anonymous true\nlog_type all\n")
    }

    /// A subscriber at the open broker; the messages are its `json_lines`.
    /// Returns when the broker has the subscription.
    pub(crate) fn subscribe(&self, topic: &str) -> Process {
        // Into a pipe it would keep its lines until there are many.
        let mut command = Command::new("stdbuf");
        let subscriber = Process::start("sub", command.args(["-oL", "mosquitto_sub", "-d", "-q", "1", "-t", topic]));
        let subscribed = || subscriber.lines().iter().any(|line| line.starts_with("Subscribed"));
        eventually(START, "the subscription", subscribed);
        subscriber
    }

    /// The service, not yet started: see [`Service`].
    pub(crate) fn service(&self) -> Service {
        Service::new()
    }

    /// `busctl --system ...` as `user`: its stdout, or its stderr when it fails.
    pub(crate) fn busctl(&self, user: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--init-groups", "busctl", "--system"]);
        let output = command.args(arguments).stdin(Stdio::null()).output().expect("setpriv runs busctl");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Makes a file that everyone may read; returns its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = Path::new(SCRATCH).join(name);
        fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// The bench's own advertisements.
    pub(crate) fn adverts(&self) -> PathBuf {
        bench::directory().join("adverts.jsonl")
    }
}

/// What [`Guest::radio`] started. Dropped in this order.
#[derive(Debug)]
pub(crate) struct Radio {
    pub(crate) controller: Controller,
    pub(crate) bluez: Bluez,
    pub(crate) bluetoothd: Process,
    pub(crate) bus: Process,
}

/// What [`eventually`] waits for: `true`, or something rather than nothing.
pub(crate) trait Outcome {
    type Value;
    fn value(self) -> Option<Self::Value>;
}

impl Outcome for bool {
    type Value = ();
    fn value(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;
    fn value(self) -> Option<T> {
        self
    }
}

/// Asks until the answer is there; fails when it is not within `deadline`.
pub(crate) fn eventually<O: Outcome>(deadline: Duration, what: &str, mut ask: impl FnMut() -> O) -> O::Value {
    within(deadline, || ask().value()).unwrap_or_else(|| panic!("not within {deadline:?}: {what}"))
}

/// Asks until the answer is there, but no longer than this.
pub(crate) fn within<T>(deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || start.elapsed() >= deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
