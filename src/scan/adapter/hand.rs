//! The care for one adapter: it scans, and scans again after whatever came between.

use super::attempt::attempt;
use super::ladder::{Cause, Ladder, Step};
use super::report::Report;
use super::{bluez, power, setup};
use crate::config::ScanMode;
use crate::stats::{RadioState, Rung};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Keeps the adapter scanning in this mode, until there is no mode any more.
pub(super) async fn care(mut mode: watch::Receiver<ScanMode>, mut report: Report) {
    let mut ladder = Ladder::new();
    loop {
        let now = *mode.borrow_and_update();
        let work = once(now, &mut report, &mut ladder);
        // Dropping an attempt ends what it asked BlueZ for.
        let changed = tokio::select! {
            biased;
            changed = mode.changed() => changed,
            () = work => continue,
        };
        if changed.is_err() {
            return;
        }
        ladder.start_over();
        report.start_over();
    }
}

/// One attempt, and what is due after it.
async fn once(mode: ScanMode, report: &mut Report, ladder: &mut Ladder) {
    let (began, mut scanned) = (Instant::now(), None);
    let trouble = attempt(mode, report.wanted, report, &mut scanned).await;
    // While another program connects, the kernel does not scan, and nothing is done about it.
    let cause = if trouble.cause == Cause::Controller && report.connects() { Cause::Elsewhere } else { trouble.cause };
    let step = ladder.after(cause, began, scanned, Instant::now());
    if trouble.cause == Cause::Anew {
        return;
    }
    let (state, why, silent) = (trouble.state, trouble.detail.clone(), matches!(trouble.cause, Cause::Silence(_)));
    if !silent {
        report.trouble(trouble);
    }
    match step {
        Step::PowerCycle => {
            let done = power::cycle(report, &why).await;
            ladder.cycled(done, Instant::now());
        }
        Step::Discovery(_) if silent && mode == ScanMode::Passive => {
            report.climb(Rung::Discovery, &why);
            setup::discover_shortly(report).await;
        }
        Step::Pause(_) | Step::Discovery(_) if silent => report.climb(Rung::Rescan, &why),
        Step::Pause(pause) | Step::Discovery(pause) => {
            // The discovery is a part of the pause: the radio is back as soon after a trouble as without it.
            let next = Instant::now() + pause;
            // An active scan is a discovery.
            if matches!(step, Step::Discovery(_)) && mode == ScanMode::Passive {
                report.climb(Rung::Discovery, &why);
                setup::discover_shortly(report).await;
            }
            tokio::select! {
                () = bluez::appears(), if state == RadioState::NoBluez => {}
                () = sleep_until(next) => {}
            }
            report.climb(Rung::Retry, &why);
        }
    }
}
