//! One connection to an MQTT broker: the client library behind its tunnel, TLS, and the protocol as it is on the wire. Knows no queue,
//! ledger or spool.

pub(crate) mod client;
pub(crate) mod connection_state;
pub(crate) mod exchange;
pub(crate) mod framing;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
pub(crate) mod inbound_filter;
pub(crate) mod limits;
pub(crate) mod packet;
pub(crate) mod paho;
pub(crate) mod properties;
pub(crate) mod reason;
mod tcp_progress;
pub(crate) mod tls;
mod tls_error;
pub(crate) mod transport;
pub(crate) mod tunnel;
