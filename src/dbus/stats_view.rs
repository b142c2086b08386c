//! What the interface Stats reads: the present, or one moment of it.

use super::properties::Properties;
use crate::config::{Config, Settings};
use crate::model::{Address, Health};
use crate::stats::{Ledger, Link, Radio, Spool};
use std::sync::Arc;
use std::time::Duration;

/// The object of the interface.
pub(super) struct Stats {
    pub(super) stats: Arc<crate::stats::Stats>,
    settings: Arc<Settings>,
    /// What stands for this router unless the settings say otherwise.
    pub(super) router: Address,
    /// Unless it is the present.
    moment: Option<Box<Moment>>,
}

/// What several properties tell a part of, read once.
struct Moment {
    active_revision: u64,
    ledger: Ledger,
    link: Link,
    health: Health,
    radio: Radio,
    spool: Spool,
    spool_cover: Duration,
    rates: (f64, f64),
    config: Arc<Config>,
}

impl Stats {
    pub(super) fn new(stats: Arc<crate::stats::Stats>, settings: Arc<Settings>, router: Address) -> Self {
        Self { stats, settings, router, moment: None }
    }

    pub(super) fn ledger_now(&self) -> Ledger {
        self.moment.as_ref().map_or_else(|| self.stats.snapshot(), |moment| moment.ledger.clone())
    }

    pub(super) fn link(&self) -> Link {
        self.moment.as_ref().map_or_else(|| self.stats.link().borrow().clone(), |moment| moment.link.clone())
    }

    pub(super) fn health_now(&self) -> Health {
        self.moment.as_ref().map_or_else(|| self.stats.health().borrow().clone(), |moment| moment.health.clone())
    }

    pub(super) fn active_revision_now(&self) -> u64 {
        self.moment.as_ref().map_or_else(|| self.stats.active_revision(), |moment| moment.active_revision)
    }

    pub(super) fn radio(&self) -> Radio {
        self.moment.as_ref().map_or_else(|| self.stats.radio().borrow().clone(), |moment| moment.radio.clone())
    }

    pub(super) fn spool(&self) -> Spool {
        self.moment.as_ref().map_or_else(|| self.stats.spool(), |moment| moment.spool.clone())
    }

    pub(super) fn spool_cover(&self) -> Duration {
        self.moment.as_ref().map_or_else(|| self.stats.spool_cover(), |moment| moment.spool_cover)
    }

    pub(super) fn rates(&self) -> (f64, f64) {
        self.moment.as_ref().map_or_else(|| self.stats.rates(), |moment| moment.rates)
    }

    pub(super) fn config(&self) -> Arc<Config> {
        self.moment.as_ref().map_or_else(|| self.settings.current(), |moment| moment.config.clone())
    }
}

/// All properties are generated; none can be set.
impl Properties for Stats {
    fn snapshot(&self) -> Option<Self> {
        let moment = Moment {
            // Before health, which is then as new at least.
            active_revision: self.active_revision_now(),
            ledger: self.ledger_now(),
            link: self.link(),
            health: self.health_now(),
            radio: self.radio(),
            spool: self.spool(),
            spool_cover: self.spool_cover(),
            rates: self.rates(),
            config: self.config(),
        };
        let (stats, settings) = (self.stats.clone(), self.settings.clone());
        Some(Self { stats, settings, router: self.router, moment: Some(Box::new(moment)) })
    }
}
