use super::*;
use crate::model::{Failure, LastError};
use crate::stats::Heard;
use proptest::prelude::*;
use std::time::UNIX_EPOCH;

/// The tracker on a clock of the test's own, with everything well at first.
struct Bench {
    tracker: HealthTracker,
    start: Instant,
    at: Duration,
    inputs: HealthInputs,
    /// The broker answers whatever comes.
    alive: bool,
}

fn connected() -> Link {
    Link { state: LinkState::Connected, ..Link::default() }
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        let inputs = HealthInputs {
            link: connected(),
            short: false,
            heard: Some(start),
            max_silence: MAX_BROKER_SILENCE,
            radio: RadioState::Scanning,
            damaged: false,
            memory_only: false,
            ledger: Ledger::default(),
            clock: None,
        };
        Self { tracker: HealthTracker::new(start), start, at: Duration::ZERO, inputs, alive: true }
    }

    /// Lets seconds go by, one update each, and tells what it says then.
    fn after(&mut self, secs: u64) -> String {
        for _ in 0..secs {
            self.at += Duration::from_secs(1);
            self.update();
        }
        let Health { state, reason, .. } = self.update();
        format!("{} {reason}", state.as_str()).trim_end().to_owned()
    }

    fn update(&mut self) -> Health {
        let now = self.start + self.at;
        if self.alive {
            self.inputs.heard = Some(now);
        }
        self.inputs.clock = self.inputs.clock.map(|_| UNIX_EPOCH + self.at);
        self.tracker.update(now, &self.inputs)
    }

    fn link(&mut self, state: LinkState, error: Option<LastError>) -> String {
        self.inputs.link = Link { state, error: error.map(|code| Failure::new(code, "")), ..Link::default() };
        self.after(0)
    }

    fn radio(&mut self, state: RadioState) -> String {
        self.inputs.radio = state;
        self.after(0)
    }
}

#[test]
fn health_is_offline_until_a_broker_takes_something_and_says_why() {
    let mut b = Bench::new();
    assert_eq!(b.link(LinkState::Off, None), "offline no-protocol");
    assert_eq!(b.link(LinkState::Connecting, None), "offline connecting");
    assert_eq!(b.link(LinkState::Waiting, Some(LastError::Auth)), "offline broker-auth");
    assert_eq!(b.link(LinkState::Connecting, Some(LastError::Auth)), "offline broker-auth");
    assert_eq!(b.link(LinkState::Connected, None), "online");
}

#[test]
fn health_of_a_quiet_site_is_online_while_both_ends_work() {
    let mut b = Bench::new();
    assert_eq!(b.after(10_000), "online");
    b.alive = false;
    assert_eq!(b.after(89), "online");
    assert_eq!(b.after(1), "degraded broker-silent");
    b.alive = true;
    assert_eq!(b.after(0), "online");
}

#[test]
fn adverts_without_an_acknowledgement_are_trouble_after_ten_seconds() {
    let mut b = Bench::new();
    b.inputs.ledger.receive_queued(100);
    b.inputs.ledger.take(100);
    assert_eq!(b.after(9), "online");
    assert_eq!(b.after(1), "degraded no-acknowledgement");
    b.inputs.ledger.publish(10);
    assert_eq!(b.after(0), "online", "the rest is on its way");
    assert_eq!(b.after(10), "degraded no-acknowledgement");
    // What is dropped from a full queue is no acknowledgement.
    b.inputs.ledger.receive_dropped(1, DropReason::QueueFull);
    assert_eq!(b.after(0), "degraded no-acknowledgement");
    b.inputs.ledger.drop_in_flight(10, DropReason::Refused);
    assert_eq!(b.after(0), "degraded dropped-queue-full");
    b.inputs.ledger.put_back(80);
    assert_eq!(b.after(60), "online", "what waits in an open batch is not overdue");
}

#[test]
fn trouble_of_the_radio_is_told_at_once_but_a_new_start_of_the_scan_is_no_trouble() {
    let mut b = Bench::new();
    assert_eq!(b.radio(RadioState::Starting), "degraded starting", "it never scanned");
    assert_eq!(b.radio(RadioState::Scanning), "online");
    assert_eq!(b.radio(RadioState::Starting), "online");
    assert_eq!(b.after(9), "online");
    assert_eq!(b.after(1), "degraded starting");
    assert_eq!(b.radio(RadioState::Scanning), "online");
    for trouble in [RadioState::NoBluez, RadioState::AdapterMissing, RadioState::AdapterOff, RadioState::Off] {
        assert_eq!(b.radio(trouble), format!("degraded {}", trouble.as_str()));
        assert_eq!(b.radio(RadioState::Starting), "degraded starting", "what was wrong is not yet right");
        assert_eq!(b.radio(RadioState::Scanning), "online");
    }
    assert_eq!(b.radio(RadioState::Test), "online");
}

#[test]
fn health_remembers_a_loss_for_a_minute() {
    let mut b = Bench::new();
    b.inputs.ledger.receive(&Heard { unpublished: 5, ..Heard::default() });
    assert_eq!(b.after(1), "online", "nobody was waiting for them");
    b.inputs.ledger.receive_dropped(5, DropReason::QueueFull);
    assert_eq!(b.after(0), "degraded dropped-queue-full");
    assert_eq!(b.after(59), "degraded dropped-queue-full");
    b.inputs.ledger.receive(&Heard { capture_lost: 1, ..Heard::default() });
    assert_eq!(b.after(0), "degraded dropped-queue-full");
    assert_eq!(b.after(1), "degraded capture-lost");
    assert_eq!(b.after(60), "online");
}

#[test]
fn damaged_reports_are_trouble_as_long_as_they_last() {
    let mut b = Bench::new();
    b.inputs.damaged = true;
    assert_eq!(b.after(100), "degraded reports-damaged");
    assert_eq!(b.radio(RadioState::AdapterMissing), "degraded adapter-missing", "that is more");
    b.inputs.damaged = false;
    assert_eq!(b.radio(RadioState::Scanning), "online");
}

#[test]
fn short_connections_come_and_go_without_news() {
    let mut b = Bench::new();
    (b.inputs.short, b.inputs.heard, b.alive) = (true, None, false);
    assert_eq!(b.link(LinkState::Idle, None), "offline broker-silent", "no broker was ever asked");
    assert_eq!(b.link(LinkState::Connecting, None), "offline connecting");
    b.alive = true;
    assert_eq!(b.link(LinkState::Connected, None), "online");
    b.alive = false;
    for _ in 0..3 {
        assert_eq!(b.link(LinkState::Idle, None), "online");
        assert_eq!(b.link(LinkState::Connecting, None), "online");
        assert_eq!(b.link(LinkState::Connected, None), "online");
    }
    assert_eq!(b.link(LinkState::Waiting, Some(LastError::Refused)), "offline broker-refused");
    b.link(LinkState::Idle, None);
    assert_eq!(b.after(90), "degraded broker-silent");
}

#[test]
fn since_is_when_it_became_so_and_is_told_by_a_synchronised_clock_only() {
    let mut b = Bench::new();
    b.update();
    b.after(100);
    assert_eq!(b.update().since, None);
    // The clock is set late: the moment is known all the same.
    b.inputs.clock = Some(UNIX_EPOCH);
    b.after(100);
    assert_eq!(b.update().since, Some(UNIX_EPOCH));
    b.radio(RadioState::NoBluez);
    assert_eq!(b.update().since, Some(UNIX_EPOCH + Duration::from_secs(200)));
    b.after(50);
    assert_eq!(b.update().since, Some(UNIX_EPOCH + Duration::from_secs(200)));
    b.inputs.clock = None;
    assert_eq!(b.update().since, None);
}

fn links() -> impl Strategy<Value = (LinkState, bool)> {
    use LinkState::{Connected, Connecting, Idle, Off, Waiting};
    (prop::sample::select(vec![Off, Connecting, Connected, Idle, Waiting, Connected, Connected]), any::<bool>())
}

fn radios() -> impl Strategy<Value = RadioState> {
    use RadioState::{AdapterMissing, NoBluez, Off, Scanning, Starting};
    prop::sample::select(vec![Off, NoBluez, AdapterMissing, Starting, Scanning, Scanning])
}

proptest! {
    #[test]
    fn online_is_never_said_without_proof(
        steps in prop::collection::vec((links(), radios(), 0u64..70, any::<bool>(), 0u64..3, 0u64..4, any::<bool>()), 1..80),
        short in any::<bool>(),
    ) {
        let mut b = Bench::new();
        (b.inputs.short, b.inputs.heard, b.alive) = (short, None, false);
        let (mut scanned, mut lost, mut before) = (None, None, Health::default());
        for ((link, failed), radio, secs, heard, adverts, fate, clock) in steps {
            b.at += Duration::from_secs(secs);
            let now = b.start + b.at;
            let error = failed.then(|| Failure::new(LastError::Closed, ""));
            b.inputs.link = Link { state: link, error: error.filter(|_| link != LinkState::Connected), ..Link::default() };
            b.inputs.radio = radio;
            b.inputs.clock = clock.then_some(UNIX_EPOCH);
            if heard { b.inputs.heard = Some(now); }
            b.inputs.ledger.receive_queued(adverts);
            b.inputs.ledger.take(adverts);
            match fate {
                0 => b.inputs.ledger.publish(adverts),
                1 if adverts > 0 => {
                    b.inputs.ledger.drop_in_flight(adverts, DropReason::Refused);
                    lost = Some(now);
                }
                _ => {}
            }
            if radio == RadioState::Scanning { scanned = Some(now); }
            let health = b.update();
            let recent = |at: Option<Instant>, limit| at.is_some_and(|at| now.duration_since(at) < limit);
            if health.state == HealthState::Online {
                prop_assert!(!matches!(link, LinkState::Off | LinkState::Waiting));
                prop_assert!(b.inputs.link.error.is_none() || link == LinkState::Idle);
                prop_assert!(recent(b.inputs.heard, MAX_BROKER_SILENCE), "no sign of the broker");
                prop_assert!(recent(scanned, TROUBLE_DELAY), "no scan");
                prop_assert!(!recent(lost, LOSS_WINDOW), "a loss");
            }
            prop_assert_eq!(health.reason.is_empty(), health.state == HealthState::Online);
            prop_assert!(clock || health.since.is_none());
            let up = link == LinkState::Connected;
            prop_assert!(!up || health.state != HealthState::Offline);
            if (health.state, &health.reason) == (before.state, &before.reason) && before.since.is_some() && clock {
                prop_assert_eq!(health.since, before.since);
            }
            before = health;
        }
    }
}
