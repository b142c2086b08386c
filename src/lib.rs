//! The service `cassia-bypassd`: Bluetooth LE advertisements from BlueZ to an MQTT broker, in Cassia's JSON.
//!
//! ```text
//!     controller --HCI--> kernel --> bluetoothd (in charge of the radio; bluez/ tells it what to do)
//!                            |              |
//!          hci/: monitor     |              | PropertiesChanged       (Capture: one of the two)
//!          channel           v              v
//!        [ ingest/: capture -> reassembly -> filter -> dedup -> batch ] --push--> queue --pop--> [ publisher/ ] --mqtt/--> broker
//!                            ^                                                      |  ^              ^
//!                            | watch<Arc<Config>>                                  spool/             | watch<Arc<Config>>
//!                            +----------------- config/: Settings (the only writer) ------------------+
//!                                                        ^
//!             dbus/: Config -----------------------------+          stats (written by the tasks) --> dbus/: Stats
//! ```
//!
//! `docs/architecture.md` walks through it. To change
//!
//! | | open |
//! |---|---|
//! | a setting: its name, type, default, limits, text | `config/schema.rs`; what it means to the service `config/typed.rs` and `config/check.rs` |
//! | where settings come from, how they are kept | `config/store.rs`, `config/layers.rs` |
//! | a filter | `config/filters.rs` (how it is written), `ingest/filter.rs` (what passes), its kind in `model/codes.rs` |
//! | what counts as a repeat | `ingest/dedup.rs` |
//! | a key of an item | `encode.rs`; of the envelope `encode/batch.rs` |
//! | how reports of a controller are read | `hci/reports.rs`; which of them pass the kernel's filter `hci/bpf.rs` |
//! | what is done about an adapter that fails | `bluez/recovery.rs`; when that is noticed `bluez/scan_session.rs` |
//! | a word of `LastError`, a drop reason, a state | `model/codes.rs` |
//! | what an answer of a broker means | `mqtt/reason.rs`, of TLS `mqtt/tls_error.rs` |
//! | the MQTT library | `mqtt/paho/`, behind `mqtt/client.rs` |
//! | when the publisher connects, waits or ends a connection | `publisher/state.rs`, its inputs `publisher/input.rs`, what is done `publisher/effects.rs`, fallbacks `publisher/failover.rs` |
//! | when messages go to the broker, and again | `publisher/delivery.rs`, `publisher/refusals.rs`; to the disk and back `spool/spooler.rs` |
//! | the status message | `publisher/status_topic.rs` |
//! | the format of the spool | `spool/record.rs` |
//! | a method or property on D-Bus | `dbus/config_interface.rs`, `dbus/stats_interface.rs` |
//! | a line of the journal | `log.rs` and `log/`, its MESSAGE_ID in `log/id.rs` |
//! | a command of `cassia-bypassctl` | `bin/cassia-bypassctl/` |

mod async_fd;
pub mod backoff;
pub mod beacon;
mod bluez;
mod capture;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod dbus;
pub mod drop_log;
pub mod encode;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hci;
pub mod health;
pub mod ingest;
pub mod log;
pub mod memory;
pub mod model;
mod mqtt;
pub mod printable;
pub mod publisher;
pub mod queue;
pub mod router;
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

#[cfg(test)]
#[path = "../tests/support/fuzz_corpus.rs"]
mod fuzz_corpus;
