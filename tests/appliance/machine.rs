//! The appliance in QEMU, and the way in.

use crate::support::process::{Lines, Process};
use crate::support::within;
use openssl::base64::{decode_block, encode_block};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// An emulated processor on a busy machine.
const BOOT: Duration = Duration::from_secs(300);
const ANSWER: Duration = Duration::from_secs(150);
/// For what an idle machine does in seconds: this one is emulated, and has to share.
pub(crate) const WAIT: Duration = Duration::from_secs(180);
/// Of a machine that may be down.
const SHORT: Duration = Duration::from_secs(5);
pub(crate) const BUS: &str = "com.cassianetworks.Bypass1";
pub(crate) const PATH: &str = "/com/cassianetworks/Bypass1";

/// What it starts from.
pub(crate) struct Disks {
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
    /// Beside those that every machine here has.
    pub(crate) kernel_options: &'static str,
    /// Files, with options of QEMU; the first is the root.
    pub(crate) drives: Vec<String>,
}

/// See the module. Loses its power with the value.
pub(crate) struct Machine {
    directory: TempDir,
    process: Process,
    console: PathBuf,
    way_in: BufReader<UnixStream>,
    asked: u64,
}

/// What a command said, and whether it succeeded.
pub(crate) type Said = Result<String, String>;

impl Machine {
    /// Switches it on, and waits until systemd has done its work.
    pub(crate) fn start(image: &Disks) -> Self {
        let directory = TempDir::new().expect("a directory");
        let (console, socket) = (directory.path().join("console"), directory.path().join("socket"));
        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "512"]);
        command.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
        command.arg("-kernel").arg(&image.kernel).arg("-initrd").arg(&image.initrd);
        let kernel = "root=/dev/vda rootfstype=ext4 console=ttyS0 fsck.mode=skip no_timer_check mitigations=off nokaslr tsc=unstable \
                      clocksource=acpi_pm audit=0 quiet systemd.show_status=no";
        command.args(["-append", &format!("{kernel} {}", image.kernel_options)]);
        command.args(["-serial", &format!("file:{}", console.display())]);
        for drive in &image.drives {
            command.args(["-drive", &format!("{drive},format=raw,if=virtio")]);
        }
        // The machine that runs this is 10.0.2.2 to it.
        command.args(["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]);
        command.args(["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=in,name=cassia.test"]);
        command.args(["-chardev", &format!("socket,id=in,path={},server=on,wait=off", socket.display())]);
        command.args(["-device", "virtio-rng-pci"]);
        let said = Lines::default();
        let mut process = Process::start(&mut command, &said, &said);
        let stream = within(BOOT, "QEMU listens", || {
            assert!(process.runs(), "QEMU ended: {:?}", said.all());
            UnixStream::connect(&socket).ok()
        });
        let mut machine = Self { directory, process, console, way_in: BufReader::new(stream), asked: 0 };
        machine.up();
        machine
    }

    fn up(&mut self) {
        within(BOOT, "it boots", || self.ask_within(SHORT, "true").map_err(|_| self.console()));
        let state = within(BOOT, "systemd has done its work", || {
            let state = self.ask("systemctl is-system-running").unwrap_or_else(|said| said);
            if ["running", "degraded"].contains(&state.as_str()) { Ok(state) } else { Err(state) }
        });
        if state != "running" {
            let failed =
                self.ask("systemctl --no-legend --plain list-units --failed; journalctl -b -p warning --no-pager");
            panic!("units failed: {}", failed.unwrap_or_else(|said| said));
        }
    }

    /// Restarts it in good order. At the reset QEMU ends, and is started again.
    pub(crate) fn reboot(mut self, image: &Disks) -> Self {
        // It may be gone before it answers.
        drop(self.ask_within(SHORT, "systemctl --no-block reboot"));
        within(BOOT, "the machine resets", || if self.process.runs() { Err(self.console()) } else { Ok(()) });
        Self::start(image)
    }

    /// Runs a command as root.
    pub(crate) fn ask(&mut self, command: &str) -> Said {
        self.ask_within(ANSWER, command)
    }

    fn ask_within(&mut self, limit: Duration, command: &str) -> Said {
        self.asked += 1;
        let trouble = |error: std::io::Error| format!("no answer: {error}");
        let mine = format!("{} ", self.asked);
        let stream = self.way_in.get_mut();
        stream.set_read_timeout(Some(limit)).map_err(trouble)?;
        writeln!(stream, "{mine}{}", encode_block(command.as_bytes())).map_err(trouble)?;
        // An answer that nobody waits for any more may come first.
        let answer = loop {
            let mut line = String::new();
            if self.way_in.read_line(&mut line).map_err(trouble)? == 0 {
                return Err("no answer: the machine is off".to_owned());
            }
            if let Some(answer) = line.trim_end().strip_prefix(&mine) {
                break answer.to_owned();
            }
        };
        let (status, output) = answer.split_once(' ').ok_or_else(|| format!("half an answer: {answer}"))?;
        let output = decode_block(output).map_err(|e| e.to_string())?;
        let output = String::from_utf8_lossy(&output).trim().to_owned();
        if status == "0" { Ok(output) } else { Err(output) }
    }

    /// The same for what must succeed.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &str) -> String {
        self.ask(command).unwrap_or_else(|said| panic!("{command}: {said}"))
    }

    /// What its serial port printed last.
    pub(crate) fn console(&self) -> String {
        let text = fs::read(&self.console).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(3000)..]).into_owned()
    }

    /// The value of a property, if the service answers.
    pub(crate) fn try_value(&mut self, interface: &str, property: &str) -> Result<Value, String> {
        let said = self.ask(&format!("busctl --json=short get-property {BUS} {PATH} {BUS}.{interface} {property}"))?;
        serde_json::from_str::<Value>(&said).map(|answer| answer["data"].clone()).map_err(|e| format!("{said}: {e}"))
    }

    #[track_caller]
    pub(crate) fn value(&mut self, interface: &str, property: &str) -> Value {
        self.try_value(interface, property).unwrap_or_else(|said| panic!("{property}: {said}"))
    }

    /// Waits for this value of a statistic.
    pub(crate) fn stat_becomes(&mut self, property: &str, wanted: &str) {
        within(WAIT, &format!("{property} is {wanted}"), || match self.try_value("Stats", property) {
            Ok(value) if value == wanted => Ok(()),
            Ok(value) => Err(value.to_string()),
            Err(said) => Err(said),
        });
    }

    /// Sets settings; `words` are busctl's, from the number of settings on.
    pub(crate) fn apply(&mut self, words: &str) -> Said {
        self.ask(&format!("busctl call {BUS} {PATH} {BUS}.Config Apply 'a{{sv}}' {words}"))
    }

    /// A property of a unit.
    pub(crate) fn unit(&mut self, unit: &str, property: &str) -> String {
        self.run(&format!("systemctl show --value -p {property} {unit}"))
    }

    /// Pulls the plug.
    pub(crate) fn lose_power(mut self) {
        self.process.kill();
        drop(self.directory);
    }
}
