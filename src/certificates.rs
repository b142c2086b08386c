//! Certificates of the settings: whose they are, until when they hold, and a warning while there is time. Other warnings about
//! what the settings protect are given beside them.

use crate::config::Settings;
use crate::log;
use crate::model::ConfiguredCertificate;
use crate::stats::Stats;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// How often their end is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(3600);
/// Days before the end at which it is warned, once each; 0 is the end.
const WARNINGS: [i64; 4] = [30, 7, 1, 0];

/// Follows the settings, tells Stats, and warns. Ends never.
pub async fn follow(settings: &Settings, stats: &Stats) {
    let (mut changes, mut clock) = (settings.subscribe(), stats.clock_synchronised());
    let (mut warned, mut weak) = (BTreeMap::new(), Vec::new());
    loop {
        let config = changes.borrow_and_update().clone();
        let weaknesses = config.weaknesses();
        let new = weaknesses.iter().filter(|weakness| !weak.contains(*weakness));
        new.for_each(|weakness| log::weak_protection(weakness.setting, &weakness.text));
        weak = weaknesses;
        let configured = config.certificates();
        stats.set_certificates(configured.clone());
        // A clock that is wrong knows nothing of dates.
        if *clock.borrow_and_update() {
            warn(&configured, &mut warned, SystemTime::now());
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                std::future::pending().await
            },
            _ = clock.changed() => {}
            () = sleep(CHECK_INTERVAL) => {}
        }
    }
}

/// What was warned of the certificate of a setting: which one it was, and the warning.
type Warned = BTreeMap<&'static str, (i64, i64)>;

fn warn(configured: &[ConfiguredCertificate], warned: &mut Warned, now: SystemTime) {
    warned.retain(|setting, (end, _)| {
        configured.iter().any(|h| h.setting == *setting && h.certificate.not_after == *end)
    });
    for one in configured {
        let days = one.days_left(now);
        let Some(due) = WARNINGS.into_iter().filter(|limit| days < *limit || (*limit > 0 && days == *limit)).min()
        else {
            continue;
        };
        let last = warned.insert(one.setting, (one.certificate.not_after, due));
        if last.is_none_or(|(_, last)| last > due) {
            log::certificate(one, days);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Certificate;
    use std::time::UNIX_EPOCH;

    fn configured(days: i64, now: SystemTime) -> ConfiguredCertificate {
        let now = now.duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
        let not_after = now + days * 86_400 + 3600;
        let name = String::from("CN=router");
        let certificate = Certificate { subject: name.clone(), issuer: name, not_before: 0, not_after };
        ConfiguredCertificate { setting: "ClientCertificate", certificate }
    }

    #[test]
    fn certificate_warnings_come_once_and_again_for_another_certificate() {
        let now = SystemTime::now();
        let mut warned = Warned::new();
        let mut due = |days: i64| {
            let before = warned.clone();
            warn(&[configured(days, now)], &mut warned, now);
            (before != warned).then(|| warned.get("ClientCertificate").map(|(_, due)| *due)).flatten()
        };
        assert_eq!(due(100), None);
        assert_eq!(due(31), None);
        assert_eq!(due(30), Some(30));
        assert_eq!(due(30), None);
        assert_eq!(due(7), Some(7));
        assert_eq!(due(1), Some(1));
        assert_eq!(due(0), Some(1), "another end, the same day");
        assert_eq!(due(-1), Some(0));
        assert_eq!(configured(-1, now).days_left(now), -1);
        assert!(configured(1, now).begun(now));
    }
}
