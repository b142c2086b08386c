use super::*;
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The steps of attempts that fail at once, for so long: when, and what.
fn failing(cause: Cause, long: Duration) -> Vec<(Duration, NextStep)> {
    let (mut policy, start) = (RecoveryPolicy::new(), Instant::now());
    let (mut now, mut steps) = (start, Vec::new());
    while now - start < long {
        let step = policy.next_step(cause, now, None, now);
        steps.push((now - start, step));
        match step {
            NextStep::Pause(pause) | NextStep::Discovery(pause) => now += pause,
            NextStep::PowerCycle => policy.power_cycled(true, now),
        }
    }
    steps
}

#[test]
fn attempts_are_few_and_never_far() {
    for cause in [Cause::Controller, Cause::External] {
        let steps = failing(cause, HOUR);
        for (n, (at, _)) in steps.iter().enumerate() {
            let within = steps[n..].iter().take_while(|(other, _)| *other - *at < MINUTE).count();
            assert!(within <= 24, "{within} in the minute from {at:?}");
        }
        let longest = steps.windows(2).map(|pair| pair[1].0 - pair[0].0).max();
        assert!(longest <= Some(MAX_RETRY_DELAY), "{longest:?}: it is to be back within 5 s");
    }
}

#[test]
fn refusal_leads_to_a_power_cycle_late_and_once_an_hour() {
    let cycles = |cause| {
        let steps = failing(cause, HOUR * 5).into_iter();
        steps.filter(|(_, step)| *step == NextStep::PowerCycle).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let refusing = cycles(Cause::Controller);
    assert_eq!(refusing.len(), 5);
    assert!(refusing[0] >= REFUSAL_TIMEOUT && refusing[0] < REFUSAL_TIMEOUT + MAX_RETRY_DELAY * 2, "{refusing:?}");
    assert!(refusing.windows(2).all(|pair| pair[1] - pair[0] >= HOUR), "{refusing:?}");
    assert!(cycles(Cause::External).is_empty());
}

/// What ended was a scan, for an hour: that it ended says nothing about how long the controller has refused.
#[test]
fn first_failure_after_a_good_scan_is_a_pause() {
    for held in [Duration::ZERO, STABLE_SCAN, HOUR] {
        let (mut policy, start) = (RecoveryPolicy::new(), Instant::now());
        let end = start + held;
        assert_eq!(
            policy.next_step(Cause::Controller, start, Some(start), end),
            NextStep::Pause(MIN_RETRY_DELAY),
            "{held:?}"
        );
        assert!(matches!(
            policy.next_step(Cause::Controller, end, None, end + REFUSAL_TIMEOUT / 2),
            NextStep::Discovery(_)
        ));
        assert_eq!(policy.next_step(Cause::Controller, end, None, end + REFUSAL_TIMEOUT), NextStep::PowerCycle);
    }
}

#[test]
fn discovery_is_tried_before_a_power_cycle() {
    let steps = failing(Cause::Controller, MINUTE);
    let place = |wanted: fn(&NextStep) -> bool| steps.iter().position(|(_, step)| wanted(step)).expect("it is tried");
    let discovery = place(|step| matches!(step, NextStep::Discovery(_)));
    assert!(steps[..discovery].len() >= 4, "gentler ones come first: {steps:?}");
    assert!(discovery < place(|step| *step == NextStep::PowerCycle), "{steps:?}");
    let discoveries: Vec<_> = steps.iter().filter(|(_, step)| matches!(step, NextStep::Discovery(_))).collect();
    assert!(discoveries.windows(2).all(|pair| pair[1].0 - pair[0].0 >= DISCOVERY_INTERVAL), "{steps:?}");
    assert!(!failing(Cause::External, MINUTE).iter().any(|(_, step)| matches!(step, NextStep::Discovery(_))));
}

#[test]
fn withheld_power_cycle_is_due_again_soon() {
    let (mut policy, start) = (RecoveryPolicy::new(), Instant::now());
    let later = start + REFUSAL_TIMEOUT;
    assert_eq!(policy.next_step(Cause::Controller, start, None, later), NextStep::PowerCycle);
    policy.power_cycled(false, later);
    assert_ne!(policy.next_step(Cause::Controller, later, None, later), NextStep::PowerCycle);
    assert_eq!(policy.next_step(Cause::Controller, later, None, later + WITHHELD_RETRY_DELAY), NextStep::PowerCycle);
}

/// A scan that ends as soon as it began is no reason to hurry.
#[test]
fn failure_is_over_only_after_a_stable_scan() {
    let (mut policy, start) = (RecoveryPolicy::new(), Instant::now());
    let mut pauses = |held: Duration| match policy.next_step(Cause::Controller, start, Some(start), start + held) {
        NextStep::Pause(pause) => pause,
        other => panic!("{other:?} is too early"),
    };
    assert_eq!([0, 1, 2, 3, 9].map(|s| pauses(Duration::from_secs(s)).as_millis()), [500, 1000, 2000, 3000, 3000]);
    assert_eq!(pauses(STABLE_SCAN), MIN_RETRY_DELAY);
}

#[test]
fn refusal_that_was_interrupted_counts_from_its_end() {
    let (mut policy, start) = (RecoveryPolicy::new(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    policy.next_step(Cause::Controller, at(0), None, at(20));
    policy.next_step(Cause::External, at(20), None, at(25));
    assert_ne!(policy.next_step(Cause::Controller, at(26), None, at(40)), NextStep::PowerCycle);
    assert_eq!(policy.next_step(Cause::Controller, at(40), None, at(56)), NextStep::PowerCycle);
}

/// What is done in these hours; the looks are two seconds apart, and the adverts come at these seconds.
fn watched(hours: u64, adverts: &[u64]) -> Vec<(u64, RecoveryAction)> {
    let start = Instant::now();
    let (mut silence, mut heard, mut done) = (SilenceDetector::new(start), 0, Vec::new());
    for second in (0..hours * 3600).step_by(2) {
        let now = start + Duration::from_secs(second);
        heard += adverts.iter().filter(|at| (second..second + 2).contains(at)).count() as u64;
        if silence.record_advert(heard, now) {
            continue;
        }
        if let Some(action) = silence.due_action(now) {
            done.push((second, action));
            silence.scan_started(heard, now);
        }
    }
    done
}

#[test]
fn silence_of_a_quiet_site_is_not_a_dead_radio() {
    let done = watched(72, &[]);
    assert_eq!(done.len(), 73);
    let first = [
        (30, RecoveryAction::Rescan),
        (60, RecoveryAction::Discovery),
        (3660, RecoveryAction::PowerCycle),
        (7260, RecoveryAction::Rescan),
    ];
    assert_eq!(done[..4], first);
    assert!(done[1..].windows(2).all(|pair| pair[1].0 - pair[0].0 >= 3600));
    assert_eq!(done.iter().filter(|(_, action)| *action == RecoveryAction::PowerCycle).count(), 3, "one a day");
}

#[test]
fn silence_ends_with_an_advert() {
    let done = watched(3, &[0, 100, 4000]);
    let wanted = [
        (30, RecoveryAction::Rescan),
        (60, RecoveryAction::Discovery),
        (3660, RecoveryAction::Rescan),
        (3690, RecoveryAction::Discovery),
    ];
    assert_eq!(done[..4], wanted);
    assert_eq!(done[4..], [(7290, RecoveryAction::Rescan), (7320, RecoveryAction::Discovery)]);
}

/// A new scan hears something at once: the place is not silent, the radio forgets.
#[test]
fn silence_of_a_radio_that_forgets_is_acted_on_sooner() {
    let wanted = [
        (30, RecoveryAction::Rescan),
        (340, RecoveryAction::Rescan),
        (640, RecoveryAction::Rescan),
        (670, RecoveryAction::Discovery),
    ];
    assert_eq!(watched(1, &[0, 36, 310, 345]), wanted);
    assert_eq!(watched(1, &[0, 50, 310, 345]), [(30, RecoveryAction::Rescan)], "it came late: the place may be silent");
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
                RecoveryAction::Discovery => 30,
                _ if proven => 300,
                _ => 3600,
            };
            prop_assert!(next - before >= least && (pair[0].1, pair[1].1) != (RecoveryAction::Discovery, RecoveryAction::Discovery), "{done:?}");
        }
    }
}
