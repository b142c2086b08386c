//! Keeps [`Stats::health`](crate::stats::Stats::health) true.

use super::{HealthInputs, HealthTracker, MAX_BROKER_SILENCE};
use crate::config::{Config, Connection, Mqtt};
use crate::model::SpoolState;
use crate::stats::Stats;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio::time::interval;

/// How often health is derived although nothing changed but the time.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// What a ping may take beyond the keep alive.
const PING_TIMEOUT: Duration = Duration::from_secs(30);

/// Follows link, radio and settings at once and the ledger every second. Does not return.
pub async fn follow(stats: &Stats, mut config: watch::Receiver<Arc<Config>>) {
    let (mut link, mut radio, mut clock) = (stats.link(), stats.radio(), stats.clock_synchronised());
    let mut revisions = stats.revisions();
    let (mut tracker, mut tick) = (HealthTracker::new(Instant::now()), interval(POLL_INTERVAL));
    loop {
        // Before what is read of link and radio.
        let followed = *revisions.borrow_and_update();
        let inputs = {
            let settings = config.borrow_and_update();
            let link = link.borrow_and_update().clone();
            let (state, damaged) = {
                let radio = radio.borrow_and_update();
                (radio.state, !radio.damaged.is_empty())
            };
            HealthInputs {
                link,
                short: settings.mqtt.as_ref().is_some_and(|mqtt| mqtt.broker.connection == Connection::Short),
                heard: stats.broker_heard(),
                max_silence: max_silence(&settings),
                radio: state,
                damaged,
                memory_only: stats.spool().state == SpoolState::MemoryOnly,
                ledger: stats.snapshot(),
                clock: clock.borrow_and_update().then(SystemTime::now),
            }
        };
        stats.set_health(tracker.update(Instant::now(), &inputs));
        stats.set_active_revision(followed.publisher.min(followed.radio));
        tokio::select! {
            _ = tick.tick() => {}
            Ok(()) = link.changed() => {}
            Ok(()) = radio.changed() => {}
            Ok(()) = clock.changed() => {}
            Ok(()) = revisions.changed() => {}
            Ok(()) = config.changed() => {}
        }
    }
}

/// How old the broker's last sign of life may be. The operator's own keep alive decides, unless the status message asks for
/// one more often.
fn max_silence(config: &Config) -> Duration {
    match &config.mqtt {
        Some(Mqtt { broker, publish }) if publish.status_topic.is_none() && !broker.keep_alive.is_zero() => {
            MAX_BROKER_SILENCE.max(broker.keep_alive + PING_TIMEOUT)
        }
        _ => MAX_BROKER_SILENCE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Candidate;

    #[test]
    fn keep_alive_decides_how_long_a_broker_may_be_silent() {
        let max_silence = |keep_alive: u16, topic: &str| {
            let mut candidate = Candidate::default();
            (candidate.raw.protocol, candidate.raw.host) = ("mqtt".into(), "broker".into());
            (candidate.raw.keep_alive_secs, candidate.raw.status_topic) = (keep_alive, topic.into());
            max_silence(&Config::check(&candidate).expect("right")).as_secs()
        };
        assert_eq!(
            [max_silence(5, ""), max_silence(60, ""), max_silence(300, ""), max_silence(0, "")],
            [90, 90, 330, 90]
        );
        assert_eq!(max_silence(300, "status"), 90);
    }
}
