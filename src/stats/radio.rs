//! The radio: each adapter that is wanted, and all of them in one.

use crate::model::{Address, Capability, CaptureKind, RadioState};

/// What is wrong where there is none.
pub const NO_ADAPTER: &str = "there is no Bluetooth adapter: plug one in; the kernel's view: ls /sys/class/bluetooth";

impl RadioState {
    /// From the worst to the best, for what stands for several adapters.
    fn order(self) -> u8 {
        match self {
            Self::NoBluez => 0,
            Self::AdapterMissing => 1,
            Self::AdapterOff => 2,
            Self::PassiveUnsupported => 3,
            Self::Starting => 4,
            Self::Scanning => 5,
            Self::Test => 6,
            Self::Gone => 7,
            Self::Off => 8,
        }
    }
}

/// One adapter that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdapterStatus {
    /// The address that is wanted; `None` is the first adapter, whichever that is.
    pub wanted: Option<Address>,
    /// Its name in the kernel, such as `hci0`, or empty while it is not there.
    pub name: String,
    /// Its address, or empty if it is not known.
    pub address: String,
    /// Where it stands.
    pub state: RadioState,
    /// For people: why it stands there, empty while all is well.
    pub detail: String,
    /// What it can do: words of [`Capability::ALL`], known from its first scan on.
    pub capabilities: Vec<Capability>,
    /// Percent of the time for which it listens while it scans; `None` while that is not known.
    pub duty_cycle: Option<u8>,
}

impl AdapterStatus {
    /// One that nothing is known of yet.
    pub fn new(wanted: Option<Address>) -> Self {
        let address = wanted.map(|address| address.to_string()).unwrap_or_default();
        Self { wanted, address, state: RadioState::Starting, ..Self::default() }
    }

    /// What people know it by: its name, else its address, else nothing.
    pub fn label(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }

    /// It went away: what is known of its place does not hold any more.
    pub fn vanish(&mut self) {
        let Self { name, address, .. } = Self::new(self.wanted);
        (self.name, self.address, self.duty_cycle) = (name, address, None);
    }

    /// The detail where others stand beside it: it says whose it is.
    fn detail_among_others(&self) -> String {
        match (&*self.detail, self.label()) {
            // What is wrong with bluetoothd is wrong for all of them.
            (detail, _) if self.state == RadioState::NoBluez => detail.to_owned(),
            ("", label) if self.state == RadioState::Starting => format!("{label}: the scan is being set up"),
            (detail, label) if detail.is_empty() || detail.contains(label) => detail.to_owned(),
            (detail, label) => format!("{label}: {detail}"),
        }
    }
}

/// The radio and how it is listened to. What stands for all adapters follows from [`adapters`](Self::adapters).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Radio {
    /// Where it stands: the worst of the adapters.
    pub state: RadioState,
    /// For people: why it stands there, empty while all is well.
    pub detail: String,
    /// Each adapter that is wanted.
    pub adapters: Vec<AdapterStatus>,
    /// How adverts are captured.
    pub capture: CaptureKind,
    /// Why that way.
    pub capture_reason: String,
    /// What to do to have a better one; empty if there is none.
    pub capture_remedy: &'static str,
    /// Names of adapters of whose reports many arrive damaged.
    pub damaged: Vec<String>,
}

impl Radio {
    /// Takes these adapters for the wanted ones, in this order; what is known of them stays.
    pub fn want(&mut self, wanted: &[Option<Address>]) {
        let known = |key: &Option<Address>| self.adapters.iter().find(|a| a.wanted == *key).cloned();
        self.adapters = wanted.iter().map(|key| known(key).unwrap_or_else(|| AdapterStatus::new(*key))).collect();
        self.sum_up();
    }

    /// The adapters in use: those that are there.
    pub fn in_use(&self) -> impl Iterator<Item = &AdapterStatus> {
        self.adapters.iter().filter(|adapter| !adapter.name.is_empty())
    }

    /// What is known of a wanted adapter.
    pub fn status(&self, wanted: Option<Address>) -> Option<&AdapterStatus> {
        self.adapters.iter().find(|adapter| adapter.wanted == wanted)
    }

    /// Changes what is known of a wanted adapter; one that is not wanted (any more) is not touched.
    pub fn change(&mut self, wanted: Option<Address>, change: impl FnOnce(&mut AdapterStatus)) {
        if let Some(adapter) = self.adapters.iter_mut().find(|adapter| adapter.wanted == wanted) {
            change(adapter);
            self.sum_up();
        }
    }

    fn sum_up(&mut self) {
        // Those that are gone are listed, and are no trouble.
        let all: Vec<_> = self.adapters.iter().filter(|adapter| adapter.state != RadioState::Gone).collect();
        // Of equally bad ones the first.
        let worst = all.iter().copied().min_by_key(|adapter| adapter.state.order());
        self.state = worst.map_or(RadioState::Off, |adapter| adapter.state);
        self.detail = match (&all[..], worst) {
            ([only], _) => only.detail.clone(),
            (all, _) if self.state == RadioState::Scanning => {
                let details: Vec<_> = all.iter().map(|adapter| adapter.detail_among_others()).collect();
                details.into_iter().filter(|detail| !detail.is_empty()).collect::<Vec<_>>().join("; ")
            }
            (_, worst) => worst.map(AdapterStatus::detail_among_others).unwrap_or_default(),
        };
    }
}

#[cfg(test)]
#[path = "radio_tests.rs"]
mod tests;
