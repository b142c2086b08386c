//! The seam between the publish loop and MQTT, so that the loop can be tested without a broker.

use super::orders::Endpoint;
#[cfg(doc)]
use super::status;
use crate::config::Qos;
use crate::queue::Message;
use crate::stats::Failure;
use std::pin::Pin;

/// What became of messages that were handed over, or of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The broker acknowledged the message with this tag (QoS 1, 2), or the socket to it took it (QoS 0).
    Published(u64),
    /// The broker has the message with this tag, and not the last word on it yet (QoS 2).
    Accepted(u64),
    /// The broker will never take the message with this tag.
    Refused(u64, Failure),
    /// The broker does not take the message with this tag for the moment; nothing keeps it.
    Deferred(u64, Failure),
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
pub(crate) trait Broker {
    /// Connects; the broker accepted us when this is `Ok`. It has `factor` times the time that the limits say. May be
    /// cancelled, then [`Broker::abandon`] follows.
    async fn connect(&mut self, endpoint: &Endpoint, factor: u32) -> Result<(), Failure>;

    /// Hands over a message without waiting. Its tag comes back in an [`Event`].
    fn publish(&mut self, tag: u64, topic: &str, payload: &[u8], qos: Qos) -> Result<(), NotSent>;

    /// Whether this broker answers, without touching a connection. It does not log in: a second login of ours would end
    /// the connection that we have to a broker of the same cluster.
    fn probe(&self, endpoint: &Endpoint) -> Probe;
    /// Hands over the retained status message at QoS 1, without waiting. [`status::TAG`] comes back in an [`Event`].
    fn announce(&mut self, topic: &str, payload: &[u8]) -> Result<(), NotSent>;

    /// Highest QoS that the broker takes over this connection, if it told.
    fn maximum_qos(&self) -> Option<Qos>;

    /// Largest packet that the broker takes over this connection, if it told.
    fn maximum_packet_size(&self) -> Option<usize>;

    /// When the broker gave its last sign of life over this connection.
    fn heard(&self) -> Option<std::time::Instant>;

    /// The next event. May be cancelled without losing one.
    async fn event(&mut self) -> Event;

    /// Says goodbye after everything handed over.
    async fn disconnect(&mut self);

    /// Gives the connection up at once.
    async fn abandon(&mut self);

    /// Whether a session keeps this message: it is repeated by itself after a connection to the same broker, so it stays in
    /// flight. To be asked again after a connection was made.
    fn keeps(&self, tag: u64) -> bool;

    /// Something that became of a message that a session keeps, if it happened already.
    fn step(&mut self) -> Option<Event>;

    /// Gives the session up.
    async fn forget(&mut self);

    /// Takes over the session of an earlier run: `add` puts a message in flight and gives it a tag. Tells how many adverts of it are lost.
    fn adopt(&mut self, add: impl FnMut(Message) -> u64) -> u64;

    /// Leaves the session to the next run; these messages are in flight. False if that failed.
    fn leave(&mut self, flight: &[(u64, Message)]) -> bool;

    /// The end: leaves nothing behind that could outlive the runtime.
    async fn close(&mut self);
}
