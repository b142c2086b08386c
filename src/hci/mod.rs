//! The kernel's HCI sockets: every advertising report byte by byte, beside bluetoothd, which stays in charge; and what the kernel
//! makes each controller do. Knows no queue and no bluetoothd. Why: `docs/decisions/0002-monitor-channel.md`.

mod bpf;
mod coalesce;
mod monitor;
#[cfg(test)]
pub(crate) mod packets;
mod reader;
pub(crate) mod reports;
mod scan_enable;
mod scan_parameters;
mod socket;
mod track;
mod unavailable;

pub(crate) use monitor::MonitorChannel;
pub(crate) use scan_enable::ScanEnableTracker;
pub(crate) use track::track_controllers;
pub(crate) use unavailable::MonitorUnavailable;
