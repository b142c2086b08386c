//! Times and sizes that bound the publish side. Tests shorten them.

use std::time::Duration;

/// The limits of one connection, of the window and of the time between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For DNS, TCP and TLS together. This and `answer` double with each attempt in a row that failed, up to `slowest` times.
    pub connect: Duration,
    /// For the broker's answer to CONNECT; and to PINGREQ, unless KeepAliveSecs is longer.
    pub answer: Duration,
    /// See `connect`.
    pub slowest: u32,
    /// For a broker to accept us while there are others to try; doubles with every round in which none did.
    pub hop: Duration,
    /// Between looks whether the first broker answers again, on average.
    pub probe: Duration,
    /// Without an acknowledgement of the broker's TCP while a write to it waits.
    pub stall: Duration,
    /// Without any acknowledgement while messages are in flight.
    pub ack: Duration,
    /// For what still waits when the service stops.
    pub drain: Duration,
    /// For acknowledgements that are on their way when other settings arrive or the connection is lost.
    pub settle: Duration,
    /// For the broker to close after DISCONNECT.
    pub farewell: Duration,
    /// Before an MQTT client that is no longer used is dropped (see `paho`).
    pub retire: Duration,
    /// After this a connection counts as one that worked, and the delays start small again.
    pub steady: Duration,
    /// First delay between attempts.
    pub backoff_base: Duration,
    /// Longest delay between attempts.
    pub backoff_cap: Duration,
    /// Messages in flight.
    pub window: usize,
    /// Messages in flight at QoS 2. Mosquitto takes 20 by default (`max_inflight_messages`) and, depending on its version and
    /// its other settings, ends the connection of a client that sends more (eclipse-mosquitto/mosquitto#3088).
    pub window_qos2: usize,
    /// Bytes in flight; one message may exceed it.
    pub window_bytes: usize,
    /// Messages that a short connection carries.
    pub burst: usize,
}

impl Limits {
    /// How many times as long a broker may take to accept us after so many attempts that failed.
    pub(crate) fn factor(&self, attempts: u32) -> u32 {
        self.slowest.min(1 << attempts.min(16)).max(1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            slowest: 4,
            hop: Duration::from_secs(2),
            probe: Duration::from_secs(60),
            stall: Duration::from_secs(10),
            ack: Duration::from_secs(30),
            drain: Duration::from_secs(5),
            settle: Duration::from_millis(500),
            farewell: Duration::from_secs(2),
            retire: Duration::from_secs(1),
            steady: Duration::from_secs(10),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(60),
            window: 100,
            window_qos2: 20,
            window_bytes: 1 << 20,
            burst: 100,
        }
    }
}
