//! The configured adapters and the state of each: written by the control of the radio, followed by who counts adverts. Stats has a copy.

use crate::model::Address;
use crate::stats::{AdapterStatus, Radio, Stats};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Shared by clones.
#[derive(Debug, Clone)]
pub(crate) struct AdapterTable {
    radio: Arc<watch::Sender<Radio>>,
    stats: Arc<Stats>,
}

impl AdapterTable {
    pub(crate) fn new(stats: Arc<Stats>) -> Self {
        Self { radio: Arc::default(), stats }
    }

    /// Changes the table, and then the copy.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Radio)) {
        self.radio.send_if_modified(|radio| {
            let before = radio.clone();
            change(radio);
            if *radio == before {
                return false;
            }
            self.stats.set_radio(|copy| {
                copy.state = radio.state;
                copy.detail.clone_from(&radio.detail);
                copy.adapters.clone_from(&radio.adapters);
            });
            true
        });
    }

    /// Configures these adapters, in this order; what is known of them stays.
    pub(super) fn configure(&self, wanted: &[Option<Address>]) {
        self.update(|radio| radio.want(wanted));
    }

    /// What is known of a configured adapter.
    pub(super) fn status(&self, wanted: Option<Address>) -> Option<AdapterStatus> {
        self.radio.borrow().status(wanted).cloned()
    }

    /// Names of the adapters that are there.
    pub(super) fn names(&self) -> Vec<String> {
        self.radio.borrow().in_use().map(|adapter| adapter.name.clone()).collect()
    }

    /// To follow it.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Radio> {
        self.radio.subscribe()
    }
}

/// Two adapters whose indexes differ by this share a count: then a silent one is taken for one that hears.
const SLOTS: usize = 64;

/// Adverts heard by each adapter, before all filters.
#[derive(Debug)]
pub(crate) struct AdvertCounts([AtomicU64; SLOTS]);

impl Default for AdvertCounts {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; SLOTS])
    }
}

impl AdvertCounts {
    fn of(&self, index: u16) -> &AtomicU64 {
        &self.0[usize::from(index) % SLOTS]
    }

    /// Counts an advert.
    pub(crate) fn increment(&self, index: u16) {
        self.of(index).fetch_add(1, Ordering::Relaxed);
    }

    /// Adverts that the adapter of this name heard.
    pub(crate) fn get(&self, adapter: &str) -> u64 {
        self.of(index(adapter)).load(Ordering::Relaxed)
    }
}

/// The 3 of `hci3`; an index that no adapter has for anything else.
pub(crate) fn index(adapter: &str) -> u16 {
    adapter.strip_prefix("hci").and_then(|digits| digits.parse().ok()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapter_index_is_in_its_name() {
        assert_eq!((index("hci0"), index("hci12")), (0, 12));
        for none in ["", "hci", "hciX", "eth0"] {
            assert_eq!(index(none), u16::MAX);
        }
    }
}
