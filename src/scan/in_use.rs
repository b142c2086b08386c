//! The adapters in use: whose adverts count, and how many each of them heard.

use crate::advert::Address;
use crate::config::MOST_ADAPTERS;
use crate::stats::{Radio, Stats};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
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

/// The kernel scans on for up to ten seconds after bluetoothd was killed, and a new bluetoothd knows no adapter at first: what an
/// adapter hears counts for so long after it vanished.
const LINGERS: Duration = Duration::from_secs(15);

/// An adapter that is wanted, and under which index it was seen last.
struct Place {
    wanted: Option<Address>,
    index: u16,
    vanished: Option<Instant>,
}

/// See the module. Follows Stats.
pub(super) struct InUse {
    radio: watch::Receiver<Radio>,
    places: Vec<Place>,
    heard: Arc<Heard>,
}

impl InUse {
    pub(super) fn new(stats: &Stats, heard: Arc<Heard>) -> Self {
        let mut radio = stats.radio();
        radio.mark_changed();
        Self { radio, places: Vec::with_capacity(MOST_ADAPTERS), heard }
    }

    /// Looks at which they are now.
    pub(super) fn refresh(&mut self) {
        if !self.radio.has_changed().unwrap_or(false) {
            return;
        }
        let radio = self.radio.borrow_and_update();
        self.places.retain(|place| radio.adapters.iter().any(|adapter| adapter.wanted == place.wanted));
        for adapter in &radio.adapters {
            let known = self.places.iter_mut().find(|place| place.wanted == adapter.wanted);
            match (known, &*adapter.name) {
                (None, "") => {}
                (None, name) => {
                    self.places.push(Place { wanted: adapter.wanted, index: index(name), vanished: None });
                }
                (Some(place), "") => place.vanished = place.vanished.or_else(|| Some(Instant::now())),
                (Some(place), name) => (place.index, place.vanished) = (index(name), None),
            }
        }
    }

    /// Whether what this adapter heard counts; then it is counted.
    pub(super) fn hears(&self, index: u16) -> bool {
        let counts = self.uses(index);
        if counts {
            self.heard.count(index).fetch_add(1, Ordering::Relaxed);
        }
        counts
    }

    /// Whether what this adapter heard counts.
    pub(super) fn uses(&self, index: u16) -> bool {
        let lingers = |since: Instant| since.elapsed() < LINGERS;
        let mut places = self.places.iter();
        places.any(|place| place.index == index && place.vanished.is_none_or(lingers))
    }
}

/// The 3 of `hci3`; an index that no adapter has for anything else.
pub(super) fn index(adapter: &str) -> u16 {
    adapter.strip_prefix("hci").and_then(|digits| digits.parse().ok()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

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

        // The kernel may scan on without bluetoothd, but not for long.
        stats.set_radio(|radio| radio.change(wanted[2], crate::stats::AdapterStatus::vanish));
        in_use.refresh();
        assert!(in_use.hears(4) && in_use.hears(0));
        in_use.places[1].vanished = Instant::now().checked_sub(LINGERS);
        assert!(in_use.hears(4) && !in_use.hears(0));
        stats.set_radio(|radio| radio.change(wanted[2], |adapter| adapter.name = "hci1".into()));
        in_use.refresh();
        assert!(in_use.hears(1) && !in_use.hears(0));

        // What is not wanted any more does not linger.
        stats.set_radio(|radio| radio.want(&wanted[..1]));
        in_use.refresh();
        assert!(in_use.hears(4) && !in_use.hears(1));
    }
}
