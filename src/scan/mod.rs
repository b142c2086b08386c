//! The scan.
mod capture;
mod hci;
mod monitor;
#[cfg(test)]
mod packets;
