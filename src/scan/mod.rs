//! The scan task: it hears adverts, puts them into batches, and keeps the radio scanning, all in one task.

mod adapter;
#[doc(hidden)]
pub mod bench;
mod capture;
mod damage;
mod ear;
mod hci;
mod in_use;
mod intake;
mod monitor;
mod orders;
#[cfg(test)]
mod packets;
mod parameters;
mod reassembly;
mod run;
mod signals;

#[cfg(fuzzing)]
pub(crate) mod fuzzing;

pub(crate) use adapter::listed as adapters;
pub use run::{Source, run};
pub use signals::MAX_DEVICES;
