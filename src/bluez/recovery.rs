//! The recovery policy of one adapter: which action is due, and when. Pure: it is given the time and does nothing itself.

use crate::model::RecoveryAction;
use std::time::Duration;
use tokio::time::Instant;

/// Between attempts: so short that an adapter is back within five seconds of its trouble's end, so long that nothing spins.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(500);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(3);
/// A scan that held for so long ended the trouble before it.
const STABLE_SCAN: Duration = Duration::from_secs(10);
/// How long a controller may refuse before it is switched off and on, and how often a short discovery is tried before that.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(30);
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(10);
/// Between two power cycles, whatever they are for.
const POWER_CYCLE_INTERVAL: Duration = Duration::from_secs(3600);
/// Between two looks at whether one that was withheld can be done.
const WITHHELD_RETRY_DELAY: Duration = Duration::from_secs(30);

/// A scan that hears nothing for so long may be dead.
const SILENCE: Duration = Duration::from_secs(30);
/// Some places are silent: what is done about silence alone is done once in this time.
const SILENT_SITE_INTERVAL: Duration = Duration::from_secs(3600);
/// When a new scan heard something this soon, the place was not silent.
const PROOF_WINDOW: Duration = Duration::from_secs(10);
/// The silence limit after a rescan that helped.
const PROVEN_INTERVAL: Duration = Duration::from_secs(300);
/// Of what is done each hour about one silence the second is a power cycle, and then each of so many.
const DAY: u32 = 24;

/// Who can end a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The controller, or what bluetoothd and the kernel believe of it: a power cycle may help.
    Controller,
    /// Something outside of the controller: it is waited for.
    External,
    /// There is none: another scan session is wanted.
    Reconfigure,
    /// Perhaps there is none: nothing was heard. This action is due.
    Silence(RecoveryAction),
}

/// What follows a scan session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Another session after a pause.
    Pause(Duration),
    /// A short discovery, and then another session after a pause.
    Discovery(Duration),
    /// A power cycle, and then another session.
    PowerCycle,
}

/// What is tried next for one adapter, from what failed before.
#[derive(Debug)]
pub(super) struct RecoveryPolicy {
    pause: Duration,
    /// Since when the controller has been refusing, and when the next discovery is due.
    refusing: Option<Instant>,
    discovery: Option<Instant>,
    /// When it may be power-cycled again.
    cycle: Option<Instant>,
}

impl RecoveryPolicy {
    pub(super) fn new() -> Self {
        Self { pause: MIN_RETRY_DELAY, refusing: None, discovery: None, cycle: None }
    }

    /// After a change of settings the next session begins soon.
    pub(super) fn reset(&mut self) {
        self.pause = MIN_RETRY_DELAY;
    }

    /// What follows a session that began at `began` and, if it got so far, scanned since `scanned`.
    pub(super) fn next_step(
        &mut self,
        cause: Cause,
        began: Instant,
        scanned: Option<Instant>,
        now: Instant,
    ) -> NextStep {
        if scanned.is_some_and(|since| now - since >= STABLE_SCAN) {
            (self.pause, self.refusing) = (MIN_RETRY_DELAY, None);
        }
        let mut discovers = false;
        match cause {
            Cause::Controller => {
                // As long as it scanned it did not refuse.
                let first = self.refusing.is_none();
                let since = *self.refusing.get_or_insert(if scanned.is_some() { now } else { began });
                if now - since >= REFUSAL_TIMEOUT && self.may_power_cycle(now) {
                    return NextStep::PowerCycle;
                }
                if first {
                    self.discovery = Some(since + DISCOVERY_INTERVAL);
                }
                discovers = self.discovery.is_some_and(|due| due <= now);
            }
            Cause::External => self.refusing = None,
            Cause::Silence(RecoveryAction::PowerCycle) if self.may_power_cycle(now) => return NextStep::PowerCycle,
            Cause::Silence(RecoveryAction::Discovery) => return NextStep::Discovery(Duration::ZERO),
            Cause::Silence(_) | Cause::Reconfigure => return NextStep::Pause(Duration::ZERO),
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(MAX_RETRY_DELAY);
        if discovers {
            self.discovery = Some(now + DISCOVERY_INTERVAL);
            return NextStep::Discovery(pause);
        }
        NextStep::Pause(pause)
    }

    fn may_power_cycle(&self, now: Instant) -> bool {
        self.cycle.is_none_or(|at| now >= at)
    }

    /// A power cycle was done, or withheld.
    pub(super) fn power_cycled(&mut self, done: bool, now: Instant) {
        self.cycle = Some(now + if done { POWER_CYCLE_INTERVAL } else { WITHHELD_RETRY_DELAY });
    }
}

/// How long a scan may hear nothing, and what is done then.
#[derive(Debug)]
pub(super) struct SilenceDetector {
    heard: u64,
    /// Since when: the last advert, or the beginning of the scan.
    since: Instant,
    /// What was done since the last advert, when last, and how long nothing more is.
    done: u32,
    last: Option<Instant>,
    wait: Duration,
}

impl SilenceDetector {
    pub(super) fn new(now: Instant) -> Self {
        Self { heard: 0, since: now, done: 0, last: None, wait: SILENT_SITE_INTERVAL }
    }

    /// A scan begins; so many adverts were heard before.
    pub(super) fn scan_started(&mut self, heard: u64, now: Instant) {
        (self.heard, self.since) = (heard, now);
    }

    /// Whether something was heard since the last look.
    pub(super) fn record_advert(&mut self, heard: u64, now: Instant) -> bool {
        if heard == self.heard {
            return false;
        }
        if self.done > 0 {
            self.wait = if now - self.since <= PROOF_WINDOW { PROVEN_INTERVAL } else { SILENT_SITE_INTERVAL };
        }
        (self.heard, self.since, self.done) = (heard, now, 0);
        true
    }

    /// What is to be done about the silence now.
    pub(super) fn due_action(&mut self, now: Instant) -> Option<RecoveryAction> {
        let too_long = now - self.since >= SILENCE && self.last.is_none_or(|last| now - last >= self.wait);
        too_long.then(|| {
            self.done += 1;
            // With a discovery the kernel sets its scan up in another way than for a monitor.
            let (action, wait) = match self.done {
                1 => (RecoveryAction::Rescan, SILENCE),
                2 => (RecoveryAction::Discovery, SILENT_SITE_INTERVAL),
                more if more % DAY == 3 => (RecoveryAction::PowerCycle, SILENT_SITE_INTERVAL),
                _ => (RecoveryAction::Rescan, SILENT_SITE_INTERVAL),
            };
            (self.last, self.wait) = (Some(now), wait);
            action
        })
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
