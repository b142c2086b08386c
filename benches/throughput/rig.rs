//! Bus, broker and service for one cell: nothing is left of the cell before.

use crate::cell::{Cell, Encryption};
use crate::support::air::Air;
use crate::support::broker::{Mosquitto, PASSWORD, PSK, PSK_IDENTITY, Scenario, USER};
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH, STATS};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::service::Service;
use rustix::fd::AsRawFd;
use std::collections::BTreeMap;

/// See the module. The service goes first.
pub(crate) struct Rig {
    pub(crate) service: Service,
    pub(crate) air: Air,
    pub(crate) broker: Mosquitto,
    pub(crate) bus: Bus,
}

pub(crate) const TOPIC: &str = "scanTopic";

/// The service as it was built with this bench, or another build to compare with.
fn program() -> String {
    std::env::var("CASSIA_BYPASSD").unwrap_or_else(|_| env!("CARGO_BIN_EXE_cassia-bypassd").to_owned())
}

/// A broker that does not write a line for each message.
pub(crate) fn broker() -> Mosquitto {
    Mosquitto::with(None, "log_type none\nlog_type error\nlog_type warning\nlog_type notice\nlog_type information")
}

impl Rig {
    /// Connected when this returns.
    pub(crate) fn start(cell: &Cell) -> Self {
        let broker = broker();
        let bus = Bus::start(&program());
        let (air, theirs) = Air::new();
        air.widen();
        let service = bus.start_service_quietly(&["--monitor-fd", &theirs.as_raw_fd().to_string()]);
        let rig = Self { service, air, broker, bus };
        rig.apply(cell);
        eventually("connected", || rig.bus.value(STATS, "LinkState") == "connected");
        rig
    }

    fn apply(&self, cell: &Cell) {
        let scenario = match cell.encryption {
            Encryption::None => Scenario::Anonymous,
            Encryption::Psk => Scenario::Psk,
            Encryption::Certificate => Scenario::Certificate,
        };
        let certificate = self.broker.certificates.ca.pem();
        let (port, qos) = (scenario.port(&self.broker.ports).to_string(), cell.qos.to_string());
        let duplicates = cell.duplicates.to_string();
        let mut settings = vec![
            ["Host", "s", "127.0.0.1"],
            ["Port", "q", &port],
            ["ScanTopic", "s", TOPIC],
            ["ScanQos", "y", &qos],
            ["DuplicatesMs", "u", &duplicates],
            ["EncryptionMode", "s", cell.encryption.as_str()],
            ["Protocol", "s", "mqtt"],
        ];
        if scenario != Scenario::Anonymous {
            settings.extend([["Username", "s", USER], ["Password", "s", PASSWORD]]);
        }
        match cell.encryption {
            Encryption::None => {}
            Encryption::Psk => settings.extend([["PskIdentity", "s", PSK_IDENTITY], ["Psk", "s", PSK]]),
            Encryption::Certificate => settings.push(["CaCertificate", "s", &certificate]),
        }
        let count = settings.len().to_string();
        let words = [&["call", NAME, PATH, CONFIG, "Apply", "a{sv}", &count], &settings.concat()[..]].concat();
        self.bus.busctl(Who::Root, &words).expect("settings");
    }

    /// Every count at one moment.
    pub(crate) fn ledger(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.bus.value(STATS, "Ledger")).expect("a dictionary of counts")
    }
}
