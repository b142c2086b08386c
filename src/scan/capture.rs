//! What the scan loop asks of a way to capture adverts.

use crate::advert::Advert;
use crate::stats::MalformedReason;
use std::io;

/// A report that is no advert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Index of the adapter that it came from, or [`UNKNOWN`].
    pub(super) adapter: u16,
    pub(super) reason: MalformedReason,
}

/// No adapter has this index (`HCI_DEV_NONE` of the kernel).
pub(super) const UNKNOWN: u16 = u16::MAX;

/// Takes each report: an advert, or why it is none.
pub(super) type Each<'e> = dyn FnMut(Result<&Advert<'_>, Malformed>) + 'e;

/// A source of adverts.
pub(super) trait Capture {
    /// Waits until there may be adverts to take. Safe to cancel.
    fn ready(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Hands over what is there now, a bounded number at a time. After an error the source is of no more use.
    fn take(&mut self, each: &mut Each<'_>) -> io::Result<Burst>;
}

/// What else one [`Capture::take`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Burst {
    /// Packets that the kernel dropped since the last time.
    pub(super) lost: u64,
    /// There may be more at once: others should get a turn first.
    pub(super) more: bool,
}
