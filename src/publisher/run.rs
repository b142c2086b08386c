//! The publish loop: off, connecting, connected (or idle between short connections), waiting.

pub(crate) use self::attempt::clock_first;
use super::hold::Hold;
use super::qos_limit::QosLimit;
use super::size_limit::SizeLimit;
use super::takeover::Takeover;
use crate::backoff::Backoff;
use crate::config::{Connection, StateLock};
use crate::encode::{self, Splitter};
use crate::log;
use crate::model::{DropReason, Failure, LastError, LinkState, Message};
use crate::mqtt::client::Client;
use crate::mqtt::limits::Limits;
use crate::publisher::config_watch::Target;
use crate::publisher::config_watch::{Change, ConfigWatch};
use crate::publisher::failover::{Arrival, BrokerList};
use crate::publisher::inflight::Inflight;
use crate::publisher::poison::PoisonDetector;
use crate::publisher::status_topic::Status;
use crate::queue::Queue;
use crate::spool::Keeper;
use crate::stats::Stats;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::time::Instant;

/// See the module.
pub(crate) struct Publisher<C> {
    queue: Arc<Queue>,
    keeper: Keeper,
    stats: Arc<Stats>,
    client: C,
    config: ConfigWatch,
    limits: Limits,
    backoff: Backoff,
    flight: Inflight,
    suspect: PoisonDetector,
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
    refusals_said: BTreeMap<LastError, (String, Instant)>,
    /// Whether the last CONNECT had a last will.
    with_will: bool,
    /// Where topics are put together.
    topic: String,
}

/// A suspected message, until another one gets through or does not. On the books it is in flight.
struct Aside {
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
    /// ConfigWatch: other settings, or the end.
    Ordered,
    /// The first broker answers again.
    Home,
    Lost(Failure),
}

impl<C: Client> Publisher<C> {
    /// In the directory `spool` of the state directory messages wait while no broker takes them.
    pub(crate) fn new(
        queue: Arc<Queue>,
        stats: Arc<Stats>,
        client: C,
        config: ConfigWatch,
        limits: Limits,
        state: Option<Arc<StateLock>>,
    ) -> Self {
        queue.set_max_bytes(config.max_bytes());
        Self {
            keeper: Keeper::new(state, config.spooling(), stats.clone()),
            queue,
            client,
            config,
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap),
            hold: Hold::new(&limits),
            limits,
            flight: Inflight::default(),
            suspect: PoisonDetector::default(),
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
        let lost = self.client.resume(|message| {
            let id = self.queue.next_id();
            self.stats.ledger(|l| l.resume(message.adverts));
            self.flight.add(Message { id, ..message });
            id
        });
        self.stats.ledger(|l| {
            l.resume(lost);
            l.drop_in_flight(lost, DropReason::SpoolDamaged);
        });
        while !self.config.stopping() {
            match self.config.target().cloned() {
                None => self.off().await,
                Some(target) => self.serve(&target).await,
            }
        }
        self.client.close().await;
        self.aside_back();
        self.settle_flight();
        if !self.flight.is_empty() && !self.client.save(&self.flight.messages()) {
            self.put_back(false);
        }
        // What is left in flight goes on in the session.
        self.flight.take_unacked(|_| false).iter().for_each(|message| self.keeper.settle(message.id));
        if self.config.target().is_none() {
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
        self.client.forget_session().await;
        self.put_back(false);
        self.keeper.follow(self.config.spooling());
        loop {
            self.queue.withdraw();
            tokio::select! {
                // The batch that was open when the setting changed.
                () = self.queue.wait() => {}
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
                _ = self.config.next(|bytes| self.queue.set_max_bytes(bytes)) => return,
            }
        }
    }

    /// Serves one broker, or its fallbacks, until there are other orders.
    async fn serve(&mut self, target: &Target) {
        let mut hosts = BrokerList::new(&target.broker, self.limits);
        self.aside_back();
        self.suspect = PoisonDetector::default();
        self.takeover.forget();
        self.hold.end();
        self.status.start_over();
        self.forget_limits();
        self.stats.set_broker_heard(None);
        self.backoff.reset();
        self.refusals_said.clear();
        self.stats.set_link(|link| (link.error, link.refusal) = (None, None));
        loop {
            let short = target.broker.mqtt.connection == Connection::Short;
            if short {
                self.stats.set_link(|link| link.broker = hosts.current().name());
                if !self.await_message(target).await {
                    return self.end_status(target, hosts.current()).await;
                }
                hosts.go_home_if_due();
            }
            self.stats.set_link(|link| {
                link.broker = hosts.current().name();
                link.state = LinkState::Connecting;
            });
            let since = Instant::now();
            match self.connect(&hosts).await {
                None => return self.client.abort().await,
                Some(Err(failure)) => {
                    self.takeover.forget();
                    self.status.not_accepted(&failure, self.with_will);
                    self.note(&mut hosts, &failure);
                    let repair = failure.code.needs_operator() && !self.status.tries_without_will();
                    if hosts.failed(repair) {
                        continue;
                    }
                }
                Some(Ok(())) => match self.connected(target, &mut hosts).await {
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
                        hosts.lost(since.elapsed(), failure.code.needs_operator());
                    }
                },
            }
            if !self.pause(hosts.take_repair()).await {
                return;
            }
        }
    }

    /// Short connections: waits for something to publish or to tell; false if there are other orders.
    async fn await_message(&mut self, target: &Target) -> bool {
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
            self.keeper.follow(self.config.spooling());
            let holding = self.hold.active();
            tokio::select! {
                biased;
                news = self.config.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    Change::Publish => {}
                    Change::Stop if !self.queue.is_empty() => return true,
                    Change::Stop | Change::Broker | Change::Deadline => return false,
                },
                () = self.hold.wait(), if holding => {}
                () = self.keeper.wait_spill(&self.queue, false), if holding => self.keeper.spill(&self.queue),
                () = self.queue.wait(), if !holding => return true,
                () = self.status.wait_owed(), if target.status.is_some() => return true,
                () = self.keeper.wait_due(true), if !holding => return true,
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
            }
        }
    }

    async fn connected(&mut self, target: &Target, hosts: &mut BrokerList) -> Ended {
        self.stats.set_broker_heard(Some(std::time::Instant::now()));
        let arrival = hosts.arrived();
        self.stats.set_link(|link| {
            link.state = LinkState::Connected;
            link.error = None;
            link.connects += 1;
            link.failovers += u64::from(matches!(arrival, Arrival::Fallback(_)));
        });
        if hosts.is_news(Ok(())) {
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
        let mut ended = self.carry(target, hosts).await;
        match &mut ended {
            Ended::Delivered => {
                self.backoff.reset();
                self.client.disconnect().await;
                // What follows may be a long silence.
                self.stats.set_link(|link| link.state = LinkState::Idle);
            }
            Ended::Ordered | Ended::Home => self.goodbye(target).await,
            Ended::Lost(failure) => {
                self.client.abort().await;
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
