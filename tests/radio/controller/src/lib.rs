//! A virtual Bluetooth LE controller for tests and demos.
//!
//! The kernel's `/dev/vhci` gives user space the controller's end of an HCI
//! link. This crate answers the host's commands there and reports whatever
//! advertisements it is told to, byte for byte, well-formed or not.
//!
//! ```text
//!   control socket ─┐
//!   command line ───┼─> Controller ──> Core (pure: commands, scan state, what to report)
//!   Rust test ──────┘       │
//!                         vhci <──H4──> kernel <──> bluetoothd
//! ```

pub mod address;
pub mod advert;
pub mod answers;
pub mod connection;
pub mod control;
pub mod controller;
pub mod core;
pub mod hci;
pub mod hex;
pub mod load;
pub mod play;
pub mod scan;
pub mod vhci;

pub use address::Address;
pub use advert::Advert;
pub use controller::{Controller, Options};
pub use load::Load;
