//! The scan.
mod hci;
#[cfg(test)]
mod packets;
