//! Values that every part knows. Imports no other module but `printable`.

mod advert;
mod certificate;
mod codes;
mod failure;
mod health;
mod message;
mod rx_times;
mod time;

pub use advert::{Address, AddressType, Advert, DataStatus, Extended, Pdu, ad_structures};
pub use certificate::{Certificate, ConfiguredCertificate};
pub use codes::{
    Capability, CaptureKind, DropReason, FilterKind, HealthState, LastError, LinkState, MalformedReason, RadioState,
    RecoveryAction, SpoolState,
};
pub use failure::Failure;
pub use health::Health;
pub use message::{Message, MessageId};
pub use rx_times::{Run, RxTimes};
pub use time::{BootId, BootTime};
