//! The proof by `epoch` and `seq`: what arrived, how often, and what did not.

use super::air::number;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How often each envelope of each epoch arrived, and the numbered advertisements in them.
#[derive(Debug, Default)]
pub struct Envelopes {
    pub epochs: BTreeMap<String, BTreeMap<u64, usize>>,
    pub adverts: BTreeSet<u32>,
}

impl Envelopes {
    /// Reads payloads with PayloadFormat `envelope`.
    pub fn read<'a>(payloads: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for payload in payloads {
            let envelope: Value = serde_json::from_str(payload).expect("JSON");
            let epoch = envelope["epoch"].as_str().expect("an epoch").to_owned();
            let seq = envelope["seq"].as_u64().expect("a number");
            *all.epochs.entry(epoch).or_default().entry(seq).or_default() += 1;
            let items = envelope["data"].as_array().expect("items");
            all.adverts.extend(items.iter().filter_map(|item| Some(number(item["adData"].as_str()?))));
        }
        all
    }

    /// Numbers of an epoch, up to the highest that arrived, that did not arrive.
    pub fn missing(&self) -> Vec<(String, u64)> {
        let gaps = |(epoch, seen): (&String, &BTreeMap<u64, usize>)| {
            let last = seen.keys().next_back().copied().unwrap_or(0);
            let missing = (0..last).filter(|seq| !seen.contains_key(seq));
            missing.map(|seq| (epoch.clone(), seq)).collect::<Vec<_>>()
        };
        self.epochs.iter().flat_map(gaps).collect()
    }

    /// Those that arrived more than once.
    pub fn repeated(&self) -> Vec<(String, u64, usize)> {
        let again = |(epoch, seen): (&String, &BTreeMap<u64, usize>)| {
            let again = seen.iter().filter(|(_, times)| **times > 1);
            again.map(|(seq, times)| (epoch.clone(), *seq, *times)).collect::<Vec<_>>()
        };
        self.epochs.iter().flat_map(again).collect()
    }

    /// Distinct envelopes.
    pub fn count(&self) -> usize {
        self.epochs.values().map(BTreeMap::len).sum()
    }
}
