//! The adapters whose adverts count.

use crate::bluez::{AdapterTable, AdvertCounts, index};
use crate::config::MOST_ADAPTERS;
use crate::model::Address;
use crate::stats::Radio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The kernel scans on for up to ten seconds after bluetoothd was killed, and a new bluetoothd knows no adapter at first: what an
/// adapter hears counts for so long after it vanished.
const GRACE_PERIOD: Duration = Duration::from_secs(15);

/// An adapter that is wanted, and under which index it was seen last.
struct Slot {
    wanted: Option<Address>,
    index: u16,
    vanished: Option<Instant>,
}

/// Adapters whose adverts count. Follows the table of adapters.
pub(super) struct ActiveAdapters {
    radio: watch::Receiver<Radio>,
    slots: Vec<Slot>,
    counts: Arc<AdvertCounts>,
}

impl ActiveAdapters {
    pub(super) fn new(adapters: &AdapterTable, counts: Arc<AdvertCounts>) -> Self {
        let mut radio = adapters.subscribe();
        radio.mark_changed();
        Self { radio, slots: Vec::with_capacity(MOST_ADAPTERS), counts }
    }

    /// Looks at which they are now.
    pub(super) fn refresh(&mut self) {
        if !self.radio.has_changed().unwrap_or(false) {
            return;
        }
        let radio = self.radio.borrow_and_update();
        self.slots.retain(|slot| radio.adapters.iter().any(|adapter| adapter.wanted == slot.wanted));
        for adapter in &radio.adapters {
            let known = self.slots.iter_mut().find(|slot| slot.wanted == adapter.wanted);
            match (known, &*adapter.name) {
                (None, "") => {}
                (None, name) => {
                    self.slots.push(Slot { wanted: adapter.wanted, index: index(name), vanished: None });
                }
                (Some(slot), "") => slot.vanished = slot.vanished.or_else(|| Some(Instant::now())),
                (Some(slot), name) => (slot.index, slot.vanished) = (index(name), None),
            }
        }
    }

    /// Whether what this adapter heard counts; then it is counted.
    pub(super) fn count_advert(&self, index: u16) -> bool {
        let active = self.is_active(index);
        if active {
            self.counts.increment(index);
        }
        active
    }

    /// Whether what this adapter heard counts.
    pub(super) fn is_active(&self, index: u16) -> bool {
        let lingers = |since: Instant| since.elapsed() < GRACE_PERIOD;
        let mut slots = self.slots.iter();
        slots.any(|slot| slot.index == index && slot.vanished.is_none_or(lingers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_adapters_are_those_that_are_configured_and_there() {
        let (table, counts) = (AdapterTable::new(Arc::default()), Arc::new(AdvertCounts::default()));
        let mut active = ActiveAdapters::new(&table, counts.clone());
        active.refresh();
        assert!(!active.count_advert(0), "none is in use");

        let wanted = [1, 2, 3].map(|n| Some(Address([n; 6])));
        table.update(|radio| {
            radio.want(&wanted);
            radio.change(wanted[0], |adapter| adapter.name = "hci4".into());
            radio.change(wanted[2], |adapter| adapter.name = "hci0".into());
        });
        active.refresh();
        let counting: Vec<u16> = (0..9).chain([u16::MAX]).filter(|index| active.count_advert(*index)).collect();
        assert_eq!(counting, [0, 4]);
        assert!(active.count_advert(4));
        assert_eq!((counts.get("hci0"), counts.get("hci4"), counts.get("hci1")), (1, 2, 0));

        // The kernel may scan on without bluetoothd, but not for long.
        table.update(|radio| radio.change(wanted[2], crate::stats::AdapterStatus::vanish));
        active.refresh();
        assert!(active.count_advert(4) && active.count_advert(0));
        active.slots[1].vanished = Instant::now().checked_sub(GRACE_PERIOD);
        assert!(active.count_advert(4) && !active.count_advert(0));
        table.update(|radio| radio.change(wanted[2], |adapter| adapter.name = "hci1".into()));
        active.refresh();
        assert!(active.count_advert(1) && !active.count_advert(0));

        // What is not wanted any more does not linger.
        table.update(|radio| radio.want(&wanted[..1]));
        active.refresh();
        assert!(active.count_advert(4) && !active.count_advert(1));
    }
}
