use super::*;
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The steps of attempts that fail at once, for so long: when, and what.
fn failing(cause: Cause, long: Duration) -> Vec<(Duration, Step)> {
    let (mut ladder, start) = (Ladder::new(), Instant::now());
    let (mut now, mut steps) = (start, Vec::new());
    while now - start < long {
        let step = ladder.after(cause, now, None, now);
        steps.push((now - start, step));
        match step {
            Step::Pause(pause) | Step::Discovery(pause) => now += pause,
            Step::PowerCycle => ladder.cycled(true, now),
        }
    }
    steps
}

#[test]
fn attempts_are_few_and_never_far() {
    for cause in [Cause::Controller, Cause::Elsewhere] {
        let steps = failing(cause, HOUR);
        for (n, (at, _)) in steps.iter().enumerate() {
            let within = steps[n..].iter().take_while(|(other, _)| *other - *at < MINUTE).count();
            assert!(within <= 24, "{within} in the minute from {at:?}");
        }
        let longest = steps.windows(2).map(|pair| pair[1].0 - pair[0].0).max();
        assert!(longest <= Some(LAST_PAUSE), "{longest:?}: it is to be back within 5 s");
    }
}

#[test]
fn one_that_refuses_is_power_cycled_late_and_once_an_hour() {
    let cycles = |cause| {
        let steps = failing(cause, HOUR * 5).into_iter();
        steps.filter(|(_, step)| *step == Step::PowerCycle).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let refusing = cycles(Cause::Controller);
    assert_eq!(refusing.len(), 5);
    assert!(refusing[0] >= REFUSAL && refusing[0] < REFUSAL + LAST_PAUSE * 2, "{refusing:?}");
    assert!(refusing.windows(2).all(|pair| pair[1] - pair[0] >= HOUR), "{refusing:?}");
    assert!(cycles(Cause::Elsewhere).is_empty());
}

/// What ended was a scan, for an hour: that it ended says nothing about how long the controller has refused.
#[test]
fn the_first_trouble_after_a_good_scan_is_a_pause() {
    for held in [Duration::ZERO, STEADY, HOUR] {
        let (mut ladder, start) = (Ladder::new(), Instant::now());
        let end = start + held;
        assert_eq!(ladder.after(Cause::Controller, start, Some(start), end), Step::Pause(FIRST_PAUSE), "{held:?}");
        assert!(matches!(ladder.after(Cause::Controller, end, None, end + REFUSAL / 2), Step::Discovery(_)));
        assert_eq!(ladder.after(Cause::Controller, end, None, end + REFUSAL), Step::PowerCycle);
    }
}

#[test]
fn a_discovery_is_tried_before_a_power_cycle() {
    let steps = failing(Cause::Controller, MINUTE);
    let place = |wanted: fn(&Step) -> bool| steps.iter().position(|(_, step)| wanted(step)).expect("it is tried");
    let discovery = place(|step| matches!(step, Step::Discovery(_)));
    assert!(steps[..discovery].len() >= 4, "gentler ones come first: {steps:?}");
    assert!(discovery < place(|step| *step == Step::PowerCycle), "{steps:?}");
    let discoveries: Vec<_> = steps.iter().filter(|(_, step)| matches!(step, Step::Discovery(_))).collect();
    assert!(discoveries.windows(2).all(|pair| pair[1].0 - pair[0].0 >= DISCOVERIES), "{steps:?}");
    assert!(!failing(Cause::Elsewhere, MINUTE).iter().any(|(_, step)| matches!(step, Step::Discovery(_))));
}

#[test]
fn one_that_was_withheld_is_due_again_soon() {
    let (mut ladder, start) = (Ladder::new(), Instant::now());
    let later = start + REFUSAL;
    assert_eq!(ladder.after(Cause::Controller, start, None, later), Step::PowerCycle);
    ladder.cycled(false, later);
    assert_ne!(ladder.after(Cause::Controller, later, None, later), Step::PowerCycle);
    assert_eq!(ladder.after(Cause::Controller, later, None, later + WITHHELD), Step::PowerCycle);
}

/// A scan that ends as soon as it began is no reason to hurry.
#[test]
fn only_a_scan_that_held_ends_a_trouble() {
    let (mut ladder, start) = (Ladder::new(), Instant::now());
    let mut pauses = |held: Duration| match ladder.after(Cause::Controller, start, Some(start), start + held) {
        Step::Pause(pause) => pause,
        other => panic!("{other:?} is too early"),
    };
    assert_eq!([0, 1, 2, 3, 9].map(|s| pauses(Duration::from_secs(s)).as_millis()), [500, 1000, 2000, 3000, 3000]);
    assert_eq!(pauses(STEADY), FIRST_PAUSE);
}

#[test]
fn a_refusal_that_was_interrupted_counts_from_its_end() {
    let (mut ladder, start) = (Ladder::new(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    ladder.after(Cause::Controller, at(0), None, at(20));
    ladder.after(Cause::Elsewhere, at(20), None, at(25));
    assert_ne!(ladder.after(Cause::Controller, at(26), None, at(40)), Step::PowerCycle);
    assert_eq!(ladder.after(Cause::Controller, at(40), None, at(56)), Step::PowerCycle);
}

/// What is done in these hours; the looks are two seconds apart, and the adverts come at these seconds.
fn watched(hours: u64, adverts: &[u64]) -> Vec<(u64, Rung)> {
    let start = Instant::now();
    let (mut silence, mut heard, mut done) = (Silence::new(start), 0, Vec::new());
    for second in (0..hours * 3600).step_by(2) {
        let now = start + Duration::from_secs(second);
        heard += adverts.iter().filter(|at| (second..second + 2).contains(at)).count() as u64;
        if silence.broken(heard, now) {
            continue;
        }
        if let Some(rung) = silence.due(now) {
            done.push((second, rung));
            silence.begins(heard, now);
        }
    }
    done
}

#[test]
fn a_quiet_site_is_not_a_dead_radio() {
    let done = watched(72, &[]);
    assert_eq!(done.len(), 73);
    let first = [(30, Rung::Rescan), (60, Rung::Discovery), (3660, Rung::PowerCycle), (7260, Rung::Rescan)];
    assert_eq!(done[..4], first);
    assert!(done[1..].windows(2).all(|pair| pair[1].0 - pair[0].0 >= 3600));
    assert_eq!(done.iter().filter(|(_, rung)| *rung == Rung::PowerCycle).count(), 3, "one a day");
}

#[test]
fn an_advert_begins_it_anew() {
    let done = watched(3, &[0, 100, 4000]);
    let wanted = [(30, Rung::Rescan), (60, Rung::Discovery), (3660, Rung::Rescan), (3690, Rung::Discovery)];
    assert_eq!(done[..4], wanted);
    assert_eq!(done[4..], [(7290, Rung::Rescan), (7320, Rung::Discovery)]);
}

/// A new scan hears something at once: the place is not silent, the radio forgets.
#[test]
fn a_radio_that_forgets_is_helped_sooner() {
    let wanted = [(30, Rung::Rescan), (340, Rung::Rescan), (640, Rung::Rescan), (670, Rung::Discovery)];
    assert_eq!(watched(1, &[0, 36, 310, 345]), wanted);
    assert_eq!(watched(1, &[0, 50, 310, 345]), [(30, Rung::Rescan)], "it came late: the place may be silent");
}

proptest! {
    #[test]
    fn silence_alone_is_no_reason_for_more_than_one_thing_an_hour(
        adverts in proptest::collection::vec(0..20_000_u64, 0..40),
    ) {
        let done = watched(6, &adverts);
        for pair in done.windows(2) {
            let (before, next) = (pair[0].0, pair[1].0);
            let proven = adverts.iter().any(|at| (before..=before + 12).contains(at));
            let least = match pair[1].1 {
                Rung::Discovery => 30,
                _ if proven => 300,
                _ => 3600,
            };
            prop_assert!(next - before >= least && (pair[0].1, pair[1].1) != (Rung::Discovery, Rung::Discovery), "{done:?}");
        }
    }
}
