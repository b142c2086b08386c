//! From capture to queue, one task: it reads adverts, reassembles, filters and batches them.

mod active_adapters;
#[doc(hidden)]
pub mod bench;
mod damaged_reports;
mod dbus_signals;
mod dedup;
mod filter;
mod pipeline;
mod reassembly;
mod recent_devices;
mod source;
mod task;

#[cfg(fuzzing)]
pub(crate) mod fuzzing;

pub use dbus_signals::MAX_DEVICES;
pub use dedup::{CAPACITY as MAX_DUPLICATES, Duplicates};
pub use filter::check as check_filters;
pub use recent_devices::{INTEREST, MAX_DEVICES as MAX_RECENT_DEVICES, Outcome, RecentDevice, RecentDevices};
pub use task::{Source, run};
