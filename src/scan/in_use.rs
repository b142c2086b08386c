//! The adapters in use: whose adverts count, and how many each of them heard.

use crate::config::MOST_ADAPTERS;
use crate::stats::{Radio, Stats};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Two adapters whose indexes differ by this share a count: then a silent one is taken for one that hears.
const COUNTS: usize = 64;

/// Adverts heard by each adapter, before all filters.
#[derive(Debug)]
pub(super) struct Heard([AtomicU64; COUNTS]);

impl Default for Heard {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; COUNTS])
    }
}

impl Heard {
    fn count(&self, index: u16) -> &AtomicU64 {
        &self.0[usize::from(index) % COUNTS]
    }

    /// How many the adapter of this name heard.
    pub(super) fn by(&self, adapter: &str) -> u64 {
        self.count(index(adapter)).load(Ordering::Relaxed)
    }
}

/// See the module. Follows Stats.
pub(super) struct InUse {
    radio: watch::Receiver<Radio>,
    indexes: [u16; MOST_ADAPTERS],
    count: usize,
    heard: Arc<Heard>,
}

impl InUse {
    pub(super) fn new(stats: &Stats, heard: Arc<Heard>) -> Self {
        let mut radio = stats.radio();
        radio.mark_changed();
        Self { radio, indexes: [0; MOST_ADAPTERS], count: 0, heard }
    }

    /// Looks at which they are now.
    pub(super) fn refresh(&mut self) {
        if !self.radio.has_changed().unwrap_or(false) {
            return;
        }
        let radio = self.radio.borrow_and_update();
        let named = radio.adapters.iter().filter(|adapter| !adapter.name.is_empty());
        self.count = 0;
        for (place, adapter) in self.indexes.iter_mut().zip(named) {
            *place = index(&adapter.name);
            self.count += 1;
        }
    }

    /// Whether what this adapter heard counts; then it is counted.
    pub(super) fn hears(&self, index: u16) -> bool {
        let counts = self.indexes[..self.count].contains(&index);
        if counts {
            self.heard.count(index).fetch_add(1, Ordering::Relaxed);
        }
        counts
    }
}

/// The 3 of `hci3`; an index that no adapter has for anything else.
pub(super) fn index(adapter: &str) -> u16 {
    adapter.strip_prefix("hci").and_then(|digits| digits.parse().ok()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advert::Address;

    #[test]
    fn an_adapter_has_the_index_in_its_name() {
        assert_eq!((index("hci0"), index("hci12")), (0, 12));
        for none in ["", "hci", "hciX", "eth0"] {
            assert_eq!(index(none), u16::MAX);
        }
    }

    #[test]
    fn only_those_in_use_count() {
        let (stats, heard) = (Stats::default(), Arc::new(Heard::default()));
        let mut in_use = InUse::new(&stats, heard.clone());
        in_use.refresh();
        assert!(!in_use.hears(0), "none is in use");

        let wanted = [1, 2, 3].map(|n| Some(Address([n; 6])));
        stats.set_radio(|radio| {
            radio.want(&wanted);
            radio.change(wanted[0], |adapter| adapter.name = "hci4".into());
            radio.change(wanted[2], |adapter| adapter.name = "hci0".into());
        });
        in_use.refresh();
        let counting: Vec<u16> = (0..9).chain([u16::MAX]).filter(|index| in_use.hears(*index)).collect();
        assert_eq!(counting, [0, 4]);
        assert!(in_use.hears(4));
        assert_eq!((heard.by("hci0"), heard.by("hci4"), heard.by("hci1")), (1, 2, 0));

        stats.set_radio(|radio| radio.change(wanted[2], crate::stats::AdapterStatus::vanish));
        in_use.refresh();
        assert!(in_use.hears(4) && !in_use.hears(0));
    }
}
