//! What the documents show of the service's own commands is run: literally, by a shell, in the order of the text.

use crate::links::documents;
use crate::markdown::Shown;
use crate::support::air::Air;
use crate::support::broker::{Mosquitto, PASSWORD, PSK};
use crate::support::bus::Bus;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::{Lines, Process, output};
use crate::support::service::Service;
use rustix::fd::AsRawFd;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Documents whose commands are run. Each one starts with a service of its own.
const DOCUMENTS: [&str; 2] = ["README.md", "dbus/README.md"];
/// Programs that are run, and why the others are not: they build, install, or are of the machine as a whole.
const RUN: [&str; 5] = ["cassia-bypassctl", "cassia-bypassd", "busctl", "mosquitto_sub", "gdbus-codegen"];
const NOT_RUN: [&str; 21] = [
    // See `ansible`.
    "ansible-playbook",
    "apt-get",
    "bitbake-layers",
    "cargo",
    "cd",
    "cp",
    "echo",
    "install",
    "journalctl",
    "kas",
    "mkdir",
    "openssl",
    "shred",
    "systemctl",
    "systemd-creds",
    "systemd-sysusers",
    // Formats with a rustfmt that only its user may have; see `interfaces`.
    "zbus-xmlgen",
    "./check",
    "./demo",
    "benches/report",
    "dbus/cockpit/build",
];
/// Commands that run until Ctrl-C, as the text says.
const ENDLESS: [&str; 4] =
    ["cassia-bypassctl watch", "cassia-bypassctl devices --watch", "busctl monitor", "mosquitto_sub"];
/// Commands that are to fail, with their status: no broker has these names.
const FAILS: [(&str, i32); 5] = [
    ("cassia-bypassctl status", 1),
    ("cassia-bypassctl set --test Host=other.example", 1),
    ("cassia-bypassctl set --wait ScanMode=active", 1),
    ("cassia-bypassctl test Host=other.example", 1),
    ("cassia-bypassctl test Host=broker.example EncryptionMode=certificate", 1),
];

/// Everything that the commands ask for.
pub struct Machine {
    air: Air,
    _service: Service,
    pub bus: Bus,
    pub broker: Mosquitto,
}

impl Machine {
    pub fn start() -> Self {
        let broker = Mosquitto::start();
        let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
        let (air, theirs) = Air::new();
        let service = bus.start_service_with(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
        let machine = Self { air, _service: service, bus, broker };
        machine.prepare();
        machine
    }

    /// A directory that everyone may write to, with the files that the texts name.
    fn directory(&self) -> PathBuf {
        self.bus.directory().join("home")
    }

    fn prepare(&self) {
        let program = self.bus.directory().join("cassia-bypassctl");
        fs::write(&program, "").expect("written");
        let mut mount = self.bus.command(Who::Root);
        mount.args(["mount", "--bind", env!("CARGO_BIN_EXE_cassia-bypassctl")]).arg(&program);
        assert!(output(&mut mount).status.success());
        let home = self.directory();
        fs::create_dir(&home).expect("a directory");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).expect("permissions");
        let certificates = &self.broker.certificates;
        let ca = certificates.ca.pem();
        let mosquitto_sub = format!("-h 127.0.0.1\n-p {}\n", self.broker.ports.anonymous);
        for (name, text) in [
            ("ca.crt", &*ca),
            ("ca.pem", &*ca),
            ("client.crt", &*certificates.client.certificate),
            ("client.key", &*certificates.client.key),
            ("psk.hex", PSK),
            // The options that every call takes.
            ("mosquitto_sub", &*mosquitto_sub),
        ] {
            fs::write(home.join(name), text).expect("written");
        }
        symlink(format!("{}/dbus", crate::support::ROOT), home.join("dbus")).expect("a link");
    }

    /// The service publishes to the broker of the test, whatever the texts have set.
    fn connect(&self) {
        let port = self.broker.ports.anonymous.to_string();
        let settings = [
            ["Protocol", "s", "mqtt"],
            ["Host", "s", "127.0.0.1"],
            ["Port", "q", &port],
            ["EncryptionMode", "s", "none"],
            ["Username", "s", ""],
        ];
        let count = settings.len().to_string();
        self.bus
            .call(Who::Admin, "Apply", &[&["a{sv}", &*count][..], settings.as_flattened()].concat())
            .expect("Apply");
    }

    /// The shell's command line, as root or as somebody without rights.
    fn shell(&self, shown: &Shown, prefix: &str) -> Command {
        let mut command = self.bus.command(if shown.root { Who::Root } else { Who::Nobody });
        let own = self.bus.directory().display();
        command.args([
            "env",
            // A shell that runs the tests in the background lets them ignore Ctrl-C.
            "--default-signal=INT",
            &format!("PATH={own}:/usr/bin:/bin:/usr/sbin"),
            "sh",
            "-c",
            &format!("cd {} && {prefix}{}", self.directory().display(), shown.line),
        ]);
        command.env("XDG_CONFIG_HOME", self.directory());
        command
    }

    /// Runs a command as the text shows it.
    fn run(&self, shown: &Shown) {
        if shown.line.starts_with("mosquitto_sub") {
            self.connect();
        }
        if ENDLESS.iter().any(|line| shown.line.starts_with(line)) {
            return self.run_until_interrupted(shown);
        }
        let mut command = self.shell(shown, "");
        // Who is asked for a password types one.
        let typed = self.bus.directory().join("typed");
        fs::write(&typed, format!("{PASSWORD}\n")).expect("written");
        let done = output(command.stdin(Stdio::from(fs::File::open(typed).expect("a file"))));
        let said =
            [done.stdout, done.stderr.clone()].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let expected = FAILS.iter().find(|(line, _)| shown.line.starts_with(line)).map_or(0, |(_, status)| *status);
        assert_eq!(done.status.code(), Some(expected), "{}: {said}", shown.line);
        assert!(expected != 0 || done.stderr.is_empty(), "{}: {said}", shown.line);
    }

    /// One that goes on shows something, and ends well with Ctrl-C.
    fn run_until_interrupted(&self, shown: &Shown) {
        let (out, err) = (Lines::default(), Lines::default());
        let mut process = Process::start(&mut self.shell(shown, "exec "), &out, &err);
        let mut number = 0;
        eventually(&shown.line, || {
            // Something to show.
            self.air.play(number..number + 1, 1);
            number += 1;
            assert!(process.runs(), "{}: {:?}", shown.line, err.all());
            (out.len() > 0).then_some(()).ok_or_else(|| format!("{:?}", err.all()))
        });
        process.signal(Signal::INT);
        let status = process.ended();
        assert!(status.success() || status.to_string().contains("SIGINT"), "{}: {status}: {:?}", shown.line, err.all());
    }
}

/// The first word that is no variable.
fn program(line: &str) -> &str {
    line.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default()
}

#[test]
fn commands_of_the_documents_do_what_is_shown() {
    let documents = documents();
    let (mut run, mut failing) = (Vec::new(), BTreeSet::new());
    for name in DOCUMENTS {
        let machine = Machine::start();
        machine.connect();
        for shown in documents[name].commands.iter().filter(|shown| RUN.contains(&program(&shown.line))) {
            println!("{name}: {}", shown.line);
            machine.run(shown);
            run.push(shown.line.clone());
            failing.extend(FAILS.iter().map(|(line, _)| *line).filter(|line| shown.line.starts_with(line)));
        }
    }
    assert!(run.len() > 25, "{run:?}");
    for program in RUN {
        assert!(run.iter().any(|line| crate::commands::program(line) == program), "{program} is in no document");
    }
    assert_eq!(failing.len(), FAILS.len(), "only these were there to fail: {failing:?}");
}

#[test]
fn commands_of_the_documents_are_known() {
    let mut seen = BTreeSet::new();
    for (name, document) in documents() {
        for shown in &document.commands {
            let program = program(&shown.line);
            let known = RUN.contains(&program)
                || NOT_RUN.contains(&program)
                || crate::tree::files().iter().any(|file| file == program);
            assert!(known, "{name}: {}: run it in this test, or say why not", shown.line);
            seen.insert(program.to_owned());
        }
    }
    let unused: Vec<_> = NOT_RUN.iter().filter(|program| !seen.contains(**program)).collect();
    assert!(unused.is_empty(), "no document has {unused:?}");
}
