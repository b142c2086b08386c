//! Keeps [`Stats::health`](crate::stats::Stats::health) true.

use super::{Facts, Machine, PROOF};
use crate::config::{Config, Connection};
use crate::model::SpoolState;
use crate::stats::Stats;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio::time::interval;

/// How often it is looked whether time alone changed something.
const LOOK: Duration = Duration::from_secs(1);
/// What a ping may take beyond the keep alive.
const SLACK: Duration = Duration::from_secs(30);

/// Follows link, radio and settings at once and the ledger every second, for ever.
pub async fn follow(stats: &Stats, mut config: watch::Receiver<Arc<Config>>) {
    let (mut link, mut radio, mut clock) = (stats.link(), stats.radio(), stats.clock_synchronised());
    let (mut machine, mut tick) = (Machine::new(Instant::now()), interval(LOOK));
    loop {
        let facts = {
            let settings = config.borrow_and_update();
            let link = link.borrow_and_update().clone();
            let (state, damaged) = {
                let radio = radio.borrow_and_update();
                (radio.state, !radio.damaged.is_empty())
            };
            Facts {
                link,
                short: settings.mqtt.as_ref().is_some_and(|mqtt| mqtt.connection == Connection::Short),
                heard: stats.broker_heard(),
                proof: proof(&settings),
                radio: state,
                damaged,
                memory_only: stats.spool().state == SpoolState::MemoryOnly,
                ledger: stats.snapshot(),
                clock: clock.borrow_and_update().then(SystemTime::now),
            }
        };
        stats.set_health(machine.step(Instant::now(), &facts));
        tokio::select! {
            _ = tick.tick() => {}
            Ok(()) = link.changed() => {}
            Ok(()) = radio.changed() => {}
            Ok(()) = clock.changed() => {}
            Ok(()) = config.changed() => {}
        }
    }
}

/// How old the broker's last sign of life may be. The operator's own keep alive decides, unless the status message asks for
/// one more often.
fn proof(config: &Config) -> Duration {
    match &config.mqtt {
        Some(mqtt) if config.form.status_topic.is_empty() && !mqtt.keep_alive.is_zero() => {
            PROOF.max(mqtt.keep_alive + SLACK)
        }
        _ => PROOF,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Draft;

    #[test]
    fn the_keep_alive_decides_how_old_a_proof_may_be() {
        let proof = |keep_alive: u16, topic: &str| {
            let mut draft = Draft::default();
            (draft.form.protocol, draft.form.host) = ("mqtt".into(), "broker".into());
            (draft.form.keep_alive_secs, draft.form.status_topic) = (keep_alive, topic.into());
            proof(&Config::check(&draft).expect("right")).as_secs()
        };
        assert_eq!([proof(5, ""), proof(60, ""), proof(300, ""), proof(0, "")], [90, 90, 330, 90]);
        assert_eq!(proof(300, "status"), 90);
    }
}
