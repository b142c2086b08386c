//! The task of one adapter: keeps it scanning, and recovers it after failures.

use super::adapter_status::AdapterStatusTracker;
use super::recovery::{Cause, NextStep, RecoveryPolicy};
use super::scan_session::run_session;
use super::{client, power_cycle, scan_setup};
use crate::config::ScanMode;
use crate::model::{RadioState, RecoveryAction};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Keeps the adapter scanning in this mode. Returns when nobody sets the mode any more.
pub(super) async fn run(mut mode: watch::Receiver<ScanMode>, mut status: AdapterStatusTracker) {
    let mut policy = RecoveryPolicy::new();
    loop {
        let now = *mode.borrow_and_update();
        let work = run_once(now, &mut status, &mut policy);
        // Dropping a session ends what it asked bluetoothd for.
        let changed = tokio::select! {
            biased;
            changed = mode.changed() => changed,
            () = work => continue,
        };
        if changed.is_err() {
            return;
        }
        policy.reset();
        status.reset();
    }
}

/// One scan session, and the recovery after it.
async fn run_once(mode: ScanMode, status: &mut AdapterStatusTracker, policy: &mut RecoveryPolicy) {
    let (began, mut scanned) = (Instant::now(), None);
    let error = run_session(mode, status, &mut scanned).await;
    // While another program connects, the kernel does not scan, and nothing is done about it.
    let cause = if error.cause == Cause::Controller && status.is_connecting() { Cause::External } else { error.cause };
    let step = policy.next_step(cause, began, scanned, Instant::now());
    if error.cause == Cause::Reconfigure {
        return;
    }
    let (state, why, silent) = (error.state, error.detail.clone(), matches!(error.cause, Cause::Silence(_)));
    if !silent {
        status.set_error(error);
    }
    match step {
        NextStep::PowerCycle => {
            let done = power_cycle::run(status, &why).await;
            policy.power_cycled(done, Instant::now());
        }
        NextStep::Discovery(_) if silent && mode == ScanMode::Passive => {
            status.record_recovery(RecoveryAction::Discovery, &why);
            scan_setup::discover_shortly(status).await;
        }
        NextStep::Pause(_) | NextStep::Discovery(_) if silent => status.record_recovery(RecoveryAction::Rescan, &why),
        NextStep::Pause(pause) | NextStep::Discovery(pause) => {
            // The discovery is a part of the pause: the radio is back as soon after a failure as without it.
            let next = Instant::now() + pause;
            // An active scan is a discovery.
            if matches!(step, NextStep::Discovery(_)) && mode == ScanMode::Passive {
                status.record_recovery(RecoveryAction::Discovery, &why);
                scan_setup::discover_shortly(status).await;
            }
            tokio::select! {
                () = client::appeared(), if state == RadioState::NoBluez => {}
                () = sleep_until(next) => {}
            }
            status.record_recovery(RecoveryAction::Retry, &why);
        }
    }
}
