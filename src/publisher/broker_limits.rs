//! QoS and size of packets as each broker takes them.

use super::qos_limit::QosLimit;
use super::size_limit::SizeLimit;
use crate::config::Qos;
use crate::log;
use crate::stats::Stats;
use std::collections::HashMap;

/// What is known of the broker that is tried or used, and of the others, as long as the settings hold.
#[derive(Default)]
pub(super) struct BrokerLimits {
    pub(super) qos: QosLimit,
    pub(super) size: SizeLimit,
    /// The name of that broker.
    name: String,
    others: HashMap<String, (QosLimit, SizeLimit)>,
    /// What was told of it.
    last_qos: Option<(u8, String)>,
    last_size: Option<(usize, &'static str)>,
}

impl BrokerLimits {
    /// Other settings: nothing is known of any broker.
    pub(super) fn forget(&mut self) {
        self.others.clear();
        (self.qos, self.size) = Default::default();
    }

    /// This broker is tried next. Whether it is another one.
    pub(super) fn switch_to(&mut self, name: String) -> bool {
        let other = name != self.name;
        if other {
            let next = self.others.remove(&name).unwrap_or_default();
            let before = (std::mem::replace(&mut self.qos, next.0), std::mem::replace(&mut self.size, next.1));
            self.others.insert(std::mem::replace(&mut self.name, name), before);
        }
        // What a broker tells, it tells with each connection.
        self.connected(None, None);
        other
    }

    /// The broker accepted us, and told these limits.
    pub(super) fn connected(&mut self, qos: Option<Qos>, size: Option<usize>) {
        self.qos.connected(qos);
        self.size.connected(size);
    }

    /// The name of the broker.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether messages go at a lower QoS than ScanQos, if that changed.
    pub(super) fn report_qos(&mut self, wanted: Option<Qos>, stats: &Stats) {
        let lowered = wanted.and_then(|wanted| {
            let used = self.qos.lower(wanted);
            (used < wanted).then(|| (used as u8, self.qos.reason(wanted)))
        });
        if self.last_qos != lowered {
            self.last_qos.clone_from(&lowered);
            if let Some((_, reason)) = &lowered {
                log::qos_lowered(&self.name, reason);
            }
            stats.set_link(|link| link.qos_limit = lowered);
        }
    }

    /// Tells how large a packet may be, if that changed.
    pub(super) fn report_size(&mut self, stats: &Stats) {
        let known = self.size.known();
        if self.last_size != known {
            self.last_size = known;
            if let Some((maximum, reason)) = known {
                log::size_limited(&self.name, maximum, reason);
            }
            stats.set_link(|link| link.maximum_packet_size = known.map(|(maximum, _)| maximum));
        }
    }
}
