//! A RabbitMQ cluster with the MQTT plugin on the loopback interface: ordinary processes, nothing of the machine changes.

use super::process::{Lines, Process, output};
use super::{free_port, within};
use std::fmt::Write;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Debian's package keeps the programs here; those in the search path change the user.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// An Erlang machine and a cluster take their time to start, more so on a busy machine.
const STARTUP: Duration = Duration::from_secs(180);

/// See the module. Killed when dropped.
pub struct Cluster {
    pub nodes: Vec<Node>,
    // Dropped last: name server and files.
    _names: Process,
    _directory: TempDir,
}

/// A node of the cluster.
pub struct Node {
    /// Of its MQTT listener.
    pub port: u16,
    name: String,
    command: Vec<(String, String)>,
    log: Lines,
    process: Option<Process>,
}

impl Cluster {
    /// Starts so many nodes and waits until each accepts clients.
    pub fn start(count: usize) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let home = directory.path();
        // Only who has it may join or ask.
        let cookie = home.join(".erlang.cookie");
        fs::write(&cookie, format!("cookie{}", std::process::id())).expect("written");
        fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400)).expect("permissions");
        let names_port = free_port().to_string();
        let mut names = Command::new("setpriv");
        names.args(["--pdeathsig", "KILL", "epmd", "-port", &names_port, "-address", "127.0.0.1"]);
        let names = Process::start(&mut names, &Lines::default(), &Lines::default());
        let all: Vec<_> = (0..count).map(|n| format!("bypass{n}-{}@localhost", std::process::id())).collect();
        let mut nodes: Vec<_> = all.iter().map(|name| Node::new(name, &all, home, &names_port)).collect();
        nodes.iter_mut().for_each(Node::spawn);
        nodes.iter_mut().for_each(Node::await_clients);
        let cluster = Self { nodes, _names: names, _directory: directory };
        let expected = format!("{count}");
        within(STARTUP, "all nodes are in one cluster", || {
            let found = cluster.nodes[0].ask("length(rabbit_nodes:all_running()).");
            (found == expected).then_some(()).ok_or(found)
        });
        cluster
    }
}

impl Node {
    fn new(name: &str, all: &[String], home: &Path, names_port: &str) -> Self {
        let directory = home.join(name);
        fs::create_dir(&directory).expect("a directory");
        let path = |file: &str| directory.join(file).display().to_string();
        let (port, amqp, between) = (free_port(), free_port(), free_port());
        let mut config = format!(
            "listeners.tcp.default = 127.0.0.1:{amqp}\nmqtt.listeners.tcp.default = 127.0.0.1:{port}\n\
             mqtt.tcp_listen_options.backlog = 4096\nmqtt.allow_anonymous = true\nlog.console = true\nlog.file = false\n\
             cluster_formation.peer_discovery_backend = classic_config\n"
        );
        for (number, peer) in all.iter().enumerate() {
            writeln!(config, "cluster_formation.classic_config.nodes.{} = {peer}", number + 1).expect("to a string");
        }
        fs::write(path("rabbitmq.conf"), config).expect("written");
        fs::write(path("plugins"), "[rabbitmq_mqtt].").expect("written");
        let command = [
            ("HOME", home.display().to_string()),
            ("ERL_EPMD_PORT", names_port.to_owned()),
            ("RABBITMQ_NODENAME", name.to_owned()),
            ("RABBITMQ_DIST_PORT", between.to_string()),
            ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins")),
            ("RABBITMQ_MNESIA_BASE", path("mnesia")),
            ("RABBITMQ_LOG_BASE", path("log")),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1".to_owned()),
            // The start script then becomes the node, so that our child is the node.
            ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
        ];
        let command = command.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Self { port, name: name.to_owned(), command, log: Lines::default(), process: None }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(Path::new(PROGRAMS).join(program));
        command.envs(self.command.iter().cloned()).env_remove("NOTIFY_SOCKET");
        command
    }

    fn spawn(&mut self) {
        let mut command = self.command("rabbitmq-server");
        command.arg("-noinput");
        self.process = Some(Process::start(&mut command, &self.log, &self.log));
    }

    fn await_clients(&mut self) {
        let (port, log) = (self.port, &self.log);
        let process = self.process.as_mut().expect("started");
        within(STARTUP, "RabbitMQ accepts MQTT clients", || {
            assert!(process.runs(), "the node ended: {:#?}", log.all());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// `host:port` for `FallbackHosts`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Starts it again and waits until it accepts clients.
    pub fn restart(&mut self) {
        self.spawn();
        self.await_clients();
    }

    /// The value of an Erlang expression on the node.
    pub fn ask(&self, expression: &str) -> String {
        let output = output(self.command("rabbitmqctl").args(["-n", &self.name, "eval", expression]));
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { said(&output.stdout) } else { said(&output.stderr) }
    }

    /// CPU time that it used.
    pub fn cpu(&self) -> Duration {
        super::process::cpu(self.process.as_ref().expect("runs").id())
    }
}
