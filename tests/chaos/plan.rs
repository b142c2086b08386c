//! What happens when, all of it from a seed.

use fastrand::Rng;
use std::time::Duration;

/// A kind of fault: how often it comes up beside the others, the seconds that it lasts at most, its name.
pub(crate) type Entry<K> = (K, usize, u64, &'static str);

/// The faults of a run.
pub(crate) trait Kind: Copy + PartialEq + 'static {
    fn table() -> &'static [Entry<Self>];
    /// Whether both can be at work at once.
    fn goes_with(self, other: Self) -> bool;

    fn entry(self) -> &'static Entry<Self> {
        Self::table().iter().find(|entry| entry.0 == self).expect("it is in the table")
    }

    fn name(self) -> &'static str {
        self.entry().3
    }

    fn limit(self) -> Duration {
        Duration::from_secs(self.entry().2)
    }
}

/// One step of a plan: a fault, maybe with a second one inside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<K> {
    pub(crate) after: Duration,
    pub(crate) fault: K,
    /// Begins so long after the first, and ends before it.
    pub(crate) second: Option<(Duration, K)>,
    pub(crate) lasts: Duration,
    /// Chooses what is left to choose: where a packet is cut, how far a clock jumps.
    pub(crate) dice: u64,
}

/// So many faults. The same seed gives the same plan.
pub(crate) fn plan<K: Kind>(seed: u64, faults: usize, pairs: bool) -> Vec<Step<K>> {
    let mut rng = Rng::with_seed(seed);
    let (mut steps, mut left) = (Vec::new(), faults);
    let kinds: Vec<K> = K::table().iter().flat_map(|entry| std::iter::repeat_n(entry.0, entry.1)).collect();
    while left > 0 {
        let [fault, other] = std::array::from_fn(|_| kinds[rng.usize(..kinds.len())]);
        let paired = pairs && left > 1 && rng.u8(..4) == 0 && fault.goes_with(other);
        let second = paired.then(|| (millis(&mut rng, 0, 500), other));
        let longest = second.map_or(fault.limit(), |(_, other)| fault.limit().min(other.limit()));
        // Rarely so long that time limits of the service come into play.
        let lasts = if rng.u8(..40) == 0 { longest } else { millis(&mut rng, 20, 3000).min(longest) };
        steps.push(Step { after: millis(&mut rng, 0, 1500), fault, second, lasts, dice: rng.u64(..) });
        left -= 1 + usize::from(second.is_some());
    }
    steps
}

fn millis(rng: &mut Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.u64(from..to))
}

/// A number from the environment: the seed or the number of faults of a longer run.
pub(crate) fn wanted(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, not {text:?}")))
}
