//! One attempt to connect, what is told of one that failed, and the time until the next.

use super::Publisher;
use crate::log;
use crate::model::{Failure, LastError, LinkState};
use crate::mqtt::client::Client;
use crate::publisher::config_watch::Change;
use crate::publisher::failover::BrokerList;
use jiff::Timestamp;
use std::pin::pin;
use tokio::time::{sleep, timeout};

impl<C: Client> Publisher<C> {
    /// `None` if there are other orders.
    pub(super) async fn connect(&mut self, hosts: &BrokerList) -> Option<Result<(), Failure>> {
        let attempts = self.backoff.attempts();
        let (patience, has_work) = (hosts.patience(attempts), self.has_work());
        let factor = self.limits.factor(attempts);
        let endpoint = self.endpoint_for(hosts);
        {
            let mut connecting = pin!(timeout(patience, self.client.connect(&endpoint, factor)));
            loop {
                self.keeper.follow(self.config.spooling());
                tokio::select! {
                    result = &mut connecting => match result {
                        Ok(result) => return Some(result),
                        Err(_) => break,
                    },
                    news = self.config.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                        Change::Publish => {}
                        Change::Stop if has_work || !self.queue.is_empty() => {}
                        Change::Stop | Change::Broker | Change::Deadline => return None,
                    },
                    () = self.keeper.wait_spill(&self.queue, false) => self.keeper.spill(&self.queue),
                    () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
                }
            }
        }
        self.client.abort().await;
        let detail = format!("{} did not accept us within {} s.", hosts.current().name(), patience.as_secs_f32());
        Some(Err(Failure::new(LastError::Timeout, detail)))
    }

    /// Tells of an attempt or a connection that failed.
    pub(super) fn note(&self, hosts: &mut BrokerList, failure: &Failure) {
        let failure = &clock_first(failure.clone(), *self.stats.clock_synchronised().borrow());
        self.stats.set_link(|link| {
            link.state = LinkState::Waiting;
            link.failures += 1;
            link.error = Some(failure.clone());
        });
        if hosts.is_news(Err(failure.code)) {
            log::link_down(&self.stats.link().borrow(), failure);
        }
    }

    /// Waits for the next attempt; false if there are other orders.
    pub(super) async fn pause(&mut self, repair: bool) -> bool {
        let mut clock = self.stats.clock_synchronised();
        let delay = if repair { self.backoff.delay_at_cap() } else { self.backoff.delay() };
        let (mut over, was_set) = (pin!(sleep(delay)), *clock.borrow());
        loop {
            self.keeper.follow(self.config.spooling());
            tokio::select! {
                () = &mut over => return true,
                // Certificates may hold now.
                Ok(_) = clock.wait_for(|set| *set), if !was_set => return true,
                news = self.config.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    Change::Publish => {}
                    Change::Broker | Change::Stop | Change::Deadline => return false,
                },
                () = self.keeper.wait_spill(&self.queue, false) => self.keeper.spill(&self.queue),
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
            }
        }
    }
}

/// A certificate that seems out of date to a router whose clock nobody set: that is to be looked at first.
pub(crate) fn clock_first(failure: Failure, synchronised: bool) -> Failure {
    if !matches!(failure.code, LastError::TlsCertificateExpired | LastError::TlsCrl) || synchronised {
        return failure;
    }
    let now = Timestamp::now().strftime("%Y-%m-%d");
    let detail = format!(
        "The router's clock is not synchronised (it says {now}): start a time service. It is tried again as soon as the clock is. {}",
        failure.detail
    );
    Failure::new(failure.code, detail)
}
