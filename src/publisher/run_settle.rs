//! What became of messages in flight, when a connection ends or before one is used.

use super::Publisher;
use crate::model::MessageId;
use crate::mqtt::client::STATUS_ID;
use crate::mqtt::client::{Client, Event};
use std::pin::pin;
use tokio::time::sleep;

impl<C: Client> Publisher<C> {
    /// After a connection, or before the first message of one: what no session keeps waits again.
    pub(super) fn settle_flight(&mut self) {
        self.settle_kept();
        self.put_back(true);
    }

    /// What is in flight waits again, where it came from; but, if wanted, for what a session keeps.
    pub(super) fn put_back(&mut self, keep: bool) {
        let back = self.flight.take_unacked(|id| keep && self.client.keeps(id));
        let live = self.keeper.put_back(back);
        if !live.is_empty() {
            self.queue.put_back(live.into_iter());
        }
    }

    pub(super) fn published(&mut self, id: MessageId) {
        self.flight.published(id, &self.stats);
        self.keeper.settle(id);
    }

    /// Books what became of messages that a session keeps.
    pub(super) fn settle_kept(&mut self) {
        while let Some(event) = self.client.session_event() {
            match event {
                Event::Published(id) => self.published(id),
                Event::Refused(id, failure) => self.refuse(id, &failure),
                Event::Deferred(id, failure) => self.defer(id, &failure),
                Event::Accepted(_) | Event::Lost(_) => {}
            }
        }
    }

    /// Collects acknowledgements that are on their way.
    pub(super) async fn settle(&mut self) {
        let mut enough = pin!(sleep(self.limits.settle));
        while !self.nothing_pending() {
            tokio::select! {
                event = self.client.next_event() => match event {
                    Event::Published(STATUS_ID) => self.status.acknowledged(),
                    Event::Refused(STATUS_ID, failure) | Event::Deferred(STATUS_ID, failure) => {
                        self.status.refused(&failure);
                    }
                    Event::Published(id) => self.published(id),
                    Event::Refused(id, failure) => self.refuse(id, &failure),
                    Event::Deferred(id, failure) => self.defer(id, &failure),
                    Event::Accepted(_) => {}
                    Event::Lost(_) => return,
                },
                () = &mut enough => return,
            }
        }
    }
}
