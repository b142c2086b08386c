//! The publish loop: off, connecting, connected (or idle between short connections), waiting.

use self::attempt::needs_repair;
use super::broker::{Broker, Event, NotSent};
use super::flight::Flight;
use super::hosts::{Arrival, Hosts};
use super::limits::Limits;
use super::orders::{Endpoint, News, Orders};
use super::status::{self, Status};
use super::suspect::{Suspect, Verdict};
use crate::backoff::Backoff;
use crate::config::{Connection, Qos};
use crate::log;
use crate::queue::Queue;
use crate::spool::Keeper;
use crate::stats::{DropReason, Failure, LinkState, Stats};
use crate::watchdog::PULSE;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::time::{Instant, sleep, sleep_until};

/// See the module.
pub(crate) struct Publisher<B> {
    queue: Arc<Queue>,
    keeper: Keeper,
    stats: Arc<Stats>,
    broker: B,
    orders: Orders,
    limits: Limits,
    backoff: Backoff,
    flight: Flight,
    suspect: Suspect,
    status: Status,
    /// Where topics are put together.
    topic: String,
}

/// How a connection ended.
enum Ended {
    /// A short connection delivered its burst.
    Delivered,
    /// Orders: other settings, or the end.
    Ordered,
    /// The first broker answers again.
    Home,
    Lost(Failure),
}

impl<B: Broker> Publisher<B> {
    /// In the directory `spool` messages wait while no broker takes them.
    pub(crate) fn new(
        queue: Arc<Queue>,
        stats: Arc<Stats>,
        broker: B,
        orders: Orders,
        limits: Limits,
        spool: Option<PathBuf>,
    ) -> Self {
        queue.set_max_bytes(orders.max_bytes());
        Self {
            keeper: Keeper::new(spool, orders.spooling(), stats.clone()),
            queue,
            broker,
            orders,
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap),
            limits,
            flight: Flight::default(),
            suspect: Suspect::default(),
            status: Status::new(stats.clone()),
            stats,
            topic: String::new(),
        }
    }

    /// Runs until the service stops. Every advert is on the books at any moment, and none waits afterwards.
    pub(crate) async fn run(mut self) {
        self.broker.adopt(|message| {
            self.stats.ledger(|l| l.resume(message.adverts));
            self.flight.add(message)
        });
        while !self.orders.stopping() {
            match self.orders.endpoint().cloned() {
                None => self.off().await,
                Some(endpoint) => self.serve(&endpoint).await,
            }
        }
        self.broker.close().await;
        self.settle_flight();
        if !self.flight.is_empty() && !self.broker.leave(self.flight.messages()) {
            self.put_back(false);
        }
        // What is left in flight goes on in the session.
        while let Some(tag) = self.flight.oldest_tag() {
            self.keeper.settle(tag);
            self.flight.forget(tag);
        }
        self.keeper.close(&self.queue);
        self.queue.clear(DropReason::Shutdown);
        self.stats.set_link(|link| link.state = LinkState::Off);
    }

    /// Whether anything is to be sent.
    fn has_work(&self) -> bool {
        !self.queue.is_empty() || !self.flight.is_empty()
    }

    async fn off(&mut self) {
        self.stats.set_link(|link| {
            link.state = LinkState::Off;
            link.broker.clear();
            link.error = None;
        });
        self.stats.set_broker_heard(None);
        self.broker.forget().await;
        self.put_back(false);
        loop {
            self.queue.clear(DropReason::NoProtocol);
            tokio::select! {
                // The batch that was open when the setting changed.
                () = self.queue.wait() => {}
                _ = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => return,
            }
        }
    }

    /// Serves one broker, or its fallbacks, until there are other orders.
    async fn serve(&mut self, endpoint: &Endpoint) {
        let mut hosts = Hosts::new(endpoint, self.limits);
        self.suspect = Suspect::default();
        self.status.start_over();
        self.stats.set_broker_heard(None);
        self.backoff.reset();
        self.stats.set_link(|link| link.error = None);
        loop {
            let short = endpoint.mqtt.connection == Connection::Short;
            if short {
                self.stats.set_link(|link| link.broker = hosts.current().name());
                if !self.await_message(endpoint).await {
                    return self.end_status(hosts.current()).await;
                }
                hosts.go_home_if_due();
            }
            self.stats.set_link(|link| {
                link.broker = hosts.current().name();
                link.state = LinkState::Connecting;
            });
            let since = Instant::now();
            match self.connect(&hosts).await {
                None => return self.broker.abandon().await,
                Some(Err(failure)) => {
                    self.note(&mut hosts, &failure);
                    if hosts.failed(needs_repair(failure.word)) {
                        continue;
                    }
                }
                Some(Ok(())) => match self.connected(endpoint, &mut hosts).await {
                    Ended::Delivered => continue,
                    Ended::Ordered => return,
                    Ended::Home => {
                        hosts.go_home();
                        continue;
                    }
                    Ended::Lost(failure) => {
                        self.note(&mut hosts, &failure);
                        hosts.lost(since.elapsed() >= self.limits.steady, needs_repair(failure.word));
                    }
                },
            }
            if !self.pause(hosts.take_repair()).await {
                return;
            }
        }
    }

    /// Short connections: waits for something to publish or to tell; false if there are other orders.
    async fn await_message(&mut self, endpoint: &Endpoint) -> bool {
        // After a failure the state stays `waiting`, with its reason, until a connection worked.
        self.stats.set_link(|link| {
            if link.state != LinkState::Waiting {
                link.state = LinkState::Idle;
            }
        });
        if !self.flight.is_empty() {
            return true;
        }
        loop {
            self.keeper.follow(self.orders.spooling());
            tokio::select! {
                biased;
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route => {}
                    News::Stop if !self.queue.is_empty() => return true,
                    News::Stop | News::Endpoint | News::Deadline => return false,
                },
                () = self.queue.wait() => return true,
                () = self.status.wait_owed(), if endpoint.notice.is_some() => return true,
                () = self.keeper.wait_due(true) => return true,
            }
        }
    }

    async fn connected(&mut self, endpoint: &Endpoint, hosts: &mut Hosts) -> Ended {
        self.stats.set_broker_heard(Some(std::time::Instant::now()));
        let arrival = hosts.arrived();
        self.stats.set_link(|link| {
            link.state = LinkState::Connected;
            link.error = None;
            link.connects += 1;
            link.failovers += u64::from(matches!(arrival, Arrival::Fallback(_)));
        });
        if hosts.is_news("up") {
            log::link_up(&self.stats.link().borrow());
        }
        match arrival {
            Arrival::Usual => {}
            Arrival::Fallback(before) => log::failover(&self.stats.link().borrow(), &before),
            Arrival::Home => log::home(&self.stats.link().borrow()),
        }
        self.settle_flight();
        let since = Instant::now();
        let ended = self.carry(endpoint, hosts).await;
        match &ended {
            Ended::Delivered => {
                self.backoff.reset();
                self.broker.disconnect().await;
                // What follows may be a long silence.
                self.stats.set_link(|link| link.state = LinkState::Idle);
            }
            Ended::Ordered | Ended::Home => self.goodbye(endpoint).await,
            Ended::Lost(failure) => {
                self.broker.abandon().await;
                // A status that was not acknowledged is the first suspect.
                let about_adverts = !self.status.pending();
                self.status.lost(failure);
                // A connection that lives for a moment only, again and again, did not work.
                if since.elapsed() >= self.limits.steady {
                    self.backoff.reset();
                }
                self.settle_kept();
                let closed = failure.word == "closed" && about_adverts;
                match if closed { self.suspect.closed(&self.flight) } else { Verdict::GoOn } {
                    Verdict::GoOn => {}
                    Verdict::Separate => self.broker.forget().await,
                    Verdict::Refuse => {
                        self.broker.forget().await;
                        if let Some(tag) = self.flight.oldest_tag() {
                            self.flight.drop_one(tag, &self.stats, DropReason::Refused);
                            self.keeper.settle(tag);
                        }
                        self.suspect.progress();
                    }
                }
            }
        }
        self.settle_flight();
        ended
    }

    /// Publishes over the connection until it ends. What is in flight then was not acknowledged.
    async fn carry(&mut self, endpoint: &Endpoint, hosts: &mut Hosts) -> Ended {
        let short = endpoint.mqtt.connection == Connection::Short;
        let (mut sent, mut progress, mut leaving) = (0, Instant::now(), false);
        loop {
            if let Some(first) = hosts.wants_probe() {
                let probe = self.broker.probe(first);
                hosts.probe(probe);
            }
            self.keeper.connected();
            self.keeper.follow(self.orders.spooling());
            if let Some(at) = self.broker.heard() {
                self.stats.set_broker_heard(Some(at));
            }
            let was_empty = self.nothing_pending();
            if !leaving && let Err(failure) = self.tell_status(endpoint) {
                return Ended::Lost(failure);
            }
            // With a short connection the rest is left to the next one.
            while !leaving && self.has_room() && !self.orders.changed() && (!short || sent < self.limits.burst) {
                match self.publish_one() {
                    None => break,
                    Some(Ok(())) => sent += 1,
                    Some(Err(failure)) => return Ended::Lost(failure),
                }
            }
            let calm = self.queue.is_empty() && self.has_room() && !leaving && !self.orders.stopping();
            if calm && !self.orders.changed() && (!short || sent < self.limits.burst) {
                match self.publish_spooled() {
                    None => {}
                    Some(Ok(())) => sent += 1,
                    Some(Err(failure)) => return Ended::Lost(failure),
                }
            }
            if was_empty {
                progress = Instant::now();
            }
            let telling = endpoint.notice.is_some();
            if self.nothing_pending() {
                match (self.orders.stopping() && self.queue.is_empty(), short) {
                    // A connection that is to end has nothing left to wait for.
                    (true, _) => return Ended::Ordered,
                    _ if leaving => return Ended::Home,
                    (false, true) if self.replays_on(sent) => {}
                    (false, true) if !(telling && self.status.owed()) => return Ended::Delivered,
                    (false, _) => {}
                }
            }
            let (has_room, waiting) = (self.has_room() && !leaving, !self.nothing_pending());
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
                    Event::Published(status::TAG) => {
                        self.status.acknowledged();
                        progress = Instant::now();
                    }
                    Event::Refused(status::TAG, failure) => self.status.refused(&failure),
                    Event::Published(tag) => {
                        self.flight.published(tag, &self.stats);
                        self.keeper.settle(tag);
                        self.suspect.progress();
                        progress = Instant::now();
                    }
                    Event::Accepted(_) => {
                        self.suspect.progress();
                        progress = Instant::now();
                    }
                    Event::Refused(tag, failure) => {
                        self.refuse(tag, &failure);
                        progress = Instant::now();
                    }
                    Event::Lost(failure) => return Ended::Lost(failure),
                },
                () = self.queue.wait(), if has_room && !short => {}
                () = self.keeper.wait_due(false), if calm => {}
                () = self.keeper.wait_spill(&self.queue, true), if !has_room || self.keeper.is_broken() => self.keeper.spill(&self.queue),
                () = self.status.wait_due(), if has_room && telling => {}
                // Another round, to see whether the broker gave a sign of life.
                () = sleep(PULSE) => {}
                // What is in flight is acknowledged first, so that the move costs no repetition.
                answers = hosts.home_answers(), if !leaving && !short => leaving = answers,
                () = sleep_until(progress + self.limits.ack), if waiting => {
                    let limit = self.limits.ack.as_secs_f32();
                    let detail = format!("The broker acknowledged nothing for {limit} s.");
                    return Ended::Lost(Failure::new("timeout", detail));
                }
            }
        }
    }

    /// Whether the broker owes no acknowledgement.
    fn nothing_pending(&self) -> bool {
        self.flight.is_empty() && !self.status.pending()
    }

    fn has_room(&self) -> bool {
        let usual = match self.orders.route() {
            Some(route) if route.qos == Qos::ExactlyOnce => self.limits.window_qos2,
            _ => self.limits.window,
        };
        let messages = self.flight.len() + usize::from(self.status.pending());
        messages < self.suspect.window(usual) && self.flight.bytes() < self.limits.window_bytes
    }

    /// Hands over the oldest message; `None` if there is none.
    fn publish_one(&mut self) -> Option<Result<(), Failure>> {
        self.orders.route()?;
        let message = self.queue.try_pop()?;
        let tag = self.flight.add(message);
        self.hand_over(tag)
    }

    /// Hands over the oldest message of the spool; `None` if none is due.
    fn publish_spooled(&mut self) -> Option<Result<(), Failure>> {
        self.orders.route()?;
        let (taken, message) = self.keeper.take()?;
        let tag = self.flight.add(message);
        self.keeper.sent(tag, taken);
        self.hand_over(tag)
    }

    /// Whether a short connection has more of the spool to carry now.
    fn replays_on(&self, sent: usize) -> bool {
        !self.orders.stopping()
            && sent < self.limits.burst
            && self.keeper.due(false).is_some_and(|due| due <= Instant::now())
    }

    fn hand_over(&mut self, tag: u64) -> Option<Result<(), Failure>> {
        let route = self.orders.route()?;
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
}

#[path = "run_attempt.rs"]
mod attempt;

#[path = "run_settle.rs"]
mod settle;

#[path = "run_status.rs"]
mod telling;

#[cfg(test)]
#[path = "run_bench.rs"]
mod bench;

#[cfg(test)]
#[path = "run_failover_tests.rs"]
mod failover_tests;

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "run_status_tests.rs"]
mod status_tests;

#[cfg(test)]
#[path = "run_pulse_tests.rs"]
mod pulse_tests;
