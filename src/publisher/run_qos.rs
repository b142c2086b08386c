//! QoS, sizes and last will as the broker of the moment takes them.

use super::{Known, Publisher};
use crate::config::Qos;
use crate::log;
use crate::model::{Failure, LastError};
use crate::mqtt::client::BrokerConfig;
use crate::mqtt::client::Client;
use crate::mqtt::packet;
use crate::publisher::config_watch::PublishConfig;
use crate::publisher::failover::BrokerList;

impl<C: Client> Publisher<C> {
    /// Other settings: nothing is known of any broker.
    pub(super) fn forget_limits(&mut self) {
        self.others.clear();
        self.known = Known::default();
        self.note_qos();
        self.note_size();
    }

    /// Takes out what is known of the broker that is tried next, and returns how to connect to it.
    pub(super) fn endpoint_for(&mut self, hosts: &BrokerList) -> BrokerConfig {
        let mut endpoint = hosts.current().clone();
        let name = endpoint.name();
        if name != self.at {
            let known = self.others.remove(&name).unwrap_or_default();
            let before = std::mem::replace(&mut self.known, known);
            self.others.insert(std::mem::replace(&mut self.at, name), before);
            self.hold.end();
        }
        // What a broker tells, it tells with each connection.
        self.known.qos.connected(None);
        self.known.size.connected(None);
        endpoint.lasting &= self.known.qos.lower(Qos::ExactlyOnce) == Qos::ExactlyOnce;
        if !self.status.with_will() {
            endpoint.last_will = None;
        }
        self.with_will = endpoint.last_will.is_some();
        endpoint
    }

    /// The QoS at which messages go.
    pub(super) fn qos(&self) -> Option<Qos> {
        Some(self.known.qos.lower(self.config.publish()?.qos))
    }

    /// The connection was made.
    pub(super) fn learn_limits(&mut self) {
        self.status.accepted(self.with_will);
        self.known.qos.connected(self.client.maximum_qos());
        self.known.size.connected(self.client.maximum_packet_size());
        self.note_qos();
        self.note_size();
    }

    /// A message was acknowledged, in part at least.
    pub(super) fn qos_works(&mut self) {
        if let Some(qos) = self.qos() {
            self.known.qos.acknowledged(qos);
        }
    }

    /// The connection was lost with messages in flight. Gives the session up if they go at another QoS from now on.
    pub(super) async fn learn_from_loss(&mut self, failure: &mut Failure) {
        let Some(qos) = self.qos().filter(|_| !self.flight.is_empty()) else { return };
        if self.known.qos.lost(failure, qos) {
            self.client.forget_session().await;
            self.note_qos();
        }
        if failure.code == LastError::Closed && qos == Qos::ExactlyOnce && !self.known.qos.proven() {
            failure.detail.push_str(" It has acknowledged nothing at QoS 2 so far: it may not support ScanQos 2.");
        }
    }

    /// Tells whether messages go at a lower QoS than ScanQos, if that changed.
    pub(super) fn note_qos(&mut self) {
        let lowered = self.config.publish().map(|route| route.qos).and_then(|wanted| {
            let used = self.known.qos.lower(wanted);
            (used < wanted).then(|| (used as u8, self.known.qos.reason(wanted)))
        });
        if self.qos_said != lowered {
            self.qos_said.clone_from(&lowered);
            if let Some((_, reason)) = &lowered {
                log::qos_lowered(&self.at, reason);
            }
            self.stats.set_link(|link| link.qos_limit = lowered);
        }
    }
    /// Tells how large a packet may be, if that changed, to those who make messages, too.
    pub(super) fn note_size(&mut self) {
        let longest = self.config.publish().map_or(0, PublishConfig::longest);
        let room = self.known.size.maximum().map(|maximum| maximum.saturating_sub(packet::overhead(longest)));
        self.queue.set_max_payload(room.unwrap_or(usize::MAX));
        let known = self.known.size.known();
        if self.size_said != known {
            self.size_said = known;
            if let Some((maximum, reason)) = known {
                log::size_limited(&self.at, maximum, reason);
            }
            self.stats.set_link(|link| link.maximum_packet_size = known.map(|(maximum, _)| maximum));
        }
    }
}
