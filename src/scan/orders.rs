//! What the kernel orders each controller to do, to scan or not to scan, and what that answers: the only sign of some
//! faults. bluetoothd may say that it discovers while the controller refuses. Pure: packets in.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Opcode of a command to the controller (`HCI_MON_COMMAND_PKT` of the kernel).
pub(super) const COMMAND: u16 = 2;
/// HCI Command Complete event (Core 5.4, Vol 4, Part E, 7.7.14).
pub(super) const COMMAND_COMPLETE: u8 = 0x0E;
/// LE Set Scan Enable (7.8.11).
pub(super) const ENABLE: u16 = 0x200C;
/// LE Set Extended Scan Enable (7.8.65).
pub(super) const EXTENDED_ENABLE: u16 = 0x2042;

/// Bytes before the first of the parameters: the packet's header, the opcode, their length.
const PARAMETERS: usize = 9;
/// Bytes before the status in the answer: the packet's header, code, length, number of packets, the opcode.
const STATUS: usize = 11;

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
}

/// Some refuse once, and scan when they are asked again.
const SETTLED: Duration = Duration::from_millis(500);
/// The kernel gives a command up after two seconds.
const MUTE: Duration = Duration::from_millis(2500);
/// bluetoothd itself lets a controller pause for five seconds beside some clients.
const IDLE: Duration = Duration::from_secs(7);
/// So long after its beginning a scan has reached the controller.
const GRACE: Duration = Duration::from_secs(3);

/// What each controller was told, by index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Orders(BTreeMap<u16, Told>);

impl Orders {
    /// Takes in a packet; other packets change nothing.
    pub(super) fn take(&mut self, packet: &[u8], now: Instant) {
        let field = |at: usize| Some(u16::from_le_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
        let (Some(kind), Some(index)) = (field(0), field(2)) else { return };
        if kind == COMMAND {
            if let Some(enable) = packet.get(PARAMETERS) {
                let told = self.0.entry(index).or_default();
                // Of several without an answer the first tells since when.
                let at = told.asked.map_or(now, |(_, at)| at);
                told.asked = Some((*enable == 1, at));
            }
        } else if let (Some(status), Some(told)) = (packet.get(STATUS), self.0.get_mut(&index)) {
            match (told.asked.take(), status) {
                (Some((true, _)), 0) => told.idle = None,
                (Some((true, at)), status) => {
                    told.refusals += 1;
                    told.refused = Some((now, *status));
                    told.idle.get_or_insert(at);
                }
                (Some((false, at)), 0) => drop(told.idle.get_or_insert(at)),
                // One that does not end its scan scans on. An answer without a question is to one before our time.
                (Some((false, _)), _) | (None, _) => {}
            }
        }
    }

    /// How often a controller has refused to scan.
    pub(super) fn refusals(&self, index: u16) -> u64 {
        self.0.get(&index).map_or(0, |told| told.refusals)
    }

    /// Whether the last that is known of the controller is that it does not scan, or was asked to and has not answered yet.
    pub(super) fn rests(&self, index: u16) -> bool {
        self.0.get(&index).is_some_and(|told| told.idle.is_some() || told.asked.is_some())
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
        let refused = told.refused.filter(|_| told.idle.is_some() && told.refusals != refusals);
        let ends = [
            refused
                .map(|(at, status)| (at + SETTLED, format!("the controller refuses to scan (status {status:#04x})"))),
            told.asked.map(|(_, at)| (at.max(began) + MUTE, "the controller does not answer".to_owned())),
            told.idle.map(|at| ((at + IDLE).max(began + GRACE), "the controller does not scan".to_owned())),
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

    #[test]
    fn each_controller_has_its_own() {
        let start = Instant::now();
        let other = told(start, &[(0, order(1, 1)), (9, answer(1, 0x0C)), (10, answer(0, 0x0C))]);
        assert_eq!(judge(&other, start, 0, 0, 99_000), Ok(None));
        assert!(other.judge(1, start, 0, start + Duration::from_secs(9)).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(packets in prop::collection::vec(prop::collection::vec(0..5_u8, 0..16), 0..20)) {
            let (mut orders, now) = (Orders::default(), Instant::now());
            packets.iter().for_each(|packet| orders.take(packet, now));
        }
    }
}
