use super::*;
use proptest::prelude::*;

fn id(n: u8) -> BootId {
    BootId([n; 16])
}

fn clocks(boot: u8, uptime: i64, wall: Option<i64>) -> Clocks {
    Clocks { boot: Some(id(boot)), uptime: BootTime(uptime), wall }
}

fn now(uptime: i64, wall: Option<i64>) -> Now {
    Now { uptime: BootTime(uptime), wall }
}

/// For how long something waits now that this boot received then.
fn age(boots: &Boots, writer: Clocks, at: i64, now: Now) -> i64 {
    now.uptime.since(boots.time(Some(&writer), BootTime(at), &now))
}

#[test]
fn boots_count_the_time_that_this_one_and_those_between_ran() {
    let mut boots = Boots::new(Some(id(9)), BootTime(50), b"");
    assert_eq!(
        age(&boots, clocks(9, 300, None), 100, now(1_000, Some(5))),
        900,
        "the same boot, whatever the clock says"
    );
    boots.learn(&clocks(1, 10_000, None));
    boots.learn(&clocks(2, 7_000, None));
    boots.learn(&clocks(2, 6_000, None));
    boots.learn(&clocks(9, 6_000, None));
    assert_eq!(age(&boots, clocks(1, 10_000, None), 4_000, now(1_000, None)), 6_000 + 7_000 + 1_000);
    assert_eq!(age(&boots, clocks(2, 7_000, None), 7_000, now(1_000, None)), 1_000);
}

#[test]
fn boots_with_a_clock_tell_how_long_it_was_off() {
    let mut boots = Boots::new(Some(id(9)), BootTime(50), b"");
    // The clock was right from the end of the first boot on only: that tells of all of it.
    boots.learn(&clocks(1, 5_000, None));
    boots.learn(&clocks(1, 10_000, Some(1_000_000)));
    let day = Some(1_000_000 + 86_400_000);
    assert_eq!(age(&boots, clocks(1, 5_000, None), 4_000, now(2_000, day)), 86_400_000 - 4_000 + 2_000);
    assert_eq!(age(&boots, clocks(1, 5_000, None), 4_000, now(2_000, None)), 6_000 + 2_000, "not yet right");
    // One that was set back tells less than is known.
    assert_eq!(age(&boots, clocks(1, 5_000, None), 4_000, now(2_000, Some(0))), 6_000 + 2_000);
}

#[test]
fn boots_that_cannot_be_known_tell_since_when_the_service_runs() {
    let boots = Boots::new(None, BootTime(500), b"");
    let writer = Clocks { boot: None, uptime: BootTime(9_000), wall: None };
    assert_eq!(age(&boots, writer, 8_000, now(700, None)), 1_000 + 200);
    let writer = Clocks { wall: Some(1_000), ..writer };
    assert_eq!(age(&boots, writer, 8_000, now(700, Some(50_000))), 49_000 - 8_000 + 700);
    // What this run writes itself.
    assert_eq!(boots.time(None, BootTime(600), &now(700, None)), BootTime(600));
    // Version 1 says when it was written, to the second.
    assert_eq!(boots.before(None, &now(700, Some(0))), BootTime(500));
    assert_eq!(boots.before(Some(10), &now(700, Some(50_000))), BootTime(10_999 - 50_000));
    assert_eq!(boots.before(Some(10), &now(700, None)), BootTime(500));
    let times = boots.times(None, &Received::Before(None), 3, &now(700, None));
    assert_eq!(times.iter().collect::<Vec<_>>(), [BootTime(500); 3]);
}

#[test]
fn boots_are_kept_as_long_as_something_of_them_is() {
    let mut boots = Boots::new(Some(id(1)), BootTime(0), b"");
    let file = boots.file(&now(10_000, Some(77)), |_| false).expect("ours");
    for boot in 2..9 {
        boots = Boots::new(
            Some(id(boot)),
            BootTime(0),
            &boots.file(&now(10_000, Some(77)), |id| id == self::id(1) || id == self::id(5)).expect("ours"),
        );
    }
    // 1 and 5 wrote something, 7 was the last; the others between are a sum.
    assert_eq!(boots.earlier.len(), 5, "{boots:?}");
    assert_eq!(age(&boots, clocks(1, 0, None), 9_000, now(5, None)), 1_000 + 6 * 10_000 + 5);
    assert_eq!(age(&boots, clocks(5, 0, None), 9_000, now(5, None)), 1_000 + 2 * 10_000 + 5);
    let boots = Boots::new(Some(id(9)), BootTime(0), &file);
    assert_eq!((boots.earlier.len(), boots.earlier[0].wall), (1, Some(77)));
    assert_eq!(Boots::new(Some(id(1)), BootTime(0), &file).earlier, [], "this one is not an earlier one");
}

#[test]
fn boots_of_another_version_are_left_to_it() {
    let file = sealed::seal(&Saved { version: VERSION + 1, boots: Vec::new() });
    let boots = Boots::new(Some(id(1)), BootTime(0), &file);
    assert_eq!((&boots.earlier[..], boots.file(&now(9, None), |_| true)), (&[][..], None));
}

proptest! {
    #[test]
    fn boots_of_a_damaged_file_are_none(at in any::<prop::sample::Index>(), bit in 0u8..8, cut: bool) {
        let mut boots = Boots::new(Some(id(2)), BootTime(0), b"");
        boots.learn(&clocks(1, 10, None));
        let mut file = boots.file(&now(10_000, None), |_| true).expect("ours");
        let at = at.index(file.len());
        if cut { file.truncate(at) } else { file[at] ^= 1 << bit }
        prop_assert_eq!(Boots::new(Some(id(3)), BootTime(0), &file).earlier, []);
    }

    /// Whatever boots, runs and clocks there were: nothing is taken to be older than it is, as long as the clock is right.
    #[test]
    fn boots_never_make_anything_older_than_it_is(
        runs in prop::collection::vec((1i64..100_000, 0i64..1_000_000, any::<bool>(), any::<bool>(), any::<bool>()), 1..8),
        received in 0i64..100_000, synchronised: bool, uptime in 1i64..100_000,
    ) {
        // Each boot: how long it ran, how long it was off afterwards, whether its clock was right, whether it wrote something
        // and whether it noted itself.
        let (mut true_time, mut file, mut segments) = (0, Vec::new(), Vec::new());
        let (first_run, ..) = runs[0];
        let received = received.min(first_run);
        for (n, (ran, off, right, wrote, noted)) in runs.iter().copied().enumerate() {
            let boot = id(n as u8 + 1);
            let wall = right.then_some(true_time);
            if n == 0 || wrote {
                segments.push(Clocks { boot: Some(boot), uptime: BootTime(ran), wall });
            }
            let mut boots = Boots::new(Some(boot), BootTime(0), &file);
            segments.iter().for_each(|clocks| boots.learn(clocks));
            if noted {
                file = boots.file(&now(ran, wall), |id| segments.iter().any(|clocks| clocks.boot == Some(id))).expect("ours");
            }
            true_time += ran + off;
        }
        let mut boots = Boots::new(Some(id(99)), BootTime(0), &file);
        segments.iter().for_each(|clocks| boots.learn(clocks));
        let now = now(uptime, synchronised.then_some(true_time));
        let age = age(&boots, segments[0], received, now);
        let truth = true_time + uptime - received;
        prop_assert!(age <= truth && age >= first_run - received + uptime, "{} of {}", age, truth);
        let exact = synchronised && segments[0].wall.is_some();
        prop_assert!(!exact || age == truth);
    }
}
