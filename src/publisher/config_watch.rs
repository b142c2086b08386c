//! What the settings and the daemon want of the publish loop, and which changes of it matter.

use super::status_topic::StatusTopic;
use crate::config::{Config, Mqtt, Qos, Spooling};
use crate::model::Address;
use crate::mqtt::client::BrokerConfig;
use crate::queue::Queue;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Where to connect, and where the status goes over that connection, if anywhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    pub(crate) broker: BrokerConfig,
    pub(crate) status: Option<StatusTopic>,
}

/// What a message depends on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PublishConfig {
    /// Filled in, but for the device.
    topic: String,
    of_device: bool,
    pub(crate) qos: Qos,
}

const DEVICE: &str = "{device}";
/// What stands for the device of a message about several, which was framed before the settings changed.
const SEVERAL: &str = "several";

impl PublishConfig {
    /// Bytes of a topic, at most.
    pub(crate) fn longest(&self) -> usize {
        // An address takes 17.
        self.topic.len() + 17 * self.topic.matches(DEVICE).count()
    }

    /// Topic of a message about this device; `room` is where it is put together.
    pub(crate) fn topic<'a>(&'a self, device: Option<Address>, room: &'a mut String) -> &'a str {
        if !self.of_device {
            return &self.topic;
        }
        room.clear();
        for (i, part) in self.topic.split(DEVICE).enumerate() {
            // Writing to memory does not fail.
            let _ = match device {
                _ if i == 0 => Ok(()),
                Some(device) => write!(room, "{device}"),
                None => room.write_str(SEVERAL),
            };
            room.push_str(part);
        }
        room
    }
}

/// The broker and the way of messages to it, with their templates filled in.
pub(super) fn read(config: &Config, router: Address) -> Option<(Target, PublishConfig)> {
    let Mqtt { broker: mut mqtt, publish } = config.mqtt.clone()?;
    let router = config.router.unwrap_or(router).to_string();
    mqtt.client_id = mqtt.client_id.replace("{router}", &router.to_lowercase());
    let (topic, qos) = (publish.topic.replace("{router}", &router), publish.qos);
    let status = StatusTopic::of(&publish, &router);
    let last_will = status.as_ref().map(StatusTopic::last_will);
    let broker = BrokerConfig { mqtt, lasting: qos == Qos::ExactlyOnce, last_will };
    Some((Target { broker, status }, PublishConfig { of_device: topic.contains(DEVICE), topic, qos }))
}

/// A change that the publish loop must react to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Messages have another topic or QoS from now on, or wait elsewhere; the connection is not concerned (but by QoS 2, which has
    /// another session).
    Publish,
    /// There is another broker, other credentials, or none.
    Broker,
    /// The service stops: send what waits.
    Stop,
    /// The time for that is over.
    Deadline,
}

/// The settings as the publisher follows them, and the request to stop.
pub(crate) struct ConfigWatch {
    pub(super) settings: watch::Receiver<Arc<Config>>,
    pub(super) stop: watch::Receiver<bool>,
    router: Address,
    drain: Duration,
    /// When the time to send what waits is over, if the service stops.
    pub(super) deadline: Option<Instant>,
    wanted: Option<(Target, PublishConfig)>,
    /// Of the settings that were read last.
    pub(super) revision: u64,
    /// Bound of the queue.
    pub(super) max_bytes: usize,
    /// What may wait on the disk.
    pub(super) spooling: Spooling,
}

impl ConfigWatch {
    /// `router` is used as long as the settings name no other address.
    pub(crate) fn new(
        mut settings: watch::Receiver<Arc<Config>>,
        stop: watch::Receiver<bool>,
        router: Address,
        drain: Duration,
    ) -> Self {
        let now = settings.borrow_and_update().clone();
        let (wanted, max_bytes) = (read(&now, router), now.queue_max_bytes);
        Self {
            settings,
            stop,
            router,
            drain,
            deadline: None,
            wanted,
            revision: now.revision,
            max_bytes,
            spooling: now.spooling,
        }
    }

    /// Where to connect, if anywhere.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.wanted.as_ref().map(|(target, _)| target)
    }

    /// How to publish.
    pub(crate) fn publish(&self) -> Option<&PublishConfig> {
        self.wanted.as_ref().map(|(_, publish)| publish)
    }

    /// Whether the service stops.
    pub(crate) fn stopping(&self) -> bool {
        self.deadline.is_some()
    }

    /// Whether there are settings that were not looked at yet. They hold for every message that was queued after them.
    pub(crate) fn changed(&self) -> bool {
        self.deadline.is_none() && self.settings.has_changed().unwrap_or(false)
    }

    /// The service stops: settings do not matter any more.
    pub(super) fn begin_stop(&mut self) -> Change {
        self.deadline = Some(Instant::now() + self.drain);
        Change::Stop
    }

    /// Reads settings that are new: which change they are to the publisher, if any. The bound of the queue holds at once.
    pub(super) fn read_change(&mut self, queue: &Queue) -> Option<Change> {
        let now = self.settings.borrow_and_update().clone();
        self.revision = now.revision;
        if std::mem::replace(&mut self.max_bytes, now.queue_max_bytes) != now.queue_max_bytes {
            queue.set_max_bytes(now.queue_max_bytes);
        }
        let spooling = std::mem::replace(&mut self.spooling, now.spooling);
        let wanted = read(&now, self.router);
        if wanted == self.wanted && spooling == self.spooling {
            return None;
        }
        let before = std::mem::replace(&mut self.wanted, wanted);
        let same = before.as_ref().map(|(target, _)| target) == self.target();
        Some(if same { Change::Publish } else { Change::Broker })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Candidate;

    pub(in super::super) fn candidate() -> Candidate {
        let mut candidate = Candidate::default();
        candidate.raw.protocol = "mqtt".into();
        candidate.raw.host = "broker".into();
        candidate
    }

    #[test]
    fn topic_names_router_and_device() {
        let topic = |template: &str, device| {
            let mut candidate = candidate();
            candidate.raw.payload_format = "object".into();
            candidate.raw.scan_topic = template.into();
            let config = Config::check(&candidate).expect("right");
            let (_, route) = read(&config, Address([0xCC, 0x1B, 0xE0, 0, 0, 1])).expect("a broker");
            let mut room = "from another message".to_owned();
            route.topic(device, &mut room).to_owned()
        };
        let device = Some(Address([0xC0, 0x1B, 0, 9, 0xAB, 0xFF]));
        assert_eq!(topic("scan/{router}", device), "scan/CC:1B:E0:00:00:01");
        assert_eq!(topic("{device}", device), "C0:1B:00:09:AB:FF");
        let twice = "a/C0:1B:00:09:AB:FF/CC:1B:E0:00:00:01/C0:1B:00:09:AB:FF/b";
        assert_eq!(topic("a/{device}/{router}/{device}/b", device), twice);
        assert_eq!(topic("a/{device}", None), "a/several");
    }
}
