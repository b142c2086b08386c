//! The status message among the adverts: said when it is due, ended before a connection is.

use super::Publisher;
use crate::model::Failure;
use crate::mqtt::client::BrokerConfig;
use crate::mqtt::client::{Client, NotSent};
use crate::publisher::config_watch::Target;
use tokio::time::timeout;

impl<C: Client> Publisher<C> {
    /// Hands over the status message if it is due.
    pub(super) fn tell_status(&mut self, target: &Target) -> Result<(), Failure> {
        match &target.status {
            Some(topic) if self.has_room() && self.status.due() => {
                let message = self.status.message(topic);
                self.announce(&topic.topic, &message)
            }
            _ => Ok(()),
        }
    }

    fn announce(&mut self, topic: &str, message: &[u8]) -> Result<(), Failure> {
        match self.client.publish_status(topic, message) {
            Ok(()) => {}
            Err(NotSent::Refused(failure)) => self.status.refused(&failure),
            Err(NotSent::Lost(failure)) => return Err(failure),
        }
        Ok(())
    }

    /// Ends a connection in good order. The status says why before the will is taken back: a broker that does not acknowledge
    /// that keeps the will.
    pub(super) async fn goodbye(&mut self, target: &Target) {
        if let Some(topic) = &target.status
            && !self.status.given_up()
        {
            let reason = if self.config.stopping() { "stopped" } else { "reconfigured" };
            let has_room = self.has_room();
            let message = self.status.farewell(topic, reason);
            if has_room && self.announce(&topic.topic, &message).is_ok() {
                self.settle().await;
            }
            if self.status.pending() {
                return self.client.abort().await;
            }
        }
        self.client.disconnect().await;
    }

    /// Between two short connections the broker has no will of ours: the status gets its end over one more connection.
    pub(super) async fn end_status(&mut self, target: &Target, broker: &BrokerConfig) {
        if !self.status.stands() {
            return;
        }
        let limit = self.limits.farewell;
        let ended = timeout(limit, async {
            let connected = self.client.connect(broker, 1).await.is_ok();
            if connected {
                self.goodbye(target).await;
            }
            connected
        });
        if !ended.await.unwrap_or(false) {
            self.client.abort().await;
        }
    }
}
