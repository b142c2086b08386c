//! The publish loop: off, connecting, connected (or idle between short connections), waiting.

pub(crate) use self::attempt::clock_first;
use self::attempt::needs_repair;
use super::broker::Broker;
use super::flight::Flight;
use super::hold::Hold;
use super::hosts::{Arrival, Hosts};
use super::limits::Limits;
use super::orders::{Endpoint, News, Orders};
use super::qos_limit::QosLimit;
use super::size_limit::SizeLimit;
use super::status::Status;
use super::suspect::Suspect;
use super::takeover::Takeover;
use crate::backoff::Backoff;
use crate::config::{Connection, StateLock};
use crate::encode::{self, Splitter};
use crate::log;
use crate::queue::{Message, Queue};
use crate::spool::Keeper;
use crate::stats::{DropReason, Failure, LinkState, Stats};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::time::Instant;

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
    aside: Option<Aside>,
    accused: Option<Accused>,
    takeover: Takeover,
    /// Whether a message got through over this connection.
    progressed: bool,
    hold: Hold,
    /// The largest message of a connection that went at QoS 0: the size of its packet, and when it went.
    unacknowledged: Option<(usize, std::time::Instant)>,
    splitter: Splitter,
    status: Status,
    /// Of the broker that is tried or used, which has this name, and of the others.
    known: Known,
    at: String,
    others: HashMap<String, Known>,
    /// What was told of it.
    qos_said: Option<(u8, String)>,
    size_said: Option<(usize, &'static str)>,
    /// Refusals that the log has, by word: the sentence, and when.
    refusals_said: BTreeMap<&'static str, (String, Instant)>,
    /// Whether the last CONNECT had a last will.
    with_will: bool,
    /// Where topics are put together.
    topic: String,
}

/// A suspected message, until another one gets through or does not. On the books it is in flight.
struct Aside {
    tag: u64,
    message: Message,
    /// What the broker did with it.
    why: Failure,
    /// Of its packet, if the broker closed the connection over it.
    size: Option<usize>,
}

/// A suspected message that is sent once more, since another one got through: it is refused if the broker does it again.
struct Accused {
    /// Of its payload.
    hash: u64,
    why: Failure,
    size: Option<usize>,
}

/// What is known of a broker as long as its settings hold.
#[derive(Default)]
struct Known {
    qos: QosLimit,
    size: SizeLimit,
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
    /// In the directory `spool` of the state directory messages wait while no broker takes them.
    pub(crate) fn new(
        queue: Arc<Queue>,
        stats: Arc<Stats>,
        broker: B,
        orders: Orders,
        limits: Limits,
        state: Option<Arc<StateLock>>,
    ) -> Self {
        queue.set_max_bytes(orders.max_bytes());
        Self {
            keeper: Keeper::new(state, orders.spooling(), stats.clone()),
            queue,
            broker,
            orders,
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap),
            hold: Hold::new(&limits),
            limits,
            flight: Flight::default(),
            suspect: Suspect::default(),
            aside: None,
            accused: None,
            takeover: Takeover::default(),
            progressed: false,
            unacknowledged: None,
            splitter: Splitter::new(encode::random_epoch()),
            status: Status::new(stats.clone()),
            known: Known::default(),
            at: String::new(),
            others: HashMap::new(),
            qos_said: None,
            size_said: None,
            refusals_said: BTreeMap::new(),
            with_will: false,
            stats,
            topic: String::new(),
        }
    }

    /// Runs until the service stops. Every advert is on the books at any moment, and none waits afterwards.
    pub(crate) async fn run(mut self) {
        let lost = self.broker.adopt(|message| {
            self.stats.ledger(|l| l.resume(message.adverts));
            self.flight.add(message)
        });
        self.stats.ledger(|l| {
            l.resume(lost);
            l.drop_in_flight(lost, DropReason::SpoolDamaged);
        });
        while !self.orders.stopping() {
            match self.orders.endpoint().cloned() {
                None => self.off().await,
                Some(endpoint) => self.serve(&endpoint).await,
            }
        }
        self.broker.close().await;
        self.aside_back();
        self.settle_flight();
        if !self.flight.is_empty() && !self.broker.leave(self.flight.messages()) {
            self.put_back(false);
        }
        // What is left in flight goes on in the session.
        while let Some(tag) = self.flight.oldest_tag() {
            self.keeper.settle(tag);
            self.flight.forget(tag);
        }
        if self.orders.endpoint().is_none() {
            self.queue.withdraw();
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
        self.aside_back();
        self.forget_limits();
        self.broker.forget().await;
        self.put_back(false);
        self.keeper.follow(self.orders.spooling());
        loop {
            self.queue.withdraw();
            tokio::select! {
                // The batch that was open when the setting changed.
                () = self.queue.wait() => {}
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
                _ = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => return,
            }
        }
    }

    /// Serves one broker, or its fallbacks, until there are other orders.
    async fn serve(&mut self, endpoint: &Endpoint) {
        let mut hosts = Hosts::new(endpoint, self.limits);
        self.aside_back();
        self.suspect = Suspect::default();
        self.takeover.forget();
        self.hold.end();
        self.status.start_over();
        self.forget_limits();
        self.stats.set_broker_heard(None);
        self.backoff.reset();
        self.refusals_said.clear();
        self.stats.set_link(|link| (link.error, link.refusal) = (None, None));
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
                    self.takeover.forget();
                    self.status.not_accepted(&failure, self.with_will);
                    self.note(&mut hosts, &failure);
                    let repair = needs_repair(failure.word) && !self.status.tries_without_will();
                    if hosts.failed(repair) {
                        continue;
                    }
                }
                Some(Ok(())) => match self.connected(endpoint, &mut hosts).await {
                    Ended::Delivered => {
                        self.takeover.forget();
                        continue;
                    }
                    Ended::Ordered => return,
                    Ended::Home => {
                        hosts.go_home();
                        continue;
                    }
                    Ended::Lost(failure) => {
                        self.note(&mut hosts, &failure);
                        hosts.lost(since.elapsed(), needs_repair(failure.word));
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
            let holding = self.hold.active();
            tokio::select! {
                biased;
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route => {}
                    News::Stop if !self.queue.is_empty() => return true,
                    News::Stop | News::Endpoint | News::Deadline => return false,
                },
                () = self.hold.wait(), if holding => {}
                () = self.keeper.wait_spill(&self.queue, false), if holding => self.keeper.spill(&self.queue),
                () = self.queue.wait(), if !holding => return true,
                () = self.status.wait_owed(), if endpoint.notice.is_some() => return true,
                () = self.keeper.wait_due(true), if !holding => return true,
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
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
        self.learn_limits();
        self.settle_flight();
        let since = Instant::now();
        self.progressed = false;
        let mut ended = self.carry(endpoint, hosts).await;
        match &mut ended {
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
                self.learn_from_loss(failure).await;
                if about_adverts {
                    self.blame(failure).await;
                }
                let innocent = about_adverts && (self.progressed || self.flight.is_empty());
                self.takeover.lost(failure, since.elapsed(), innocent, &self.limits);
            }
        }
        self.settle_flight();
        ended
    }
}

#[path = "run_attempt.rs"]
mod attempt;

#[path = "run_carry.rs"]
mod carry;

#[path = "run_qos.rs"]
mod qos;

#[path = "run_refusals.rs"]
mod refusals;

#[path = "run_settle.rs"]
mod settle;

#[path = "run_status.rs"]
mod telling;

#[cfg(test)]
#[path = "run_bench.rs"]
mod bench;

#[cfg(test)]
#[path = "run_age_tests.rs"]
mod age_tests;

#[cfg(test)]
#[path = "run_refusals_tests.rs"]
mod refusals_tests;

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
