//! The LE Set Scan Enable commands of the kernel to each controller, and their status: the only sign of some
//! faults. bluetoothd may say that it discovers while the controller refuses. Likewise whether another program's connection
//! is being made: the kernel suspends the scan meanwhile, which is no fault. Pure: packets in.

use super::reports::{EVENT, HEADER, LE_META};
use super::scan_parameters::{EXTENDED_PARAMETERS, PARAMETERS, duty_cycle};
use crate::model::Address;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Opcodes of an adapter that is added, and of what is known of one (`HCI_MON_NEW_INDEX` and `HCI_MON_INDEX_INFO` of the kernel).
pub(super) const ADDED: u16 = 0;
pub(super) const INDEX_INFO: u16 = 10;
/// Opcode of the end of an adapter (`HCI_MON_DEL_INDEX` of the kernel).
pub(super) const REMOVED: u16 = 1;
/// Opcode of a command to the controller (`HCI_MON_COMMAND_PKT` of the kernel).
pub(super) const COMMAND: u16 = 2;
/// HCI Command Complete event (Core 5.4, Vol 4, Part E, 7.7.14).
pub(super) const COMMAND_COMPLETE: u8 = 0x0E;
/// HCI Command Status event (7.7.15).
pub(super) const COMMAND_STATUS: u8 = 0x0F;
/// Subevents of LE Meta: LE Connection Complete and its two enhanced versions (7.7.65.1, 7.7.65.10, 7.7.65.41).
pub(super) const CONNECTION_COMPLETE: [u8; 3] = [0x01, 0x0A, 0x29];
/// HCI Reset (7.3.2).
pub(super) const RESET: u16 = 0x0C03;
/// LE Create Connection, and LE Extended Create Connection in two versions (7.8.12, 7.8.66).
pub(super) const CREATE_CONNECTION: [u16; 3] = [0x200D, 0x2043, 0x2085];
/// LE Set Scan Enable (7.8.11).
pub(super) const ENABLE: u16 = 0x200C;
/// LE Set Extended Scan Enable (7.8.65).
pub(super) const EXTENDED_ENABLE: u16 = 0x2042;

/// Places in a command behind the packet's header: its opcode, and the first of its parameters behind their length.
const OPCODE: usize = 6;
const FIRST: usize = 9;
/// Places in an event: its code; in Command Complete the opcode behind length and number of packets, and the status; in Command
/// Status the status; in LE Connection Complete subevent, status, and the role behind the handle.
const CODE: usize = 6;
const COMPLETED: usize = 9;
const COMPLETE_STATUS: usize = 11;
const STATUS: usize = 8;
const SUBEVENT: usize = 8;
const CONNECTION_STATUS: usize = 9;
const ROLE: usize = 12;
/// The role of who made a connection.
const CENTRAL: u8 = 0;

/// What is known of one controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct ControllerState {
    /// To scan or not to, and when: not answered yet.
    asked: Option<(bool, Instant)>,
    /// Since when it has not scanned.
    idle: Option<Instant>,
    /// How often it refused to scan.
    refusals: u64,
    /// The last time, and the status.
    refused: Option<(Instant, u8)>,
    /// Since when a connection is being made, and when the last attempt at one ended.
    connecting: Option<Instant>,
    connected: Option<Instant>,
    /// Percent of the time for which it is to listen: not answered yet, and in force since when.
    asked_duty_cycle: Option<u8>,
    /// The controller's address.
    address: Option<Address>,
    duty_cycle: Option<(u8, Instant)>,
}

impl ControllerState {
    fn connection_ends(&mut self, now: Instant) {
        if self.connecting.take().is_some() {
            self.connected = Some(now);
        }
    }
}

/// Some refuse once, and scan when they are asked again.
const REFUSAL_SETTLE_TIME: Duration = Duration::from_millis(500);
/// The kernel gives a command up after two seconds.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(2500);
/// bluetoothd itself lets a controller pause for five seconds beside some clients.
const IDLE: Duration = Duration::from_secs(7);
/// So long after its beginning a scan has reached the controller.
const GRACE: Duration = Duration::from_secs(3);
/// So soon after a connection was made, or was not, the kernel resumes the scan.
const RESUME_TIME: Duration = Duration::from_secs(2);
/// The kernel gives an attempt up after 20 s. One that does not end is no reason any more for a scan that does not come back.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

impl ControllerState {
    fn event(&mut self, packet: &[u8], now: Instant) {
        let byte = |at: usize| packet.get(at).copied();
        match byte(CODE) {
            Some(COMMAND_COMPLETE) if matches!(field(packet, COMPLETED), Some(PARAMETERS | EXTENDED_PARAMETERS)) => {
                if let (Some(asked), Some(0)) = (self.asked_duty_cycle.take(), byte(COMPLETE_STATUS)) {
                    self.duty_cycle = Some((asked, now));
                }
            }
            Some(COMMAND_COMPLETE) => match (self.asked.take(), byte(COMPLETE_STATUS)) {
                (asked, None) => self.asked = asked,
                (Some((true, _)), Some(0)) => self.idle = None,
                (Some((true, at)), Some(status)) => {
                    self.refusals += 1;
                    self.refused = Some((now, status));
                    self.idle.get_or_insert(at);
                }
                (Some((false, at)), Some(0)) => drop(self.idle.get_or_insert(at)),
                // One that does not end its scan scans on. An answer without a question is to one before our time.
                (Some((false, _)), _) | (None, _) => {}
            },
            // It is not tried.
            Some(COMMAND_STATUS) if byte(STATUS).is_some_and(|status| status != 0) => self.connection_ends(now),
            Some(LE_META) if byte(SUBEVENT).is_some_and(|subevent| CONNECTION_COMPLETE.contains(&subevent)) => {
                // Another device may have connected to this one meanwhile.
                let failed = byte(CONNECTION_STATUS).is_some_and(|status| status != 0);
                if failed || byte(ROLE) == Some(CENTRAL) {
                    self.connection_ends(now);
                }
            }
            _ => {}
        }
    }
}

/// Two bytes of a packet.
fn field(packet: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes([*packet.get(at)?, *packet.get(at + 1)?]))
}

/// What is known of each controller, by index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ScanEnableTracker(BTreeMap<u16, ControllerState>);

impl ScanEnableTracker {
    /// Takes in a packet; other packets change nothing.
    pub(super) fn process(&mut self, packet: &[u8], now: Instant) {
        let (Some(kind), Some(index)) = (field(packet, 0), field(packet, 2)) else { return };
        match kind {
            REMOVED => drop(self.0.remove(&index)),
            // Behind the type and the bus; the address of a new one may not be known yet.
            ADDED => self.learn(index, packet.get(HEADER + 2..)),
            INDEX_INFO => self.learn(index, packet.get(HEADER..)),
            COMMAND => {
                let parameters = packet.get(FIRST..).unwrap_or_default();
                self.command(index, field(packet, OPCODE).unwrap_or_default(), parameters, now);
            }
            EVENT => {
                if let Some(controller) = self.0.get_mut(&index) {
                    controller.event(packet, now);
                }
            }
            _ => {}
        }
    }

    fn learn(&mut self, index: u16, bytes: Option<&[u8]>) {
        let address = bytes.and_then(|bytes| bytes.first_chunk()).map(|bytes| Address::from_le(*bytes));
        if let Some(address) = address.filter(|address| *address != Address([0; 6])) {
            self.0.entry(index).or_default().address = Some(address);
        }
    }

    /// Index and address of each controller that the kernel has, as far as it is known.
    pub(super) fn controllers(&self) -> Vec<(u16, Address)> {
        self.0.iter().filter_map(|(index, controller)| Some((*index, controller.address?))).collect()
    }

    fn command(&mut self, index: u16, opcode: u16, parameters: &[u8], now: Instant) {
        let controller = self.0.entry(index).or_default();
        match (opcode, parameters.first()) {
            (ENABLE | EXTENDED_ENABLE, Some(enable)) => {
                // Of several without an answer the first tells since when.
                let at = controller.asked.map_or(now, |(_, at)| at);
                controller.asked = Some((*enable == 1, at));
            }
            (PARAMETERS | EXTENDED_PARAMETERS, _) => controller.asked_duty_cycle = duty_cycle(opcode, parameters),
            (RESET, _) => controller.connection_ends(now),
            _ if CREATE_CONNECTION.contains(&opcode) => drop(controller.connecting.get_or_insert(now)),
            _ => {}
        }
    }

    /// Percent of the time for which a controller listens while it scans, and since when the kernel wants it so.
    pub(crate) fn duty_cycle(&self, index: u16) -> Option<(u8, Instant)> {
        self.0.get(&index)?.duty_cycle
    }

    /// How often a controller has refused to scan.
    pub(crate) fn refusals(&self, index: u16) -> u64 {
        self.0.get(&index).map_or(0, |controller| controller.refusals)
    }

    /// Whether the last that is known of the controller is that it does not scan, or was asked to and has not answered yet,
    /// for another reason than that a connection is being made.
    pub(crate) fn is_idle(&self, index: u16) -> bool {
        let idle = |controller: &ControllerState| controller.idle.is_some() || controller.asked.is_some();
        self.0.get(&index).is_some_and(|controller| controller.connecting.is_none() && idle(controller))
    }

    /// Whether a connection is being made through the controller.
    pub(crate) fn is_connecting(&self, index: u16) -> bool {
        self.0.get(&index).is_some_and(|controller| controller.connecting.is_some())
    }

    /// What is known of a controller that should have been scanning since `began`: why it does not, or when to look again.
    /// Of its refusals the first `refusals` do not count.
    pub(crate) fn diagnose(
        &self,
        index: u16,
        began: Instant,
        refusals: u64,
        now: Instant,
    ) -> Result<Option<Instant>, String> {
        let Some(controller) = self.0.get(&index) else { return Ok(None) };
        if let Some(since) = controller.connecting {
            let ends = since + CONNECT_TIMEOUT;
            return match now < ends || controller.idle.is_none() {
                true => Ok(Some(ends).filter(|ends| *ends > now)),
                false => {
                    Err("the controller does not scan: another program's attempt to connect does not end".to_owned())
                }
            };
        }
        // What was refused, or not asked for, during an attempt to connect is made good soon after it.
        let resumed = |since: Instant| controller.connected.filter(|end| *end >= since).map(|end| end + RESUME_TIME);
        let refused = controller.refused.filter(|_| controller.idle.is_some() && controller.refusals != refusals);
        let ends = [
            refused.map(|(at, status)| {
                let why = format!("the controller refuses to scan (status {status:#04x})");
                (resumed(at).unwrap_or(at + REFUSAL_SETTLE_TIME), why)
            }),
            controller
                .asked
                .map(|(_, at)| (at.max(began) + COMMAND_TIMEOUT, "the controller does not answer".to_owned())),
            controller.idle.map(|at| {
                let due = resumed(at).unwrap_or(at + IDLE);
                (due.max(began + GRACE), "the controller does not scan".to_owned())
            }),
        ];
        let mut next = None;
        for (due, why) in ends.into_iter().flatten() {
            if now >= due {
                return Err(why);
            }
            next = next.into_iter().chain([due]).min();
        }
        Ok(next)
    }
}

#[cfg(test)]
#[path = "scan_enable_tests.rs"]
mod tests;
