//! Store and forward: what the queue cannot hold while the broker is away waits on the disk (decision record 0006).

mod disk;
#[cfg(test)]
mod faulty;
mod keeper;
mod record;
mod store;

pub(crate) use keeper::Keeper;
