//! The service `cassia-bypassd`: Bluetooth LE advertisements from BlueZ to an MQTT broker, in Cassia's JSON.
//!
//! ```text
//!     controller --HCI--> kernel --> bluetoothd (in charge of the radio, told what to do through bluer)
//!                            |              |
//!          monitor channel   |              | PropertiesChanged          (Capture: one of the two)
//!                            v              v
//!                     [ scan task: capture -> filter -> encode ] --push--> Queue --pop--> [ publish task ] --MQTT--> broker
//!                            ^                                                                   ^
//!                            | watch<Arc<Config>>                                                | watch<Arc<Config>>
//!                            +--------------------- Settings (the only writer) ------------------+
//!                                                        ^ update()
//!             D-Bus object: Config ----------------------+          Stats --> D-Bus object: Stats
//! ```

pub mod advert;
mod async_fd;
pub mod backoff;
pub mod beacon;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod dbus;
pub mod encode;
pub mod filter;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod health;
pub mod log;
pub mod losses;
pub mod memory;
mod mqtt;
pub mod printable;
pub mod publish;
pub mod queue;
pub mod router;
pub mod rx_times;
pub mod scan;
pub mod spool;
pub mod stats;
pub mod systemd;
pub mod threads;
pub mod timestamp;
pub mod watchdog;

#[cfg(test)]
#[path = "../tests/support/broker_certificates.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests with a broker use it, too")]
mod test_certificates;
