//! Capture from the kernel's HCI monitor channel: every advert byte by byte, beside bluetoothd, which stays in charge.
//! Why: `docs/decisions/0002-monitor-channel.md`.

mod capture;
mod filter;
mod listen;
mod paced;
mod reader;
mod socket;
mod unavailable;

pub(super) use capture::Monitor;
pub(super) use listen::listen;
pub(super) use unavailable::Unavailable;
