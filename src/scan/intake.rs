//! From captured adverts to the queue: the open batch and its books.

use super::capture::{Burst, Capture};
use crate::advert::Advert;
use crate::config::Config;
use crate::encode::Batch;
use crate::queue::{Message, Queue};
use crate::stats::{DropReason, Stats};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// See the module.
pub(super) struct Intake {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    batch: Batch,
    opened: Option<Instant>,
    interval: Duration,
    publishing: bool,
}

impl Intake {
    pub(super) fn new(queue: Arc<Queue>, stats: Arc<Stats>, config: &Config) -> Self {
        let batch = Batch::new(config.batch.size);
        let (interval, publishing) = (config.batch.interval, config.mqtt.is_some());
        Self { queue, stats, batch, opened: None, interval, publishing }
    }

    /// Works by these settings from now on.
    pub(super) fn configure(&mut self, config: &Config) {
        self.interval = config.batch.interval;
        self.publishing = config.mqtt.is_some();
        let full = self.batch.resize(config.batch.size);
        self.close(full);
        if !self.publishing {
            self.flush();
        }
    }

    /// When the open batch is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.opened.map(|opened| opened + self.interval)
    }

    /// Closes the open batch.
    pub(super) fn flush(&mut self) {
        let message = self.batch.take();
        self.close(message);
    }

    fn close(&mut self, message: Option<Message>) {
        if let Some(message) = message {
            self.opened = None;
            self.queue.push(message);
        }
    }

    /// Takes what the capture has, adverts of this adapter only (`None`: of all).
    pub(super) fn take(&mut self, capture: &mut impl Capture, adapter: Option<u16>) -> io::Result<Burst> {
        let Self { queue, stats, batch, opened, publishing, .. } = self;
        // On the books since the last step: adverts in the open batch, adverts dropped.
        let (mut kept, mut dropped) = (0, 0);
        let burst = capture.take(&mut |advert: &Advert<'_>| {
            if adapter.is_some_and(|index| index != advert.adapter) {
                return;
            }
            if !*publishing {
                dropped += 1;
                return;
            }
            kept += 1;
            if let Some(message) = batch.push(advert) {
                *opened = None;
                // Before the queue has it: a message in the queue is on the books.
                stats.ledger(|l| l.receive_queued(std::mem::take(&mut kept)));
                queue.push(message);
            }
        });
        let found = *burst.as_ref().unwrap_or(&Burst::default());
        stats.ledger(|l| {
            l.receive_queued(kept);
            l.receive_dropped(dropped, DropReason::NoProtocol);
            l.malformed += found.malformed;
            l.capture_lost += found.lost;
        });
        if !batch.is_empty() && opened.is_none() {
            *opened = Some(Instant::now());
        }
        burst
    }
}
