//! One attempt to connect, what is told of one that failed, and the time until the next.

use super::super::broker::Broker;
use super::super::hosts::Hosts;
use super::super::orders::News;
use super::Publisher;
use crate::log;
use crate::stats::{Failure, LinkState};
use jiff::Timestamp;
use std::pin::pin;
use tokio::time::{sleep, timeout};

impl<B: Broker> Publisher<B> {
    /// `None` if there are other orders.
    pub(super) async fn connect(&mut self, hosts: &Hosts) -> Option<Result<(), Failure>> {
        let attempts = self.backoff.attempts();
        let (patience, has_work) = (hosts.patience(attempts), self.has_work());
        let factor = self.limits.factor(attempts);
        let endpoint = self.endpoint_for(hosts);
        {
            let mut connecting = pin!(timeout(patience, self.broker.connect(&endpoint, factor)));
            loop {
                self.keeper.follow(self.orders.spooling());
                tokio::select! {
                    result = &mut connecting => match result {
                        Ok(result) => return Some(result),
                        Err(_) => break,
                    },
                    news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                        News::Route => {}
                        News::Stop if has_work || !self.queue.is_empty() => {}
                        News::Stop | News::Endpoint | News::Deadline => return None,
                    },
                    () = self.keeper.wait_spill(&self.queue, false) => self.keeper.spill(&self.queue),
                    () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
                }
            }
        }
        self.broker.abandon().await;
        let detail = format!("{} did not accept us within {} s.", hosts.current().name(), patience.as_secs_f32());
        Some(Err(Failure::new("timeout", detail)))
    }

    /// Tells of an attempt or a connection that failed.
    pub(super) fn note(&self, hosts: &mut Hosts, failure: &Failure) {
        let failure = &clock_first(failure.clone(), *self.stats.clock_synchronised().borrow());
        self.stats.set_link(|link| {
            link.state = LinkState::Waiting;
            link.failures += 1;
            link.error = Some(failure.clone());
        });
        if hosts.is_news(failure.word) {
            log::link_down(&self.stats.link().borrow(), failure);
        }
    }

    /// Waits for the next attempt; false if there are other orders.
    pub(super) async fn pause(&mut self, repair: bool) -> bool {
        let mut clock = self.stats.clock_synchronised();
        let delay = if repair { self.backoff.delay_at_cap() } else { self.backoff.delay() };
        let (mut over, was_set) = (pin!(sleep(delay)), *clock.borrow());
        loop {
            self.keeper.follow(self.orders.spooling());
            tokio::select! {
                () = &mut over => return true,
                // Certificates may hold now.
                Ok(_) = clock.wait_for(|set| *set), if !was_set => return true,
                news = self.orders.next(|bytes| self.queue.set_max_bytes(bytes)) => match news {
                    News::Route => {}
                    News::Endpoint | News::Stop | News::Deadline => return false,
                },
                () = self.keeper.wait_spill(&self.queue, false) => self.keeper.spill(&self.queue),
                () = self.keeper.wait_upkeep() => self.keeper.upkeep(),
            }
        }
    }
}

/// A certificate that seems out of date to a router whose clock nobody set: that is to be looked at first.
pub(crate) fn clock_first(failure: Failure, synchronised: bool) -> Failure {
    if !matches!(failure.word, "tls-certificate-expired" | "tls-crl") || synchronised {
        return failure;
    }
    let now = Timestamp::now().strftime("%Y-%m-%d");
    let detail = format!(
        "The router's clock is not synchronised (it says {now}): start a time service. It is tried again as soon as the clock is. {}",
        failure.detail
    );
    Failure::new(failure.word, detail)
}

/// Failures that hardly go away by themselves.
pub(super) fn needs_repair(word: &str) -> bool {
    matches!(word, "auth" | "client-id" | "mqtt-version" | "protocol") || word.starts_with("tls")
}
