//! The care for one adapter: it scans, and scans again after whatever came between.

use super::attempt::attempt;
use super::bluez;
use super::report::Report;
use crate::config::ScanMode;
use crate::stats::RadioState;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LAST_DELAY: Duration = Duration::from_secs(5);

/// Keeps the adapter scanning in this mode, until there is no mode any more.
pub(super) async fn care(mut mode: watch::Receiver<ScanMode>, mut report: Report) {
    let mut delay = FIRST_DELAY;
    loop {
        let now = *mode.borrow_and_update();
        let wanted = report.wanted;
        let mut scanned = false;
        // Dropping an attempt ends what it asked BlueZ for.
        let trouble = tokio::select! {
            biased;
            changed = mode.changed() => match changed {
                Ok(()) => {
                    delay = FIRST_DELAY;
                    report.start_over();
                    continue;
                }
                Err(_) => return,
            },
            trouble = attempt(now, wanted, &mut report, &mut scanned) => trouble,
        };
        if scanned {
            delay = FIRST_DELAY;
        }
        if trouble.quiet {
            tracing::debug!("{}: scanning anew", trouble.detail);
            continue;
        }
        let state = trouble.state;
        report.trouble(trouble);
        tokio::select! {
            () = bluez::appears(), if state == RadioState::NoBluez => {}
            () = sleep(delay) => delay = (delay * 2).min(LAST_DELAY),
            changed = mode.changed() => {
                delay = FIRST_DELAY;
                report.start_over();
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
