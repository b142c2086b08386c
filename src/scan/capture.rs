//! What the scan loop asks of a way to capture adverts.

use crate::advert::Advert;
use std::io;

/// A source of adverts.
pub(super) trait Capture {
    /// Waits until there may be adverts to take. Safe to cancel.
    fn ready(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Hands over what is there now, a bounded number at a time. After an error the source is of no more use.
    fn take(&mut self, each: &mut dyn FnMut(&Advert<'_>)) -> io::Result<Burst>;
}

/// What else one [`Capture::take`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Burst {
    /// Reports too damaged to be an advert.
    pub(super) malformed: u64,
    /// Packets that the kernel dropped since the last time.
    pub(super) lost: u64,
    /// There may be more at once: others should get a turn first.
    pub(super) more: bool,
}
