//! The seam between publisher and MQTT, so that the publisher can be tested without a broker.

use crate::config::{Broker, Qos};
use crate::model::{Failure, Message, MessageId};
use std::pin::Pin;

/// What a connection depends on: the settings of the broker without those of single messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BrokerConfig {
    /// With the client id filled in.
    pub(crate) mqtt: Broker,
    /// Whether the session outlives the connection, as QoS 2 needs it. Else it is clean, as the guide's is.
    pub(crate) lasting: bool,
    pub(crate) last_will: Option<LastWill>,
}

impl BrokerConfig {
    /// `host:port` for people.
    pub(crate) fn name(&self) -> String {
        self.mqtt.name()
    }
}

/// What the broker publishes when it lost us, retained and at QoS 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastWill {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// Stands for the status message among the ids of messages.
pub(crate) const STATUS_ID: MessageId = 0;

/// What became of messages that were handed over, or of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The broker acknowledged the message with this id (QoS 1, 2), or the socket to it took it (QoS 0).
    Published(MessageId),
    /// The broker has the message with this id, and not the last word on it yet (QoS 2).
    Accepted(MessageId),
    /// The broker will never take the message with this id.
    Refused(MessageId, Failure),
    /// The broker does not take the message with this id for the moment; nothing keeps it.
    Deferred(MessageId, Failure),
    /// The connection is gone. Nothing more is heard of the messages in flight, except of those that a session keeps.
    Lost(Failure),
}

/// Why a message could not be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// This message is not for this broker.
    Refused(Failure),
    /// The connection is gone.
    Lost(Failure),
}

/// Finds out whether a broker answers.
pub(crate) type Probe = Pin<Box<dyn Future<Output = bool>>>;

/// At most one connection to a broker.
pub(crate) trait Client {
    /// Connects; the broker accepted us when this is `Ok`. It has `factor` times the time that the limits say. May be
    /// cancelled, then [`Client::abort`] follows.
    async fn connect(&mut self, config: &BrokerConfig, factor: u32) -> Result<(), Failure>;

    /// Hands over a message without waiting. Its id comes back in an [`Event`].
    fn publish(&mut self, id: MessageId, topic: &str, payload: &[u8], qos: Qos) -> Result<(), NotSent>;

    /// Whether this broker answers, without touching a connection. It does not log in: a second login of ours would end
    /// the connection that we have to a broker of the same cluster.
    fn probe(&self, config: &BrokerConfig) -> Probe;
    /// Hands over the retained status message at QoS 1, without waiting. [`STATUS_ID`] comes back in an [`Event`].
    fn publish_status(&mut self, topic: &str, payload: &[u8]) -> Result<(), NotSent>;

    /// Highest QoS that the broker takes over this connection, if it told.
    fn maximum_qos(&self) -> Option<Qos>;

    /// Largest packet that the broker takes over this connection, if it told.
    fn maximum_packet_size(&self) -> Option<usize>;

    /// When the broker gave its last sign of life over this connection.
    fn last_received(&self) -> Option<std::time::Instant>;

    /// The next event. May be cancelled without losing one.
    async fn next_event(&mut self) -> Event;

    /// Says goodbye after everything handed over.
    async fn disconnect(&mut self);

    /// Gives the connection up at once.
    async fn abort(&mut self);

    /// Whether a session keeps this message: it is repeated by itself after a connection to the same broker, so it stays in
    /// flight. To be asked again after a connection was made.
    fn keeps(&self, id: MessageId) -> bool;

    /// Something that became of a message that a session keeps, if it happened already.
    fn session_event(&mut self) -> Option<Event>;

    /// Gives the session up.
    async fn forget_session(&mut self);

    /// Takes over the session of an earlier run: `add` puts a message in flight and gives it an id. Tells how many adverts of it are lost.
    fn resume(&mut self, add: impl FnMut(Message) -> MessageId) -> u64;

    /// Leaves the session to the next run; these messages are in flight. False if that failed.
    fn save(&mut self, flight: &[&Message]) -> bool;

    /// The end: leaves nothing behind that could outlive the runtime.
    async fn close(&mut self);
}
