//! Which rung of the ladder is due, and when. Pure: told the time, it does nothing itself.

use crate::stats::Rung;
use std::time::Duration;
use tokio::time::Instant;

/// Between attempts: so short that an adapter is back within five seconds of its trouble's end, so long that nothing spins.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(3);
/// A scan that held for so long ended the trouble before it.
const STEADY: Duration = Duration::from_secs(10);
/// How long a controller may refuse before it is switched off and on, and how often a short discovery is tried before that.
const REFUSAL: Duration = Duration::from_secs(30);
const DISCOVERIES: Duration = Duration::from_secs(10);
/// Between two power cycles, whatever they are for.
const CYCLES: Duration = Duration::from_secs(3600);
/// Between two looks at whether one that was withheld can be done.
const WITHHELD: Duration = Duration::from_secs(30);

/// A scan that hears nothing for so long may be dead.
const SILENCE: Duration = Duration::from_secs(30);
/// Some places are silent: what is done about silence alone is done once in this time.
const QUIET_SITE: Duration = Duration::from_secs(3600);
/// When a new scan heard something this soon, the place was not silent.
const PROOF: Duration = Duration::from_secs(10);
/// Then the next silence is borne for less long.
const PROVEN: Duration = Duration::from_secs(300);
/// Of what is done each hour about one silence the second is a power cycle, and then each of so many.
const DAY: u32 = 24;

/// Who has to mend a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The controller, or what bluetoothd and the kernel believe of it: a power cycle may help.
    Controller,
    /// Someone else: it is waited for.
    Elsewhere,
    /// Nobody: it is another scan that is wanted.
    Anew,
    /// Nobody, perhaps: nothing was heard. This is what is to be done about it.
    Silence(Rung),
}

/// What is due after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Another attempt after a pause.
    Pause(Duration),
    /// A short discovery, and then another attempt after a pause.
    Discovery(Duration),
    /// A power cycle, and then another attempt.
    PowerCycle,
}

/// The ladder of one adapter.
#[derive(Debug)]
pub(super) struct Ladder {
    pause: Duration,
    /// Since when the controller has been refusing, and when the next discovery is due.
    refusing: Option<Instant>,
    discovery: Option<Instant>,
    /// When it may be power-cycled again.
    cycle: Option<Instant>,
}

impl Ladder {
    pub(super) fn new() -> Self {
        Self { pause: FIRST_PAUSE, refusing: None, discovery: None, cycle: None }
    }

    /// Other settings: the next attempt comes soon.
    pub(super) fn start_over(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// What is due after an attempt that began at `began` and, if it came so far, scanned since `scanned`.
    pub(super) fn after(&mut self, cause: Cause, began: Instant, scanned: Option<Instant>, now: Instant) -> Step {
        if scanned.is_some_and(|since| now - since >= STEADY) {
            (self.pause, self.refusing) = (FIRST_PAUSE, None);
        }
        let mut discovers = false;
        match cause {
            Cause::Controller => {
                // As long as it scanned it did not refuse.
                let first = self.refusing.is_none();
                let since = *self.refusing.get_or_insert(if scanned.is_some() { now } else { began });
                if now - since >= REFUSAL && self.may_cycle(now) {
                    return Step::PowerCycle;
                }
                if first {
                    self.discovery = Some(since + DISCOVERIES);
                }
                discovers = self.discovery.is_some_and(|due| due <= now);
            }
            Cause::Elsewhere => self.refusing = None,
            Cause::Silence(Rung::PowerCycle) if self.may_cycle(now) => return Step::PowerCycle,
            Cause::Silence(Rung::Discovery) => return Step::Discovery(Duration::ZERO),
            Cause::Silence(_) | Cause::Anew => return Step::Pause(Duration::ZERO),
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LAST_PAUSE);
        if discovers {
            self.discovery = Some(now + DISCOVERIES);
            return Step::Discovery(pause);
        }
        Step::Pause(pause)
    }

    fn may_cycle(&self, now: Instant) -> bool {
        self.cycle.is_none_or(|at| now >= at)
    }

    /// A power cycle was done, or withheld.
    pub(super) fn cycled(&mut self, done: bool, now: Instant) {
        self.cycle = Some(now + if done { CYCLES } else { WITHHELD });
    }
}

/// How long the silence of a scan is borne.
#[derive(Debug)]
pub(super) struct Silence {
    heard: u64,
    /// Since when: the last advert, or the beginning of the scan.
    since: Instant,
    /// What was done since the last advert, when last, and how long nothing more is.
    done: u32,
    last: Option<Instant>,
    wait: Duration,
}

impl Silence {
    pub(super) fn new(now: Instant) -> Self {
        Self { heard: 0, since: now, done: 0, last: None, wait: QUIET_SITE }
    }

    /// A scan begins; so many adverts were heard before.
    pub(super) fn begins(&mut self, heard: u64, now: Instant) {
        (self.heard, self.since) = (heard, now);
    }

    /// Whether something was heard since the last look.
    pub(super) fn broken(&mut self, heard: u64, now: Instant) -> bool {
        if heard == self.heard {
            return false;
        }
        if self.done > 0 {
            self.wait = if now - self.since <= PROOF { PROVEN } else { QUIET_SITE };
        }
        (self.heard, self.since, self.done) = (heard, now, 0);
        true
    }

    /// What is to be done about the silence now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Rung> {
        let borne = now - self.since >= SILENCE && self.last.is_none_or(|last| now - last >= self.wait);
        borne.then(|| {
            self.done += 1;
            // With a discovery the kernel sets its scan up in another way than for a monitor.
            let (rung, wait) = match self.done {
                1 => (Rung::Rescan, SILENCE),
                2 => (Rung::Discovery, QUIET_SITE),
                more if more % DAY == 3 => (Rung::PowerCycle, QUIET_SITE),
                _ => (Rung::Rescan, QUIET_SITE),
            };
            (self.last, self.wait) = (Some(now), wait);
            rung
        })
    }
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
