//! The service with everything from the air to the subscriber, and the faults that come from the broker's side, the disk and the
//! power.

use crate::net::{Cut, Mode, Net};
use crate::plan::{Entry, Kind};
use crate::player::Player;
use crate::recorder::Recorder;
use crate::support::air::Air;
use crate::support::broker::Mosquitto;
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::identities::Who;
use crate::support::process::output;
use crate::support::service::Service;
use crate::support::{eventually, free_port};
use fastrand::Rng;
use rustix::fd::AsRawFd;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    BrokerKilled,
    BrokerStopped,
    BrokerFull,
    NetworkRefused,
    NetworkSilent,
    NetworkSlow,
    CutInPacket,
    CutBeforeAck,
    DiskFull,
    ServiceKilled,
    ServiceRestarted,
}

use Fault::*;

impl Kind for Fault {
    fn table() -> &'static [Entry<Self>] {
        &[
            (BrokerKilled, 2, 3, "broker killed (SIGKILL), started again"),
            (BrokerStopped, 1, 40, "broker stalled (SIGSTOP)"),
            (BrokerFull, 1, 8, "broker takes no more connections"),
            (NetworkRefused, 1, 20, "network cut, connections refused"),
            (NetworkSilent, 1, 40, "network silent"),
            (NetworkSlow, 1, 20, "network slow (10 kB/s)"),
            (CutInPacket, 2, 3, "connection cut inside a packet"),
            (CutBeforeAck, 2, 3, "connection cut, acknowledgements lost"),
            (DiskFull, 1, 8, "disk full"),
            (ServiceKilled, 2, 3, "service killed (SIGKILL)"),
            (ServiceRestarted, 1, 3, "service restarted (SIGTERM)"),
        ]
    }

    fn goes_with(self, other: Self) -> bool {
        let place = |fault| match fault {
            BrokerKilled | BrokerStopped => 0,
            DiskFull => 1,
            ServiceKilled | ServiceRestarted => 2,
            _ => 3,
        };
        let held = |a, b| a == BrokerFull && [0, 3].contains(&place(b));
        place(self) != place(other) && !held(self, other) && !held(other, self)
    }
}

pub(crate) type Ledger = BTreeMap<String, u64>;

/// See the module.
pub(crate) struct Site {
    pub(crate) service: Option<Service>,
    pub(crate) player: Player,
    pub(crate) recorder: Recorder,
    net: Net,
    pub(crate) broker: Mosquitto,
    bus: Bus,
    /// Takes the last place at the broker.
    occupier: Option<TcpStream>,
    full: u16,
}

const RATE: u32 = 400;
pub(crate) const TOPIC: &str = "scanTopic";
/// The queue holds 3 s of the load and goes to the disk when it is half full.
const QUEUE: &str = "262144";

impl Site {
    pub(crate) fn start(version: &str) -> Self {
        let full = free_port();
        // The service's own listener, with room for one.
        let more = format!("\nlistener {full} 127.0.0.1\nallow_anonymous true\nmax_connections 1");
        let broker = Mosquitto::with(None, &more);
        let recorder = Recorder::start(&broker, TOPIC);
        let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
        let net = Net::start(full);
        let player = Player::start(RATE);
        let mut site = Self { service: None, player, recorder, net, broker, bus, occupier: None, full };
        let (user, group) = site.bus.identities().ids(Who::Service);
        let options = format!("size=8m,mode=700,uid={user},gid={group}");
        let state = site.bus.state().display().to_string();
        site.root(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", &state]);
        site.player.pause(true);
        site.start_service();
        let port = site.net.port.to_string();
        let settings = [
            ["Host", "s", "127.0.0.1"],
            ["Port", "q", &port],
            ["Protocol", "s", "mqtt"],
            ["ScanQos", "y", "1"],
            ["MqttVersion", "s", version],
            ["QueueMaxBytes", "u", QUEUE],
            ["ReplayMaxPerSec", "u", "5000"],
            ["KeepAliveSecs", "q", "10"],
        ];
        let count = settings.len().to_string();
        let words = [&["call", NAME, PATH, CONFIG, "Apply", "a{sv}", &count][..], settings.as_flattened()].concat();
        site.bus.busctl(Who::Admin, &words).expect("settings");
        site.player.pause(false);
        site
    }

    /// A command as root where the service sees its disk.
    fn root(&self, words: &[&str]) {
        let output = output(self.bus.command(Who::Root).args(words));
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.bus.ledger()
    }

    /// Whether what an earlier run left is still being read.
    pub(crate) fn is_recovering(&self) -> bool {
        self.bus.value(STATS, "SpoolState") == "recovering"
    }

    pub(crate) fn log(&self) -> String {
        self.bus.log()
    }

    fn start_service(&mut self) {
        let (air, theirs) = Air::new();
        self.player.to(Some(air));
        let arguments = ["--monitor-fd", &theirs.as_raw_fd().to_string()];
        self.service = Some(self.bus.start_service_quietly(&arguments));
    }

    pub(crate) fn begin(&mut self, fault: Fault, dice: u64) {
        let mut rng = Rng::with_seed(dice);
        match fault {
            BrokerKilled => {
                // Who watches must be there before the service is.
                self.net.gate(false);
                self.broker.kill();
            }
            BrokerStopped => self.broker.freeze(),
            BrokerFull => self.occupy(),
            NetworkRefused => self.net.mode(Mode::Refused),
            NetworkSilent => self.net.mode(Mode::Silent),
            // In a tick of 20 ms.
            NetworkSlow => self.net.mode(Mode::Slow(200)),
            CutInPacket => self.net.cut(Cut::Up(rng.u8(..))),
            CutBeforeAck => self.net.cut(Cut::Down),
            DiskFull => {
                let fill = format!("cat /dev/zero >{}/filler 2>/dev/null || true", self.bus.state().display());
                self.root(&["sh", "-c", &fill]);
            }
            ServiceKilled => {
                std::thread::sleep(Duration::from_millis(rng.u64(..100)));
                self.service.take().expect("it runs").kill();
                self.player.to(None);
            }
            ServiceRestarted => {
                // What was given to a service that stops is nobody's: all of it must be read before.
                self.player.pause(true);
                eventually("all of it is read", || self.ledger()["Received"] == self.player.of_this_run());
                let status = self.service.take().expect("it runs").stop();
                assert!(status.success(), "{status}");
                self.player.to(None);
                self.player.pause(false);
            }
        }
    }

    pub(crate) fn end(&mut self, fault: Fault) {
        match fault {
            BrokerKilled => {
                let before = Recorder::subscriptions(&self.broker);
                self.broker.restart();
                eventually("the recorder is back", || Recorder::subscriptions(&self.broker) > before);
                self.net.gate(true);
            }
            BrokerStopped => self.broker.thaw(),
            BrokerFull => self.occupier = None,
            NetworkRefused | NetworkSilent | NetworkSlow => self.net.mode(Mode::Up),
            CutInPacket | CutBeforeAck => {}
            DiskFull => self.root(&["rm", &self.bus.state().join("filler").display().to_string()]),
            ServiceKilled | ServiceRestarted => self.start_service(),
        }
    }

    /// Takes the place of the service.
    fn occupy(&mut self) {
        self.net.mode(Mode::Refused);
        let occupier = eventually("the place is free", || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.full)).ok()?;
            stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
            // The broker closes what it has no room for.
            stream.read(&mut [0]).is_err().then_some(stream)
        });
        self.occupier = Some(occupier);
        self.net.mode(Mode::Up);
    }
}
