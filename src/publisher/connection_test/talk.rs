//! A few MQTT packets to a broker and its answers, for a connection test.

use super::packets;
use crate::config::Qos;
use crate::model::Failure;
use crate::mqtt::exchange::{Accepted, Exchange};
use crate::mqtt::inbound_filter::{InboundFilter, OutboundObserver};
use crate::mqtt::transport::{Duplex, Transport};
use crate::mqtt::tunnel::relay::reason_of_write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A connection of a trial. What the broker sends without being asked is answered and otherwise ignored.
pub(super) struct Talk<'a> {
    upstream: &'a Transport,
    stream: Box<dyn Duplex>,
    exchange: Exchange,
    filter: InboundFilter,
    sent: OutboundObserver,
    /// Legal packets that were not looked at yet.
    heard: Vec<u8>,
    greeted: bool,
}

impl<'a> Talk<'a> {
    pub(super) fn new(upstream: &'a Transport, stream: Box<dyn Duplex>) -> Self {
        Self {
            upstream,
            stream,
            exchange: Exchange::default(),
            filter: InboundFilter::default(),
            sent: OutboundObserver::default(),
            heard: Vec::new(),
            greeted: false,
        }
    }

    /// What the broker said when it accepted us.
    pub(super) fn accepted(&self) -> Accepted {
        self.exchange.accepted().cloned().unwrap_or_default()
    }

    /// Sends CONNECT; the broker accepted it when this is `Ok`.
    pub(super) async fn connect(&mut self, packet: &[u8]) -> Result<(), Failure> {
        self.send(packet).await?;
        self.answer().await.map(drop)
    }

    /// Sends PUBLISH, and the rest of what its QoS demands; the broker has the message when this is `Ok`.
    pub(super) async fn publish(&mut self, packet: &[u8], qos: Qos) -> Result<(), Failure> {
        self.send(packet).await?;
        if qos == Qos::AtMostOnce {
            // It is not answered. What comes after it is, by a broker that did not hang up over it.
            self.send(packets::PINGREQ).await?;
        }
        let answer = self.answer().await?;
        if let Some(refusal) = answer.get(4).and_then(|code| self.exchange.refusal(*code)) {
            return Err(refusal);
        }
        if qos == Qos::ExactlyOnce {
            self.send(&packets::pubrel()).await?;
            self.answer().await?;
        }
        Ok(())
    }

    /// Says goodbye: the broker has what it was to have.
    pub(super) async fn end(mut self) {
        let _ = self.stream.write_all(packets::DISCONNECT).await;
        let _ = self.stream.shutdown().await;
    }

    async fn send(&mut self, packet: &[u8]) -> Result<(), Failure> {
        if let Err(error) = self.stream.write_all(packet).await {
            let level = self.exchange.level();
            return Err(reason_of_write(error, &mut self.stream, self.upstream, self.greeted, level).await);
        }
        // Our own packets are right.
        let _ = self.sent.feed(packet, &mut self.exchange, |_| {});
        Ok(())
    }

    /// The next answer.
    async fn answer(&mut self) -> Result<Vec<u8>, Failure> {
        let mut buffer = [0; 4096];
        loop {
            while let Some(reply) = self.exchange.reply() {
                self.send(&reply).await?;
            }
            // What passes the filter is short.
            if let [_, length, ..] = *self.heard {
                return Ok(self.heard.drain(..2 + usize::from(length)).collect());
            }
            let read = match self.stream.read(&mut buffer).await {
                Ok(0) => return Err(self.upstream.closed(self.greeted, self.exchange.level())),
                Ok(read) => read,
                Err(error) => return Err(self.upstream.lost(&error, self.greeted, self.exchange.level())),
            };
            if !std::mem::replace(&mut self.greeted, true) && buffer[0] != 0x20 {
                return Err(self.upstream.not_mqtt(buffer[0]));
            }
            self.filter.feed(&buffer[..read], &mut self.exchange, &mut self.heard)?;
        }
    }
}
