//! The status message among the adverts: said when it is due, ended before a connection is.

use super::super::broker::{Broker, NotSent};
use super::super::orders::Endpoint;
use super::Publisher;
use crate::stats::Failure;
use tokio::time::timeout;

impl<B: Broker> Publisher<B> {
    /// Hands over the status message if it is due.
    pub(super) fn tell_status(&mut self, endpoint: &Endpoint) -> Result<(), Failure> {
        match &endpoint.notice {
            Some(notice) if self.has_room() && self.status.due() => {
                let message = self.status.message(notice);
                self.announce(&notice.topic, &message)
            }
            _ => Ok(()),
        }
    }

    fn announce(&mut self, topic: &str, message: &[u8]) -> Result<(), Failure> {
        match self.broker.announce(topic, message) {
            Ok(()) => {}
            Err(NotSent::Refused(failure)) => self.status.refused(&failure),
            Err(NotSent::Lost(failure)) => return Err(failure),
        }
        Ok(())
    }

    /// Ends a connection in good order. The status says why before the will is taken back: a broker that does not acknowledge
    /// that keeps the will.
    pub(super) async fn goodbye(&mut self, endpoint: &Endpoint) {
        if let Some(notice) = &endpoint.notice
            && !self.status.given_up()
        {
            let reason = if self.orders.stopping() { "stopped" } else { "reconfigured" };
            let has_room = self.has_room();
            let message = self.status.farewell(notice, reason);
            if has_room && self.announce(&notice.topic, &message).is_ok() {
                self.settle().await;
            }
            if self.status.pending() {
                return self.broker.abandon().await;
            }
        }
        self.broker.disconnect().await;
    }

    /// Between two short connections the broker has no will of ours: the status gets its end over one more connection.
    pub(super) async fn end_status(&mut self, endpoint: &Endpoint) {
        if !self.status.stands() {
            return;
        }
        let limit = self.limits.farewell;
        let ended = timeout(limit, async {
            let connected = self.broker.connect(endpoint, 1).await.is_ok();
            if connected {
                self.goodbye(endpoint).await;
            }
            connected
        });
        if !ended.await.unwrap_or(false) {
            self.broker.abandon().await;
        }
    }
}
