//! What the kernel orders each controller to do, to scan or not to scan, and what that answers: the only sign of some
//! faults. bluetoothd may say that it discovers while the controller refuses. Likewise whether another program's connection
//! is being made: the kernel suspends the scan meanwhile, which is no fault. Pure: packets in.

use super::hci::{EVENT, LE_META};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

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
const PARAMETERS: usize = 9;
/// Places in an event: its code; in Command Complete the status behind length, number of packets and opcode; in Command Status
/// the status; in LE Connection Complete subevent, status, and the role behind the handle.
const CODE: usize = 6;
const COMPLETE_STATUS: usize = 11;
const STATUS: usize = 8;
const SUBEVENT: usize = 8;
const CONNECTION_STATUS: usize = 9;
const ROLE: usize = 12;
/// The role of who made a connection.
const CENTRAL: u8 = 0;

/// What one controller was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Told {
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
}

impl Told {
    fn connection_ends(&mut self, now: Instant) {
        if self.connecting.take().is_some() {
            self.connected = Some(now);
        }
    }
}

/// Some refuse once, and scan when they are asked again.
const SETTLED: Duration = Duration::from_millis(500);
/// The kernel gives a command up after two seconds.
const MUTE: Duration = Duration::from_millis(2500);
/// bluetoothd itself lets a controller pause for five seconds beside some clients.
const IDLE: Duration = Duration::from_secs(7);
/// So long after its beginning a scan has reached the controller.
const GRACE: Duration = Duration::from_secs(3);
/// So soon after a connection was made, or was not, the kernel resumes the scan.
const RESUMED: Duration = Duration::from_secs(2);
/// The kernel gives an attempt up after 20 s. One that does not end is no reason any more for a scan that does not come back.
const ATTEMPT: Duration = Duration::from_secs(60);

impl Told {
    fn event(&mut self, packet: &[u8], now: Instant) {
        let byte = |at: usize| packet.get(at).copied();
        match byte(CODE) {
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

/// What each controller was told, by index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Orders(BTreeMap<u16, Told>);

impl Orders {
    /// Takes in a packet; other packets change nothing.
    pub(super) fn take(&mut self, packet: &[u8], now: Instant) {
        let field = |at: usize| Some(u16::from_le_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
        let (Some(kind), Some(index)) = (field(0), field(2)) else { return };
        match kind {
            REMOVED => drop(self.0.remove(&index)),
            COMMAND => self.command(index, field(OPCODE).unwrap_or_default(), packet.get(PARAMETERS), now),
            EVENT => {
                if let Some(told) = self.0.get_mut(&index) {
                    told.event(packet, now);
                }
            }
            _ => {}
        }
    }

    fn command(&mut self, index: u16, opcode: u16, first: Option<&u8>, now: Instant) {
        let told = self.0.entry(index).or_default();
        match (opcode, first) {
            (ENABLE | EXTENDED_ENABLE, Some(enable)) => {
                // Of several without an answer the first tells since when.
                let at = told.asked.map_or(now, |(_, at)| at);
                told.asked = Some((*enable == 1, at));
            }
            (RESET, _) => told.connection_ends(now),
            _ if CREATE_CONNECTION.contains(&opcode) => drop(told.connecting.get_or_insert(now)),
            _ => {}
        }
    }

    /// How often a controller has refused to scan.
    pub(super) fn refusals(&self, index: u16) -> u64 {
        self.0.get(&index).map_or(0, |told| told.refusals)
    }

    /// Whether the last that is known of the controller is that it does not scan, or was asked to and has not answered yet,
    /// for another reason than that a connection is being made.
    pub(super) fn rests(&self, index: u16) -> bool {
        let idle = |told: &Told| told.idle.is_some() || told.asked.is_some();
        self.0.get(&index).is_some_and(|told| told.connecting.is_none() && idle(told))
    }

    /// Whether a connection is being made through the controller.
    pub(super) fn connects(&self, index: u16) -> bool {
        self.0.get(&index).is_some_and(|told| told.connecting.is_some())
    }

    /// What is known of a controller that should have been scanning since `began`: why it does not, or when to look again.
    /// Of its refusals the first `refusals` do not count.
    pub(super) fn judge(
        &self,
        index: u16,
        began: Instant,
        refusals: u64,
        now: Instant,
    ) -> Result<Option<Instant>, String> {
        let Some(told) = self.0.get(&index) else { return Ok(None) };
        if let Some(since) = told.connecting {
            let ends = since + ATTEMPT;
            return match now < ends || told.idle.is_none() {
                true => Ok(Some(ends).filter(|ends| *ends > now)),
                false => {
                    Err("the controller does not scan: another program's attempt to connect does not end".to_owned())
                }
            };
        }
        // What was refused, or not asked for, during an attempt to connect is made good soon after it.
        let resumed = |since: Instant| told.connected.filter(|end| *end >= since).map(|end| end + RESUMED);
        let refused = told.refused.filter(|_| told.idle.is_some() && told.refusals != refusals);
        let ends = [
            refused.map(|(at, status)| {
                let why = format!("the controller refuses to scan (status {status:#04x})");
                (resumed(at).unwrap_or(at + SETTLED), why)
            }),
            told.asked.map(|(_, at)| (at.max(began) + MUTE, "the controller does not answer".to_owned())),
            told.idle.map(|at| {
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
mod tests {
    use super::super::packets::packet;
    use super::*;
    use proptest::prelude::*;

    fn order(index: u16, enable: u8) -> Vec<u8> {
        packet(COMMAND, index, &[0x42, 0x20, 6, enable, 0, 0, 0, 0, 0])
    }

    fn answer(index: u16, status: u8) -> Vec<u8> {
        packet(3, index, &[COMMAND_COMPLETE, 4, 1, 0x42, 0x20, status])
    }

    /// What is known of controller 0, so many milliseconds after the start: the last word of why it does not scan, or when
    /// to look again.
    fn judge(orders: &Orders, start: Instant, began: u64, refusals: u64, now: u64) -> Result<Option<u64>, String> {
        let at = |ms| start + Duration::from_millis(ms);
        let known = orders.judge(0, at(began), refusals, at(now));
        known.map(|next| next.map(|next| (next - start).as_millis() as u64)).map_err(|why| {
            why.split(' ').nth(2).map(str::to_owned).unwrap_or_default() + why.rsplit(' ').next().unwrap_or_default()
        })
    }

    fn told(start: Instant, packets: &[(u64, Vec<u8>)]) -> Orders {
        let mut orders = Orders::default();
        packets.iter().for_each(|(ms, packet)| orders.take(packet, start + Duration::from_millis(*ms)));
        orders
    }

    #[test]
    fn one_that_scans_is_let_be() {
        let start = Instant::now();
        assert_eq!(judge(&Orders::default(), start, 0, 0, 99_000), Ok(None), "nothing is known");
        let scans = told(start, &[(0, order(0, 1)), (9, answer(0, 0))]);
        assert_eq!(judge(&scans, start, 0, 0, 99_000), Ok(None));
        let paused = told(start, &[(0, order(0, 0)), (9, answer(0, 0)), (6000, order(0, 1)), (6001, answer(0, 0))]);
        assert_eq!(judge(&paused, start, 0, 0, 99_000), Ok(None));
        let unending = told(start, &[(0, order(0, 1)), (1, answer(0, 0)), (2, order(0, 0)), (3, answer(0, 0x0C))]);
        assert_eq!(judge(&unending, start, 0, 0, 99_000), Ok(None));
    }

    #[test]
    fn one_that_was_told_to_end_and_not_to_begin() {
        let start = Instant::now();
        let ended = told(start, &[(0, order(0, 0)), (9, answer(0, 0))]);
        assert_eq!(judge(&ended, start, 0, 0, 6999), Ok(Some(7000)));
        assert_eq!(judge(&ended, start, 0, 0, 7000), Err("doesscan".into()));
        assert_eq!(judge(&ended, start, 6000, 0, 7000), Ok(Some(9000)), "it has just been asked again");
    }

    #[test]
    fn one_that_does_not_answer() {
        let start = Instant::now();
        let mute = told(start, &[(100, order(0, 0)), (2100, order(0, 0))]);
        assert_eq!(judge(&mute, start, 0, 0, 2599), Ok(Some(2600)));
        assert_eq!(judge(&mute, start, 0, 0, 2600), Err("doesanswer".into()));
        assert_eq!(judge(&mute, start, 1000, 0, 3000), Ok(Some(3500)));
    }

    #[test]
    fn one_that_refuses() {
        let start = Instant::now();
        let refuses = told(start, &[(0, order(0, 1)), (9, answer(0, 0x0C))]);
        assert_eq!(judge(&refuses, start, 0, 0, 508), Ok(Some(509)));
        assert_eq!(judge(&refuses, start, 0, 0, 509), Err("refuses0x0c)".into()));
        assert_eq!([0, 1].map(|index| refuses.rests(index)), [true, false]);
        assert_eq!((refuses.refusals(0), refuses.refusals(1)), (1, 0));
        assert_eq!(judge(&refuses, start, 0, 1, 509), Ok(Some(7000)), "that was known before");
        let once = told(start, &[(0, order(0, 1)), (9, answer(0, 0x0C)), (20, order(0, 1)), (30, answer(0, 0))]);
        assert_eq!((judge(&once, start, 0, 0, 99_000), once.rests(0)), (Ok(None), false));
    }

    fn create(opcode: u16) -> Vec<u8> {
        packet(COMMAND, 0, &opcode.to_le_bytes())
    }

    fn connected(subevent: u8, status: u8, role: u8) -> Vec<u8> {
        packet(EVENT, 0, &[LE_META, 19, subevent, status, 1, 0, role])
    }

    #[test]
    fn a_connection_that_is_being_made_is_no_fault() {
        for opcode in CREATE_CONNECTION {
            let start = Instant::now();
            let at = |ms| start + Duration::from_millis(ms);
            let mut orders = told(
                start,
                &[
                    (0, order(0, 0)),
                    (1, answer(0, 0)),
                    (2, create(opcode)),
                    (3, packet(3, 0, &[COMMAND_STATUS, 4, 0, 1])),
                ],
            );
            // bluetoothd tries meanwhile, and the controller refuses.
            orders.take(&order(0, 1), at(5000));
            orders.take(&answer(0, 0x0C), at(5001));
            assert!(orders.connects(0) && !orders.rests(0) && !orders.connects(1));
            assert_eq!(judge(&orders, start, 0, 0, 20_000), Ok(Some(60_002)));
            // A device that connects to us is another one.
            orders.take(&connected(0x0A, 0, 1), at(19_000));
            assert!(orders.connects(0));
            orders.take(&connected(0x01, 0x02, 0), at(20_000));
            assert!(!orders.connects(0) && orders.rests(0));
            assert_eq!(judge(&orders, start, 0, 0, 21_999), Ok(Some(22_000)), "the kernel resumes the scan");
            assert!(judge(&orders, start, 0, 0, 22_000).is_err(), "it does not");
            orders.take(&order(0, 1), at(20_001));
            orders.take(&answer(0, 0), at(20_002));
            assert_eq!(judge(&orders, start, 0, 0, 99_000), Ok(None));
        }
    }

    #[test]
    fn every_end_of_an_attempt_is_seen() {
        let start = Instant::now();
        let failed = packet(3, 0, &[COMMAND_STATUS, 4, 0x0C, 1, 0x0D, 0x20]);
        let ends = [
            connected(1, 0, 0),
            connected(0x0A, 0, 0),
            connected(0x29, 0x3E, 9),
            failed,
            create(RESET),
            packet(REMOVED, 0, &[]),
        ];
        for end in ends {
            let mut orders = told(start, &[(0, create(0x200D))]);
            assert!(orders.connects(0));
            orders.take(&end, start);
            assert!(!orders.connects(0), "{end:?}");
        }
    }

    #[test]
    fn an_attempt_that_does_not_end_is_no_excuse() {
        let start = Instant::now();
        let scans = told(start, &[(0, create(0x200D))]);
        assert_eq!(judge(&scans, start, 0, 0, 99_000), Ok(None), "some scan on");
        let idle = told(start, &[(0, create(0x200D)), (0, order(0, 0)), (1, answer(0, 0))]);
        assert!(judge(&idle, start, 0, 0, 59_999).is_ok() && judge(&idle, start, 0, 0, 60_000).is_err());
        assert!(idle.connects(0), "and a power cycle is out of the question");
    }

    #[test]
    fn each_controller_has_its_own() {
        let start = Instant::now();
        let other = told(start, &[(0, order(1, 1)), (9, answer(1, 0x0C)), (10, answer(0, 0x0C))]);
        assert_eq!(judge(&other, start, 0, 0, 99_000), Ok(None));
        assert!(other.judge(1, start, 0, start + Duration::from_secs(9)).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(packets in prop::collection::vec(prop::collection::vec(0..64_u8, 0..16), 0..20)) {
            let (mut orders, now) = (Orders::default(), Instant::now());
            packets.iter().for_each(|packet| orders.take(packet, now));
        }
    }
}
