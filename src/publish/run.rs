//! The publish loop: off, connecting, connected (or idle between short connections), waiting.

use super::broker::{Broker, Event, NotSent};
use super::flight::Flight;
use super::limits::Limits;
use super::orders::{Endpoint, News, Orders};
use super::suspect::Suspect;
use crate::backoff::Backoff;
use crate::config::{Connection, Qos};
use crate::log;
use crate::queue::Queue;
use crate::stats::{DropReason, Failure, LinkState, Stats};
use std::pin::pin;
use std::sync::Arc;
use tokio::time::{Instant, sleep, sleep_until};

/// See the module.
pub(crate) struct Publisher<B> {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    broker: B,
    orders: Orders,
    limits: Limits,
    backoff: Backoff,
    flight: Flight,
    suspect: Suspect,
    /// Last thing that was logged of the link: `up` or the word of a failure.
    said: &'static str,
    /// Where topics are put together.
    topic: String,
}

/// How a connection ended.
enum Ended {
    /// A short connection delivered its burst.
    Delivered,
    /// Orders: other settings, or the end.
    Ordered,
    Lost(Failure),
}

impl<B: Broker> Publisher<B> {
    pub(crate) fn new(queue: Arc<Queue>, stats: Arc<Stats>, broker: B, orders: Orders, limits: Limits) -> Self {
        queue.set_max_bytes(orders.max_bytes());
        Self {
            queue,
            stats,
            broker,
            orders,
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap),
            limits,
            flight: Flight::default(),
            suspect: Suspect::default(),
            said: "",
            topic: String::new(),
        }
    }

    /// Runs until the service stops. Every advert is on the books at any moment, and none waits afterwards.
    pub(crate) async fn run(mut self) {
        while !self.orders.stopping() {
            match self.orders.endpoint().cloned() {
                None => self.off().await,
                Some(endpoint) => self.serve(&endpoint).await,
            }
        }
        self.flight.put_back(&self.queue);
        self.queue.clear(DropReason::Shutdown);
        self.broker.close().await;
        self.stats.set_link(|link| link.state = LinkState::Off);
    }

    async fn off(&mut self) {
        self.stats.set_link(|link| {
            link.state = LinkState::Off;
            link.broker.clear();
            link.error = None;
        });
        self.flight.put_back(&self.queue);
        loop {
            self.queue.clear(DropReason::NoProtocol);
            tokio::select! {
                // The batch that was open when the setting changed.
                () = self.queue.wait() => {}
                _ = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => return,
            }
        }
    }

    /// Serves one broker until there are other orders.
    async fn serve(&mut self, endpoint: &Endpoint) {
        (self.said, self.suspect) = ("", Suspect::default());
        self.backoff.reset();
        self.stats.set_link(|link| {
            link.broker = endpoint.name();
            link.error = None;
        });
        loop {
            if endpoint.mqtt.connection == Connection::Short && !self.await_message().await {
                return;
            }
            self.stats.set_link(|link| link.state = LinkState::Connecting);
            let failure = match self.connect(endpoint).await {
                None => return self.broker.abandon(),
                Some(Err(failure)) => failure,
                Some(Ok(())) => match self.connected(endpoint).await {
                    Ended::Delivered => continue,
                    Ended::Ordered => return,
                    Ended::Lost(failure) => failure,
                },
            };
            if !self.pause(failure).await {
                return;
            }
        }
    }

    /// Short connections: waits for something to publish; false if there are other orders.
    async fn await_message(&mut self) -> bool {
        // After a failure the state stays `waiting`, with its reason, until a connection worked.
        self.stats.set_link(|link| {
            if link.state != LinkState::Waiting {
                link.state = LinkState::Idle;
            }
        });
        loop {
            tokio::select! {
                biased;
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route => {}
                    News::Stop if !self.queue.is_empty() => return true,
                    News::Stop | News::Endpoint | News::Deadline => return false,
                },
                () = self.queue.wait() => return true,
            }
        }
    }

    /// `None` if there are other orders.
    async fn connect(&mut self, endpoint: &Endpoint) -> Option<Result<(), Failure>> {
        let mut connecting = pin!(self.broker.connect(endpoint));
        loop {
            tokio::select! {
                result = &mut connecting => return Some(result),
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route => {}
                    News::Stop if !self.queue.is_empty() => {}
                    News::Stop | News::Endpoint | News::Deadline => return None,
                },
            }
        }
    }

    async fn connected(&mut self, endpoint: &Endpoint) -> Ended {
        self.stats.set_link(|link| {
            link.state = LinkState::Connected;
            link.error = None;
            link.connects += 1;
        });
        if std::mem::replace(&mut self.said, "up") != "up" {
            log::link_up(&self.stats.link().borrow());
        }
        let since = Instant::now();
        let ended = self.carry(endpoint.mqtt.connection == Connection::Short).await;
        match &ended {
            Ended::Delivered => {
                self.backoff.reset();
                self.broker.disconnect().await;
                // What follows may be a long silence.
                self.stats.set_link(|link| link.state = LinkState::Idle);
            }
            Ended::Ordered => self.broker.disconnect().await,
            Ended::Lost(failure) => {
                self.broker.abandon();
                // A connection that lives for a moment only, again and again, did not work.
                if since.elapsed() >= self.limits.steady {
                    self.backoff.reset();
                }
                if failure.word == "closed" && self.suspect.closed(&self.flight) {
                    self.flight.drop_oldest(&self.stats, DropReason::Refused);
                    self.suspect.progress();
                }
            }
        }
        self.flight.put_back(&self.queue);
        ended
    }

    /// Publishes over the connection until it ends. What is in flight then was not acknowledged.
    async fn carry(&mut self, short: bool) -> Ended {
        let (mut sent, mut progress) = (0, Instant::now());
        loop {
            let was_empty = self.flight.is_empty();
            // With a short connection the rest is left to the next one.
            while self.has_room() && !self.orders.changed() && !(short && sent == self.limits.burst) {
                match self.publish_one() {
                    None => break,
                    Some(Ok(())) => sent += 1,
                    Some(Err(failure)) => return Ended::Lost(failure),
                }
            }
            if was_empty {
                progress = Instant::now();
            }
            if self.flight.is_empty() {
                match (self.orders.stopping() && self.queue.is_empty(), short) {
                    // A connection that is to end has nothing left to wait for.
                    (true, _) => return Ended::Ordered,
                    (false, true) => return Ended::Delivered,
                    (false, false) => {}
                }
            }
            let wants_more = self.has_room() && !short;
            tokio::select! {
                biased;
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route | News::Stop => {}
                    // What is in flight may still be acknowledged, but not for long: someone waits for the new settings.
                    News::Endpoint => {
                        self.settle().await;
                        return Ended::Ordered;
                    }
                    News::Deadline => return Ended::Ordered,
                },
                event = self.broker.event() => match event {
                    Event::Published(tag) => {
                        self.flight.published(tag, &self.stats);
                        self.suspect.progress();
                        progress = Instant::now();
                    }
                    Event::Refused(tag, failure) => {
                        self.refuse(tag, &failure);
                        progress = Instant::now();
                    }
                    Event::Lost(failure) => return Ended::Lost(failure),
                },
                () = self.queue.wait(), if wants_more => {}
                () = sleep_until(progress + self.limits.ack), if !self.flight.is_empty() => {
                    let limit = self.limits.ack.as_secs_f32();
                    let detail = format!("The broker acknowledged nothing for {limit} s.");
                    return Ended::Lost(Failure::new("timeout", detail));
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        let usual = match self.orders.route() {
            Some(route) if route.qos == Qos::ExactlyOnce => self.limits.window_qos2,
            _ => self.limits.window,
        };
        self.flight.len() < self.suspect.window(usual) && self.flight.bytes() < self.limits.window_bytes
    }

    /// Hands over the oldest message; `None` if there is none.
    fn publish_one(&mut self) -> Option<Result<(), Failure>> {
        let route = self.orders.route()?;
        let message = self.queue.try_pop()?;
        let tag = self.flight.add(message);
        let message = self.flight.newest()?;
        let topic = route.topic(message.device, &mut self.topic);
        match self.broker.publish(tag, topic, &message.payload, route.qos) {
            Ok(()) => Some(Ok(())),
            Err(NotSent::Lost(failure)) => Some(Err(failure)),
            Err(NotSent::Refused(failure)) => {
                self.refuse(tag, &failure);
                Some(Ok(()))
            }
        }
    }

    fn refuse(&mut self, tag: u64, failure: &Failure) {
        tracing::debug!("a message was refused: {}", failure.detail);
        self.flight.drop_one(tag, &self.stats, DropReason::Refused);
    }

    /// Collects acknowledgements that are on their way.
    async fn settle(&mut self) {
        let mut enough = pin!(sleep(self.limits.settle));
        while !self.flight.is_empty() {
            tokio::select! {
                event = self.broker.event() => match event {
                    Event::Published(tag) => self.flight.published(tag, &self.stats),
                    Event::Refused(tag, failure) => self.refuse(tag, &failure),
                    Event::Lost(_) => return,
                },
                () = &mut enough => return,
            }
        }
    }

    /// Waits for the next attempt; false if there are other orders.
    async fn pause(&mut self, failure: Failure) -> bool {
        let delay = if needs_repair(failure.word) { self.backoff.delay_at_cap() } else { self.backoff.delay() };
        self.stats.set_link(|link| {
            link.state = LinkState::Waiting;
            link.failures += 1;
            link.error = Some(failure.clone());
        });
        if std::mem::replace(&mut self.said, failure.word) != failure.word {
            log::link_down(&self.stats.link().borrow(), &failure);
        }
        let mut over = pin!(sleep(delay));
        loop {
            tokio::select! {
                () = &mut over => return true,
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route => {}
                    News::Endpoint | News::Stop | News::Deadline => return false,
                },
            }
        }
    }
}

/// Failures that hardly go away by themselves.
fn needs_repair(word: &str) -> bool {
    matches!(word, "auth" | "client-id" | "mqtt-version" | "protocol") || word.starts_with("tls")
}

#[cfg(test)]
#[path = "run_bench.rs"]
mod bench;

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
