//! A way to capture adverts, as the ingest task uses it.

use crate::model::{Advert, MalformedReason};
use std::io;

/// A report that is no advert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Index of the adapter that it came from, or [`UNKNOWN`].
    pub(crate) adapter: u16,
    pub(crate) reason: MalformedReason,
}

/// No adapter has this index (`HCI_DEV_NONE` of the kernel).
pub(crate) const UNKNOWN: u16 = u16::MAX;

/// Takes each report: an advert, or why it is none.
pub(crate) type Each<'e> = dyn FnMut(Result<&Advert<'_>, Malformed>) + 'e;

/// A source of adverts.
pub(crate) trait Capture {
    /// Waits until there may be adverts to take. Safe to cancel.
    fn ready(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Hands over what is there now, a bounded number at a time. After an error the source is of no more use.
    fn take(&mut self, each: &mut Each<'_>) -> io::Result<ReadOutcome>;
}

/// What else one [`Capture::take`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReadOutcome {
    /// Packets that the kernel dropped since the last time.
    pub(crate) dropped: u64,
    /// There may be more at once: others should get a turn first.
    pub(crate) more: bool,
}
