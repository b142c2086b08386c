//! An `org.bluez` for programs that take adverts from D-Bus: an adapter that is always on, and devices whose properties
//! change at a pace. On a bus of its own where everyone may do everything. Not charged to anybody.

use crate::support::DEADLINE;
use crate::support::air::{AD_BYTES, packet};
use crate::support::process::Process;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;
use zbus::{Connection, ObjectPath, OwnedObjectPath, Variant, interface};

const ADAPTER: &str = "/org/bluez/hci0";
type Properties = HashMap<&'static str, Variant<'static>>;

/// A dbus-daemon without a policy.
pub(crate) struct OpenBus {
    _daemon: Process,
    pub(crate) address: String,
    _directory: TempDir,
}

impl OpenBus {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listen = format!("--address=unix:path={}/bus", directory.path().display());
        let mut command = Command::new("setpriv");
        command.args([
            "--pdeathsig",
            "KILL",
            "dbus-daemon",
            "--session",
            "--nofork",
            "--nopidfile",
            "--print-address=1",
        ]);
        let mut daemon = Process::spawn(command.arg(listen).stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut address = String::new();
        let stdout = daemon.child().stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("the address of the bus");
        Self { _daemon: daemon, address: address.trim().to_owned(), _directory: directory }
    }
}

struct Objects {
    devices: u16,
}

#[interface(name = "org.freedesktop.DBus.ObjectManager")]
impl Objects {
    fn get_managed_objects(&self) -> HashMap<OwnedObjectPath, HashMap<&'static str, Properties>> {
        let adapter = Properties::from([
            ("Address", "00:1A:7D:DA:71:13".into()),
            ("Name", "stand-in".into()),
            ("Powered", true.into()),
            ("Roles", vec!["central".to_owned()].into()),
            ("Discovering", true.into()),
        ]);
        let adapter = (path(ADAPTER.to_owned()), HashMap::from([("org.bluez.Adapter1", adapter)]));
        let device = |number| {
            let properties = Properties::from([
                ("Address", address(number, ":").into()),
                ("AddressType", "public".into()),
                ("Alias", address(number, "-").into()),
                ("Adapter", ObjectPath::from_static_str_unchecked(ADAPTER).into()),
                ("Paired", false.into()),
                ("Connected", false.into()),
                ("Trusted", false.into()),
                ("Blocked", false.into()),
                ("UUIDs", Vec::<String>::new().into()),
            ]);
            (path(device_path(number)), HashMap::from([("org.bluez.Device1", properties)]))
        };
        (0..self.devices).map(device).chain([adapter]).collect()
    }
}

struct Adapter(Arc<Notify>);

#[interface(name = "org.bluez.Adapter1")]
impl Adapter {
    fn set_discovery_filter(&self, _filter: HashMap<String, Variant<'_>>) {}

    fn start_discovery(&self) {
        self.0.notify_one();
    }

    fn stop_discovery(&self) {}
}

fn path(text: String) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text).expect("a path")
}

/// The addresses that `packet` makes.
fn address(device: u16, separator: &str) -> String {
    let [high, low] = device.to_be_bytes();
    ["C0", "DE", "00", "00", &format!("{high:02X}"), &format!("{low:02X}")].join(separator)
}

fn device_path(device: u16) -> String {
    format!("{ADAPTER}/dev_{}", address(device, "_"))
}

/// See the module.
pub(crate) struct Bluez {
    connection: Connection,
    devices: u16,
    scanning: Arc<Notify>,
}

impl Bluez {
    pub(crate) async fn start(bus: &OpenBus, devices: u16) -> Self {
        let scanning = Arc::new(Notify::new());
        let connection = zbus::connection::Builder::address(&*bus.address)
            .serve_at("/", Objects { devices })
            .serve_at(ADAPTER, Adapter(scanning.clone()))
            .name("org.bluez")
            .build()
            .await
            .expect("the bus");
        Self { connection, devices, scanning }
    }

    /// Waits until someone scans.
    pub(crate) async fn scanned(&self) {
        tokio::time::timeout(DEADLINE, self.scanning.notified()).await.expect("StartDiscovery");
    }

    /// Tells of a numbered advert: the same as `packet` puts into HCI, as bluetoothd would tell it.
    pub(crate) async fn hear(&self, number: u32) {
        let packet = packet(number, self.devices);
        // Behind the flags, and the length, type and company of the manufacturer data.
        let data = packet[packet.len() - 1 - AD_BYTES..packet.len() - 1][7..].to_vec();
        let changed = HashMap::from([
            ("RSSI", Variant::from(-60_i16)),
            ("ManufacturerData", Variant::from(HashMap::from([(0xFFFF_u16, Variant::from(data))]))),
        ]);
        let path = device_path((number % u32::from(self.devices)) as u16);
        let body = ("org.bluez.Device1", changed, Vec::<&str>::new());
        let interface = "org.freedesktop.DBus.Properties";
        self.connection.emit_signal(None::<&str>, path, interface, "PropertiesChanged", &body).await.expect("the bus");
    }
}
