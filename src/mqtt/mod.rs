//! MQTT as it is on the wire, and what of it may reach the client library (decision record 0016).

pub(crate) mod exchange;
pub(crate) mod framing;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
pub(crate) mod inbound_filter;
pub(crate) mod packet;
pub(crate) mod properties;
pub(crate) mod reason;
