//! A real systemd in the guest: PID 1 of a namespace of its own, with the system bus, journald and bluetoothd as its units.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::guest::eventually;
use crate::process::Process;
use crate::rig::{BUS, PATH};
use radio_controller::{Controller, Load};

/// What boots: no more than the service needs.
const TARGET: &str = "[Unit]\nRequires=dbus.socket systemd-journald.service\nWants=dbus.service bluetooth.service\n\
                      After=dbus.service bluetooth.service\nAllowIsolate=yes\n";
/// The passive scan needs bluetoothd's experimental interfaces (README).
const BLUETOOTH: &str = "[Service]\nExecStart=\nExecStart=/usr/libexec/bluetooth/bluetoothd -E\n";
/// Units of a whole machine, which this is not.
const MASKED: [&str; 18] = [
    "apt-daily.timer",
    "console-getty.service",
    "ldconfig.service",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-logind.service",
    "systemd-modules-load.service",
    "systemd-networkd.service",
    "systemd-random-seed.service",
    "systemd-remount-fs.service",
    "systemd-resolved.service",
    "systemd-sysctl.service",
    "systemd-sysusers.service",
    "systemd-timesyncd.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
];
const START: Duration = Duration::from_secs(60);
/// For what takes some calls on a slow machine.
pub(crate) const WAIT: Duration = Duration::from_secs(40);

/// Where each file of `dbus/` goes, as its README says.
const FILES: [(&str, &str); 4] = [
    ("cassia-bypass.catalog", "/usr/lib/systemd/catalog/cassia-bypass.catalog"),
    ("cassia-bypass.service", "/usr/lib/systemd/system/cassia-bypass.service"),
    ("com.cassianetworks.Bypass1.conf", "/usr/share/dbus-1/system.d/com.cassianetworks.Bypass1.conf"),
    ("com.cassianetworks.Bypass1.service", "/usr/share/dbus-1/system-services/com.cassianetworks.Bypass1.service"),
];
const PROGRAM: &str = "/usr/bin/cassia-bypassd";

/// See the module. Ends with the value.
pub(crate) struct Systemd {
    _unshare: Process,
    pid: Pid,
}

/// The shipped files and the program, as a package installs them.
pub(crate) fn install() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbus");
    for (file, place) in FILES {
        fs::create_dir_all(Path::new(place).parent().expect("a directory")).expect(place);
        fs::copy(shipped.join(file), place).expect(place);
    }
    fs::copy(env!("CARGO_BIN_EXE_cassia-bypassd"), PROGRAM).expect(PROGRAM);
    fs::create_dir_all("/etc/systemd/system/bluetooth.service.d").expect("a directory");
    fs::write("/etc/systemd/system/bluetooth.service.d/experimental.conf", BLUETOOTH).expect("a drop-in");
    fs::write("/etc/systemd/system/bench.target", TARGET).expect("a target");
    fs::write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n").expect("an id");
    for unit in MASKED {
        let link = Path::new("/etc/systemd/system").join(unit);
        drop(fs::remove_file(&link));
        std::os::unix::fs::symlink("/dev/null", &link).expect(unit);
    }
    let mut mount = Command::new("mount");
    assert!(mount.args(["-t", "cgroup2", "none", "/sys/fs/cgroup"]).status().expect("mount").success());
}

/// A drop-in of the service's unit.
pub(crate) fn drop_in(name: &str, text: &str) {
    let directory = "/etc/systemd/system/cassia-bypass.service.d";
    fs::create_dir_all(directory).expect(directory);
    fs::write(format!("{directory}/{name}.conf"), text).expect(name);
}

impl Systemd {
    /// Boots.
    pub(crate) fn boot() -> Self {
        let mut command = Command::new("unshare");
        // Mounts are shared, as container managers and systemd itself have them: a unit's credentials come over such a one.
        command.args(["--pid", "--fork", "--mount", "--propagation=shared", "--kill-child", "--mount-proc"]);
        command.args(["env", "-i", "container=bench"]);
        command.args(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "/lib/systemd/systemd", "--system", "--unit=bench.target"]);
        let unshare = Process::start("systemd", command.args(["--show-status=no", "--log-target=journal"]));
        let parent = format!("PPid:\t{}", unshare.id().as_raw_nonzero());
        let pid = eventually(START, "the child of unshare", || process_where(|line| line == parent));
        let systemd = Self { _unshare: unshare, pid };
        eventually(START, "systemd has booted", || {
            let state = systemd.ask(&["systemctl", "is-system-running"]);
            ["running", "degraded"].iter().any(|word| state.0.trim() == *word)
        });
        systemd
    }

    /// Runs a program where systemd runs: what it printed, and whether it succeeded.
    pub(crate) fn ask(&self, words: &[&str]) -> (String, bool) {
        let mut command = Command::new("nsenter");
        command.args(["--pid", "--mount", "--target", &self.pid.as_raw_nonzero().to_string(), "--"]).args(words);
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().expect("nsenter");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&stdout) + &text(&stderr), status.success())
    }

    /// The same for what must succeed.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let (said, success) = self.ask(words);
        if !success {
            println!("{}", self.ask(&["journalctl", "--no-pager", "-b", "-n", "60"]).0);
        }
        assert!(success, "{words:?}: {said}");
        said
    }

    /// PID 1 as the guest numbers it.
    pub(crate) fn pid(&self) -> std::num::NonZeroI32 {
        self.pid.as_raw_nonzero()
    }

    /// A property of the service's unit.
    pub(crate) fn property(&self, name: &str) -> String {
        self.run(&["systemctl", "show", "--value", "-p", name, "cassia-bypass.service"]).trim().to_owned()
    }

    /// The process of the service, as this namespace numbers it.
    pub(crate) fn main_pid(&self) -> Pid {
        let own = self.property("MainPID");
        // NSpid has the number here and there.
        let is_ours = |line: &str| {
            line.strip_prefix("NSpid:").is_some_and(|numbers| numbers.split_whitespace().nth(1) == Some(&*own))
        };
        process_where(is_ours).expect("the service's process")
    }

    pub(crate) fn signal_service(&self, signal: Signal) {
        kill_process(self.main_pid(), signal).expect("the service");
    }
}

/// A property of the service; null while it does not answer.
pub(crate) fn get(systemd: &Systemd, interface: &str, property: &str) -> Value {
    let interface = format!("{BUS}.{interface}");
    let (said, success) = systemd.ask(&["busctl", "--json=short", "get-property", BUS, PATH, &interface, property]);
    if !success {
        return Value::Null;
    }
    let answer: Value = serde_json::from_str(&said).expect("JSON");
    answer["data"].clone()
}

/// Sets several: name, signature and value of each.
pub(crate) fn set(systemd: &Systemd, settings: &[[&str; 3]]) {
    let (interface, count) = (format!("{BUS}.Config"), settings.len().to_string());
    let call = ["busctl", "--", "call", BUS, PATH, &interface, "Apply", "a{sv}", &count];
    systemd.run(&[&call[..], settings.as_flattened()].concat());
}

/// Plays until the subscriber has more than before.
pub(crate) fn flows(controller: &Controller, what: &str, count: impl Fn() -> usize) {
    let (before, mut next) = (count(), 0);
    eventually(WAIT, what, || {
        let advert = Load { devices: 5, rate: 1, count: 0, evt: 3 }.advert(next);
        next += 1;
        drop(controller.report(&[advert], false));
        count() > before
    });
}

/// The process with such a line in its status.
fn process_where(wanted: impl Fn(&str) -> bool) -> Option<Pid> {
    fs::read_dir("/proc").expect("proc").flatten().find_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        status.lines().any(&wanted).then_some(Pid::from_raw(number)?)
    })
}
