//! The seam between the publish loop and MQTT, so that the loop can be tested without a broker.

use super::orders::Endpoint;
use crate::config::Qos;
use crate::stats::Failure;

/// What became of messages that were handed over, or of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The broker acknowledged the message with this tag (QoS 1, 2), or the socket to it took it (QoS 0).
    Published(u64),
    /// The broker will never take the message with this tag.
    Refused(u64, Failure),
    /// The connection is gone. Nothing more is heard of the messages in flight.
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

/// At most one connection to a broker.
pub(crate) trait Broker {
    /// Connects; the broker accepted us when this is `Ok`. May be cancelled, then [`Broker::abandon`] follows.
    async fn connect(&mut self, endpoint: &Endpoint) -> Result<(), Failure>;

    /// Hands over a message without waiting. Its tag comes back in an [`Event`].
    fn publish(&mut self, tag: u64, topic: &str, payload: &[u8], qos: Qos) -> Result<(), NotSent>;

    /// The next event. May be cancelled without losing one.
    async fn event(&mut self) -> Event;

    /// Says goodbye after everything handed over.
    async fn disconnect(&mut self);

    /// Gives the connection up at once.
    fn abandon(&mut self);

    /// The end: leaves nothing behind that could outlive the runtime.
    async fn close(&mut self);
}
