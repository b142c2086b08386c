//! Store and forward: what the queue cannot hold while the broker is away waits on the disk (decision record 0006).

mod boots;
mod disk;
#[cfg(test)]
mod faulty;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod notes;
mod reader;
mod record;
mod recovery;
mod replay;
mod sealed;
mod spooler;
mod store;

pub(crate) use spooler::Spooler;
