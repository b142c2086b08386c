//! The settings as the service works with them: bad states cannot be written.

use super::{Candidate, Filters, RawConfig, Secret};
use crate::model::{Address, ConfiguredCertificate};
use std::time::Duration;
use zeroize::Zeroizing;

/// A checked set of settings. Made by [`Config::check`] only.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How many changes came before, since the service started.
    pub revision: u64,
    /// The settings as D-Bus reports them, secrets aside. Who works with settings uses the others.
    pub(crate) raw: RawConfig,
    /// Which secrets are stored: keys of [`super::SECRETS`].
    pub stored_secrets: Vec<&'static str>,
    /// What the radio does.
    pub scan: ScanMode,
    /// The adapters to scan with.
    pub adapters: Adapters,
    /// What stands for this router; `None` finds it out.
    pub router: Option<Address>,
    /// Which adverts are published.
    pub filters: Filters,
    /// 0: every packet; 1: one of each device; else one of those alike in so many milliseconds.
    pub duplicates_ms: u32,
    /// When a batch leaves.
    pub batch: Batching,
    /// How messages and items are written.
    pub payload: Payload,
    /// Bytes of finished messages that may wait.
    pub queue_max_bytes: usize,
    /// What may wait on the disk.
    pub spooling: Spooling,
    /// The broker, while `Protocol` is `mqtt`.
    pub mqtt: Option<Mqtt>,
}

impl Config {
    /// Checks a candidate; every problem at once.
    pub fn check(candidate: &Candidate) -> Result<Self, Vec<super::Problem>> {
        super::check::check(candidate)
    }

    /// The certificates of the settings, used or not.
    pub fn certificates(&self) -> Vec<ConfiguredCertificate> {
        self.raw.certificates()
    }
}

/// What may wait on the disk, and how fast it leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spooling {
    /// Bytes; 0 is no spool.
    pub max_bytes: u64,
    /// Seconds.
    pub max_age: u64,
    /// Adverts per second.
    pub rate: u32,
}

/// What the radio does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanMode {
    /// Nothing.
    Off,
    /// It listens.
    Passive,
    /// It also sends scan requests.
    Active,
}

/// Adapters in use at a time.
pub const MOST_ADAPTERS: usize = 8;

/// Which adapters scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adapters {
    /// The first that there is.
    First,
    /// Every one.
    All,
    /// Those with these addresses, each once, at most [`MOST_ADAPTERS`].
    Listed(Vec<Address>),
}

/// When a batch of adverts becomes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// At this age of its first advert ...
    pub interval: Duration,
    /// ... or with this many adverts.
    pub size: u32,
}

/// How messages and items are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// Of a message.
    pub framing: Framing,
    /// Of each item.
    pub style: Style,
}

/// Framing of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// An array of items.
    Array,
    /// One item.
    Object,
    /// Items, and what identifies the message.
    Envelope,
}

/// What an item has beside the usual, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether it has `timestamp`, and as what text.
    pub timestamp: Option<TimestampFormat>,
    /// Whether beacons are decoded.
    pub beacon: bool,
    /// Key of the event type.
    pub event_type_key: &'static str,
}

/// Text of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `2026-03-08T10:07:17.723Z`.
    Rfc3339,
    /// `2026-03-08 18:07:17.723 CST`.
    Local,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq)]
pub struct Mqtt {
    /// What the connection depends on.
    pub broker: Broker,
    /// What is sent over it.
    pub publish: Publish,
}

/// How to reach the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct Broker {
    /// DNS name or IP address, without brackets.
    pub host: String,
    /// TCP port, never 0.
    pub port: u16,
    /// Name or address and port of the brokers to try when this one does not answer, in this order.
    pub fallbacks: Vec<(String, u16)>,
    /// Kept, or made anew for each batch.
    pub connection: Connection,
    /// User name and password, if there is a user name.
    pub login: Option<Login>,
    /// TLS.
    pub security: Security,
    /// Protocol version.
    pub version: MqttVersion,
    /// Keep alive; zero is off.
    pub keep_alive: Duration,
    /// Client identifier with its template not filled in.
    pub client_id: String,
}

impl Broker {
    /// `host:port` for people.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Where on the broker messages go; the templates of topics are not filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Of the messages.
    pub topic: String,
    /// Quality of service of the messages.
    pub qos: Qos,
    /// Of the status message, if there is to be one.
    pub status_topic: Option<String>,
}

/// Lifetime of the connection to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Kept.
    Long,
    /// For one batch.
    Short,
}

/// MQTT quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qos {
    /// 0.
    AtMostOnce,
    /// 1.
    AtLeastOnce,
    /// 2.
    ExactlyOnce,
}

/// MQTT protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MqttVersion {
    /// 3.1.
    V31,
    /// 3.1.1.
    V311,
    /// 5.
    V5,
}

/// User name and password.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// Not empty.
    pub username: String,
    /// May be empty.
    pub password: Secret,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, PartialEq)]
pub enum Security {
    /// It is not.
    None,
    /// TLS with a pre-shared key.
    Psk {
        /// Not empty.
        identity: String,
        /// The key's bytes.
        key: PskKey,
    },
    /// TLS with certificates.
    Certificate {
        /// PEM text of the CA certificates; `None` uses the system's store.
        ca: Option<String>,
        /// Shown to the broker when it asks.
        client: Option<ClientCertificate>,
    },
}

/// Bytes of a pre-shared key.
#[derive(Clone, PartialEq)]
pub struct PskKey(pub Zeroizing<Vec<u8>>);

impl std::fmt::Debug for PskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Our own certificate and its key, known to match.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientCertificate {
    /// PEM text, leaf first.
    pub chain: String,
    /// PEM text.
    pub key: Secret,
}
