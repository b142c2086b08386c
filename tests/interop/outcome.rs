//! What a broker did, and whether that is right.

use crate::broker::Kind;
use std::collections::BTreeMap;
use std::ops::Range;

/// Adverts of a case.
pub(crate) const ADVERTS: u32 = 40;
/// How often a message may arrive when its broker refuses QoS 2 first.
const TRIALS: usize = 2;

/// Settings that differ from case to case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) version: &'static str,
    pub(crate) qos: u8,
    pub(crate) connection: &'static str,
    pub(crate) tls: bool,
}

impl Case {
    pub(crate) fn topic(self) -> String {
        let Self { version, qos, connection, tls } = self;
        format!("{}/{}/{qos}/{connection}", if tls { "tls" } else { "plain" }, version.replace('.', ""))
    }

    pub(crate) fn name(self) -> String {
        let Self { version, qos, connection, tls } = self;
        format!("MQTT {version}, QoS {qos}, {connection}{}", if tls { ", TLS" } else { "" })
    }
}

/// What became of a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) case: Case,
    pub(crate) numbers: Range<u32>,
    pub(crate) published: u64,
    pub(crate) dropped: u64,
    /// `LastError` and `LastErrorDetail`.
    pub(crate) error: Option<(String, String)>,
    /// `MaximumQos` and why.
    pub(crate) limit: (u8, String),
    /// What the broker's log has against us.
    pub(crate) complaints: Vec<String>,
    /// The QoS of each arrival, by number. Filled at the end, when nothing can come twice any more.
    pub(crate) arrived: BTreeMap<u32, Vec<u8>>,
}

impl Outcome {
    /// Whether some arrived at a higher QoS than they were published at.
    pub(crate) fn raised(&self) -> bool {
        self.arrived.values().flatten().any(|qos| *qos > self.case.qos)
    }

    /// The QoS at which adverts arrived, if all did; not more than what they were published at.
    pub(crate) fn arrived_at(&self) -> Option<u8> {
        let all = self.numbers.clone().all(|number| self.arrived.contains_key(&number));
        let last: Vec<u8> =
            self.arrived.values().filter_map(|times| times.last().map(|qos| self.case.qos.min(*qos))).collect();
        (all && last.iter().all(|qos| *qos == last[0])).then(|| last[0])
    }

    /// Whether the broker does not support the QoS that was set.
    fn lowered(&self) -> bool {
        self.limit.0 < self.case.qos
    }

    /// What is wrong with it.
    pub(crate) fn problems(&self, kind: &Kind) -> Vec<String> {
        let mut problems = Vec::new();
        let mut demand = |right: bool, what: &str| {
            if !right {
                problems.push(format!("{}: {what}: {self:?}", self.case.name()));
            }
        };
        demand(self.dropped == 0, "nothing is dropped");
        if !kind.versions.contains(&self.case.version) {
            // Some brokers say so, others close the connection, or do not answer.
            let word = self.error.as_ref().map(|(word, _)| word.as_str());
            demand(
                matches!(word, Some("mqtt-version" | "closed" | "timeout")),
                "a version that it does not speak is told",
            );
            demand(self.arrived.is_empty() && self.published == 0, "nothing is published");
            return problems;
        }
        let times = if self.lowered() { TRIALS } else { 1 };
        demand(self.published == u64::from(ADVERTS), "all is published");
        demand(
            self.arrived_at() == Some(self.case.qos.min(kind.maximum_qos)),
            "all arrives at the QoS that it supports",
        );
        demand(self.arrived.values().all(|all| all.len() <= times), "nothing arrives too often");
        demand(!self.raised() || kind.raises_qos, "nothing arrives at a higher QoS");
        demand(self.error.is_none(), "there is no error");
        demand(self.complaints.is_empty() || self.lowered(), "the broker has nothing against us");
        problems
    }
}

/// What a broker did.
pub(crate) struct BrokerResult {
    pub(crate) label: String,
    pub(crate) name: &'static str,
    pub(crate) from: &'static str,
    /// As it says it.
    pub(crate) version: String,
    pub(crate) outcomes: Vec<Outcome>,
    /// Status topic, restart, fallback: what was observed.
    pub(crate) status: Vec<(String, Result<String, String>)>,
    pub(crate) restart: Vec<(String, Result<String, String>)>,
    pub(crate) fallback: Result<String, String>,
    pub(crate) problems: Vec<String>,
}
