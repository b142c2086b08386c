//! A real Mosquitto with the listeners of the guide's scenarios, on free loopback ports.

use super::broker_certificates::{Certificates, Pair};
use super::process::{Lines, Process};
use super::{eventually, free_port};
use rustix::process::Signal;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The guide's user.
pub const USER: &str = "tester1";
pub const PASSWORD: &str = "password";
/// The guide's key pair; its key has an odd number of digits.
pub const PSK_IDENTITY: &str = "psk_test";
pub const PSK: &str = "123456789abcdef";

/// Ports of the listeners.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Scenario 4.1.
    pub anonymous: u16,
    /// 4.2.
    pub password: u16,
    /// 4.3.
    pub psk: u16,
    /// 4.4 without a client certificate.
    pub certificate: u16,
    /// 4.4 with one.
    pub client_certificate: u16,
    /// Certificates that are wrong in some way; without a password.
    pub expired: u16,
    pub elsewhere: u16,
    /// The guide's form of certificate.
    pub common_name: u16,
}

/// The guide's four scenarios, the last one with and without a client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    Anonymous,
    Password,
    Psk,
    Certificate,
    ClientCertificate,
}

impl Scenario {
    pub const ALL: [Self; 5] = [Self::Anonymous, Self::Password, Self::Psk, Self::Certificate, Self::ClientCertificate];

    pub fn port(self, ports: &Ports) -> u16 {
        match self {
            Self::Anonymous => ports.anonymous,
            Self::Password => ports.password,
            Self::Psk => ports.psk,
            Self::Certificate => ports.certificate,
            Self::ClientCertificate => ports.client_certificate,
        }
    }

    /// `EncryptionMode`.
    pub fn encryption(self) -> &'static str {
        match self {
            Self::Anonymous | Self::Password => "none",
            Self::Psk => "psk",
            Self::Certificate | Self::ClientCertificate => "certificate",
        }
    }
}

/// Which versions of TLS the broker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    Only12,
    Only13,
}

/// See the module.
pub struct Mosquitto {
    pub ports: Ports,
    pub certificates: Certificates,
    /// With `log_type all`, of every run.
    pub log: Lines,
    directory: TempDir,
    tls: Option<TlsVersion>,
    process: Option<Process>,
}

impl Mosquitto {
    pub fn start() -> Self {
        Self::with(None, "")
    }

    pub fn with_tls(tls: TlsVersion) -> Self {
        Self::with(Some(tls), "")
    }

    /// With more lines for the anonymous listener or the broker as a whole.
    pub fn with(tls: Option<TlsVersion>, more: &str) -> Self {
        let directory = TempDir::new().expect("a directory");
        let port = free_port;
        let ports = Ports {
            anonymous: port(),
            password: port(),
            psk: port(),
            certificate: port(),
            client_certificate: port(),
            expired: port(),
            elsewhere: port(),
            common_name: port(),
        };
        let mut broker =
            Self { ports, certificates: Certificates::new(), log: Lines::default(), directory, tls, process: None };
        broker.write_files(more);
        broker.restart();
        broker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn write_files(&self, more: &str) {
        let passwords = self.path("passwords");
        let status =
            Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&passwords).args([USER, PASSWORD]).status();
        assert!(status.expect("mosquitto_passwd is needed").success());
        self.write("psk", &format!("{PSK_IDENTITY}:{PSK}\n"));
        self.write("ca", &self.certificates.ca.pem());
        let (p, c) = (self.ports, &self.certificates);
        // `user` keeps a broker that root starts from giving up its rights to these files.
        let mut text = "per_listener_settings true\nuser root\nset_tcp_nodelay true\nlog_dest stderr\nlog_type all\n\
                        connection_messages true\nmax_queued_messages 100000\n"
            .to_owned();
        let mut listener = |port: u16, lines: &str| {
            writeln!(text, "\nlistener {port} 127.0.0.1\n{lines}").expect("to a string");
        };
        let login = format!("allow_anonymous false\npassword_file {}", passwords.display());
        listener(p.anonymous, &format!("allow_anonymous true\n{more}"));
        listener(p.password, &login);
        listener(p.psk, &format!("{login}\npsk_hint broker\npsk_file {}", self.path("psk").display()));
        listener(p.certificate, &format!("{login}\n{}", self.tls_lines("server", &c.server)));
        listener(
            p.client_certificate,
            &format!("{login}\n{}\nrequire_certificate true", self.tls_lines("server", &c.server)),
        );
        listener(p.expired, &format!("allow_anonymous true\n{}", self.tls_lines("expired", &c.expired)));
        listener(p.elsewhere, &format!("allow_anonymous true\n{}", self.tls_lines("elsewhere", &c.elsewhere)));
        listener(p.common_name, &format!("allow_anonymous true\n{}", self.tls_lines("common-name", &c.common_name)));
        self.write("mosquitto.conf", &text);
        if let Some(version) = self.tls {
            let word = if version == TlsVersion::Only12 { "TLSv1.2" } else { "TLSv1.3" };
            let text = format!(
                "openssl_conf = o\n[o]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\nMinProtocol = {word}\nMaxProtocol = {word}\n"
            );
            self.write("openssl.cnf", &text);
        }
    }

    fn tls_lines(&self, name: &str, pair: &Pair) -> String {
        let (certificate, key) = (format!("{name}.crt"), format!("{name}.key"));
        self.write(&certificate, &pair.certificate);
        self.write(&key, &pair.key);
        let path = |name: &str| self.path(name).display().to_string();
        format!("cafile {}\ncertfile {}\nkeyfile {}", path("ca"), path(&certificate), path(&key))
    }

    /// SIGKILL (if it runs), then a new process with the same ports.
    pub fn restart(&mut self) {
        self.kill();
        let running = self.log.count(" running");
        let mut command = Command::new(program("mosquitto"));
        command.arg("-c").arg(self.path("mosquitto.conf"));
        if self.tls.is_some() {
            command.env("OPENSSL_CONF", self.path("openssl.cnf"));
        }
        let mut process = Process::start(&mut command, &self.log, &self.log);
        eventually("Mosquitto runs", || {
            assert!(process.runs() || self.log.count(" running") > running, "Mosquitto ended: {:#?}", self.log.all());
            self.log.count(" running") > running
        });
        self.process = Some(process);
    }

    /// SIGKILL. Its log is complete afterwards.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGTERM: it saves what it is to keep. Its log is complete afterwards.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::TERM);
            process.ended();
            process.kill();
        }
    }

    /// SIGSTOP: the kernel still answers for it.
    pub fn freeze(&self) {
        self.process.as_ref().expect("runs").signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.process.as_ref().expect("runs").signal(Signal::CONT);
    }

    /// PUBLISH packets that it says it received.
    pub fn received(&self) -> usize {
        self.log.count("Received PUBLISH from")
    }
}

/// Daemons are not in every user's search path.
fn program(name: &str) -> PathBuf {
    let installed = Path::new("/usr/sbin").join(name);
    if installed.exists() { installed } else { name.into() }
}
