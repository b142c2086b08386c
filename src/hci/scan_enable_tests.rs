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
fn diagnose(
    tracker: &ScanEnableTracker,
    start: Instant,
    began: u64,
    refusals: u64,
    now: u64,
) -> Result<Option<u64>, String> {
    let at = |ms| start + Duration::from_millis(ms);
    let known = tracker.diagnose(0, at(began), refusals, at(now));
    known.map(|next| next.map(|next| (next - start).as_millis() as u64)).map_err(|why| {
        why.split(' ').nth(2).map(str::to_owned).unwrap_or_default() + why.rsplit(' ').next().unwrap_or_default()
    })
}

fn controller(start: Instant, packets: &[(u64, Vec<u8>)]) -> ScanEnableTracker {
    let mut tracker = ScanEnableTracker::default();
    packets.iter().for_each(|(ms, packet)| tracker.process(packet, start + Duration::from_millis(*ms)));
    tracker
}

#[test]
fn controller_that_scans_has_no_diagnosis() {
    let start = Instant::now();
    assert_eq!(diagnose(&ScanEnableTracker::default(), start, 0, 0, 99_000), Ok(None), "nothing is known");
    let scans = controller(start, &[(0, order(0, 1)), (9, answer(0, 0))]);
    assert_eq!(diagnose(&scans, start, 0, 0, 99_000), Ok(None));
    let paused = controller(start, &[(0, order(0, 0)), (9, answer(0, 0)), (6000, order(0, 1)), (6001, answer(0, 0))]);
    assert_eq!(diagnose(&paused, start, 0, 0, 99_000), Ok(None));
    let unending = controller(start, &[(0, order(0, 1)), (1, answer(0, 0)), (2, order(0, 0)), (3, answer(0, 0x0C))]);
    assert_eq!(diagnose(&unending, start, 0, 0, 99_000), Ok(None));
}

#[test]
fn controller_that_was_only_stopped_is_idle() {
    let start = Instant::now();
    let ended = controller(start, &[(0, order(0, 0)), (9, answer(0, 0))]);
    assert_eq!(diagnose(&ended, start, 0, 0, 6999), Ok(Some(7000)));
    assert_eq!(diagnose(&ended, start, 0, 0, 7000), Err("doesscan".into()));
    assert_eq!(diagnose(&ended, start, 6000, 0, 7000), Ok(Some(9000)), "it has just been asked again");
}

#[test]
fn controller_that_does_not_answer() {
    let start = Instant::now();
    let mute = controller(start, &[(100, order(0, 0)), (2100, order(0, 0))]);
    assert_eq!(diagnose(&mute, start, 0, 0, 2599), Ok(Some(2600)));
    assert_eq!(diagnose(&mute, start, 0, 0, 2600), Err("doesanswer".into()));
    assert_eq!(diagnose(&mute, start, 1000, 0, 3000), Ok(Some(3500)));
}

#[test]
fn controller_that_refuses() {
    let start = Instant::now();
    let refuses = controller(start, &[(0, order(0, 1)), (9, answer(0, 0x0C))]);
    assert_eq!(diagnose(&refuses, start, 0, 0, 508), Ok(Some(509)));
    assert_eq!(diagnose(&refuses, start, 0, 0, 509), Err("refuses0x0c)".into()));
    assert_eq!([0, 1].map(|index| refuses.is_idle(index)), [true, false]);
    assert_eq!((refuses.refusals(0), refuses.refusals(1)), (1, 0));
    assert_eq!(diagnose(&refuses, start, 0, 1, 509), Ok(Some(7000)), "that was known before");
    let once = controller(start, &[(0, order(0, 1)), (9, answer(0, 0x0C)), (20, order(0, 1)), (30, answer(0, 0))]);
    assert_eq!((diagnose(&once, start, 0, 0, 99_000), once.is_idle(0)), (Ok(None), false));
}

fn create(opcode: u16) -> Vec<u8> {
    packet(COMMAND, 0, &opcode.to_le_bytes())
}

fn connected(subevent: u8, status: u8, role: u8) -> Vec<u8> {
    packet(EVENT, 0, &[LE_META, 19, subevent, status, 1, 0, role])
}

#[test]
fn connection_in_progress_is_no_fault() {
    for opcode in CREATE_CONNECTION {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut tracker = controller(
            start,
            &[(0, order(0, 0)), (1, answer(0, 0)), (2, create(opcode)), (3, packet(3, 0, &[COMMAND_STATUS, 4, 0, 1]))],
        );
        // bluetoothd tries meanwhile, and the controller refuses.
        tracker.process(&order(0, 1), at(5000));
        tracker.process(&answer(0, 0x0C), at(5001));
        assert!(tracker.is_connecting(0) && !tracker.is_idle(0) && !tracker.is_connecting(1));
        assert_eq!(diagnose(&tracker, start, 0, 0, 20_000), Ok(Some(60_002)));
        // A device that is_connecting to us is another one.
        tracker.process(&connected(0x0A, 0, 1), at(19_000));
        assert!(tracker.is_connecting(0));
        tracker.process(&connected(0x01, 0x02, 0), at(20_000));
        assert!(!tracker.is_connecting(0) && tracker.is_idle(0));
        assert_eq!(diagnose(&tracker, start, 0, 0, 21_999), Ok(Some(22_000)), "the kernel resumes the scan");
        assert!(diagnose(&tracker, start, 0, 0, 22_000).is_err(), "it does not");
        tracker.process(&order(0, 1), at(20_001));
        tracker.process(&answer(0, 0), at(20_002));
        assert_eq!(diagnose(&tracker, start, 0, 0, 99_000), Ok(None));
    }
}

#[test]
fn connection_attempt_has_several_ends() {
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
        let mut tracker = controller(start, &[(0, create(0x200D))]);
        assert!(tracker.is_connecting(0));
        tracker.process(&end, start);
        assert!(!tracker.is_connecting(0), "{end:?}");
    }
}

#[test]
fn connection_attempt_that_does_not_end_is_no_excuse() {
    let start = Instant::now();
    let scans = controller(start, &[(0, create(0x200D))]);
    assert_eq!(diagnose(&scans, start, 0, 0, 99_000), Ok(None), "some scan on");
    let idle = controller(start, &[(0, create(0x200D)), (0, order(0, 0)), (1, answer(0, 0))]);
    assert!(diagnose(&idle, start, 0, 0, 59_999).is_ok() && diagnose(&idle, start, 0, 0, 60_000).is_err());
    assert!(idle.is_connecting(0), "and a power cycle is out of the question");
}

#[test]
fn controllers_are_tracked_apart() {
    let start = Instant::now();
    let other = controller(start, &[(0, order(1, 1)), (9, answer(1, 0x0C)), (10, answer(0, 0x0C))]);
    assert_eq!(diagnose(&other, start, 0, 0, 99_000), Ok(None));
    assert!(other.diagnose(1, start, 0, start + Duration::from_secs(9)).is_err());
}

proptest! {
    #[test]
    fn packets_of_any_bytes_are_tolerated(packets in prop::collection::vec(prop::collection::vec(0..64_u8, 0..16), 0..20)) {
        let (mut tracker, now) = (ScanEnableTracker::default(), Instant::now());
        packets.iter().for_each(|packet| tracker.process(packet, now));
    }
}

/// So much of the time, in the extended command or the older one, and what the controller answers.
fn parameters(extended: bool, window: u8, status: u8) -> [Vec<u8>; 2] {
    let (opcode, command) = match extended {
        true => ([0x41, 0x20], vec![0x41, 0x20, 8, 1, 0, 1, 0, 0x60, 0, window, 0]),
        false => ([0x0B, 0x20], vec![0x0B, 0x20, 7, 0, 0x60, 0, window, 0, 1, 0]),
    };
    [packet(COMMAND, 0, &command), packet(3, 0, &[COMMAND_COMPLETE, 4, 1, opcode[0], opcode[1], status])]
}

#[test]
fn duty_cycle_is_what_the_controller_accepted_last() {
    let start = Instant::now();
    for extended in [false, true] {
        let mut tracker = ScanEnableTracker::default();
        assert_eq!(tracker.duty_cycle(0), None, "nothing was heard yet");
        let mut hear = |[command, answer]: [Vec<u8>; 2], ms: u64| {
            tracker.process(&command, start);
            let before = tracker.duty_cycle(0);
            tracker.process(&answer, start + Duration::from_millis(ms));
            (before, tracker.duty_cycle(0))
        };
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(hear(parameters(extended, 0x30, 0), 5), (None, Some((50, at(5)))));
        assert_eq!(hear(parameters(extended, 0x60, 0x0C), 6).1, Some((50, at(5))), "it refused");
        assert_eq!(hear(parameters(extended, 0x60, 0), 7).1, Some((100, at(7))));
        // An answer without a question is to one before our time, and no answer to an order to scan.
        tracker.process(&parameters(extended, 0, 0)[1], at(8));
        assert_eq!(tracker.duty_cycle(0), Some((100, at(7))));
        tracker.process(&order(0, 1), at(9));
        tracker.process(&parameters(extended, 0, 0)[1], at(9));
        assert!(tracker.is_idle(0));
        tracker.process(&packet(REMOVED, 0, &[]), at(10));
        assert_eq!((tracker.duty_cycle(0), tracker.duty_cycle(1)), (None, None));
    }
}

#[test]
fn controllers_are_known_by_their_addresses() {
    let mut tracker = ScanEnableTracker::default();
    let mut hear = |kind, index, payload: &[u8]| {
        tracker.process(&packet(kind, index, payload), Instant::now());
        tracker.controllers()
    };
    let address = [1, 0, 0, 0, 0xDE, 0xC0];
    let known = Address([0xC0, 0xDE, 0, 0, 0, 1]);
    let added = |address: &[u8]| [&[0, 1][..], address, b"hci0\0\0\0\0"].concat();
    assert_eq!(hear(ADDED, 0, &added(&[0; 6])), [], "it is not read yet");
    assert_eq!(hear(INDEX_INFO, 0, &[&address[..], &[0, 0]].concat()), [(0, known)]);
    assert_eq!(hear(ADDED, 3, &added(&address)), [(0, known), (3, known)]);
    assert_eq!(hear(INDEX_INFO, 4, &address[..5]), [(0, known), (3, known)], "cut short");
    assert_eq!(hear(REMOVED, 0, &[]), [(3, known)]);
}
