//! A finished message on its way to the broker.

use super::{Address, RxTimes};

/// Names a message from the queue to its acknowledgement, in this run of the service. 0 names none.
pub type MessageId = u64;

/// A finished message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Given by the queue.
    pub id: MessageId,
    /// The payload, framed, as if it were sent at once: the age of its items is put in when it is sent.
    pub payload: Vec<u8>,
    /// Adverts in it.
    pub adverts: u64,
    /// Whose advert it is, if it is one.
    pub device: Option<Address>,
    /// When its adverts were received.
    pub received: RxTimes,
}
