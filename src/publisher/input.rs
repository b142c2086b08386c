//! What happens, as one stream of inputs.

use super::config_watch::Change;
use super::delivery::Delivery;
use super::state::{Input, State};
use crate::config::Connection;
use crate::model::{Failure, LastError};
use crate::watchdog::HEARTBEAT_INTERVAL;
use std::future::ready;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The sources that count in a state.
struct Interest {
    queue: bool,
    /// Messages of the spool.
    replay: bool,
    spill: bool,
    status: bool,
    probe: bool,
    clock: bool,
    /// There is something to do already.
    work: bool,
}

impl Delivery {
    /// The next input; what no state depends on, as the work of the spool, is done meanwhile. `broker` is what a connection or an
    /// attempt has to say.
    ///
    /// The publish thread waits here, and for brokers that say goodbye, so this is where it shows that it makes progress.
    pub(super) async fn next_input(&mut self, state: State, broker: impl Future<Output = Input>) -> Input {
        let (mut broker, connected) = (std::pin::pin!(broker), state.is_connected());
        loop {
            self.stats.heartbeats().publish();
            self.spooler.follow(self.config.spooling);
            if self.config.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Input::Settings(Change::Deadline);
            }
            let (interest, timer) = (self.interest(state), self.next_timer(state));
            let stopping = self.config.stopping();
            tokio::select! {
                biased;
                // A daemon that dropped its handle wants us to stop, too.
                _ = is_set(&mut self.config.stop), if !stopping => return Input::Settings(self.config.begin_stop()),
                Ok(()) = self.config.settings.changed(), if !stopping => {
                    if let Some(change) = self.config.read_change(&self.queue) {
                        return Input::Settings(change);
                    }
                    self.follow_revision();
                }
                input = &mut broker => return input,
                () = ready(()), if interest.work => return Input::Work,
                () = self.queue.wait(), if interest.queue => return Input::Work,
                // The batch that was open when the setting changed.
                () = self.queue.wait(), if state == State::Disabled => self.queue.withdraw(),
                () = self.spooler.wait_due(!connected), if interest.replay => return Input::Work,
                () = self.spooler.wait_spill(&self.queue, connected), if interest.spill => {
                    self.spooler.spill(&self.queue);
                }
                () = self.spooler.wait_upkeep() => self.spooler.upkeep(),
                () = self.status.changed(), if interest.status => if connected {
                    return Input::Work;
                },
                answers = self.brokers.probe_answer(), if interest.probe => {
                    return if answers { Input::FirstBrokerAnswers } else { Input::Work };
                }
                // Certificates may hold now.
                true = is_set(&mut self.clock), if interest.clock => return Input::RetryDue,
                () = sleep_until(timer) => match state {
                    State::Backoff if self.retry_at <= Instant::now() => return Input::RetryDue,
                    _ if connected => return self.ack_timeout().unwrap_or(Input::Work),
                    _ => {}
                },
            }
        }
    }

    /// The link is that of the settings that were read last.
    pub(super) fn follow_revision(&self) {
        self.stats.set_revision(|revisions| revisions.publisher = self.config.revision);
    }

    fn interest(&self, state: State) -> Interest {
        let (connected, stays, idle) = (state.is_connected(), state == State::Connected, state == State::Idle);
        let (holding, room, status) = (self.hold.active(), stays && self.has_room(), self.has_status());
        let (replay, long) = (self.queue.is_empty() && !self.config.stopping(), !self.is_short());
        let away = matches!(state, State::Connecting | State::Backoff);
        Interest {
            queue: (idle && !holding) || (room && long),
            replay: (idle && !holding) || (room && replay),
            spill: away || (idle && holding) || (connected && (!room || self.spooler.is_broken())),
            status: status && (idle || room),
            probe: stays && long,
            clock: state == State::Backoff && !self.clock_was_set,
            work: idle && (!self.inflight.is_empty() || (status && self.status.is_due())),
        }
    }

    /// When to look again, whatever happens.
    fn next_timer(&self, state: State) -> Instant {
        let (now, connected) = (Instant::now(), state.is_connected());
        let ack = (connected && !self.nothing_pending()).then(|| self.last_ack + self.limits.ack);
        let others = [
            self.config.deadline,
            self.hold.until.filter(|_| connected || state == State::Idle),
            self.status.due_at().filter(|_| self.has_status()),
            self.brokers.probe_at().filter(|_| state == State::Connected),
        ];
        // One that is over wakes nobody.
        let others = others.into_iter().flatten().filter(|at| *at > now);
        let retry = (state == State::Backoff).then_some(self.retry_at);
        others.chain(ack).chain(retry).fold(now + HEARTBEAT_INTERVAL, Instant::min)
    }

    fn ack_timeout(&self) -> Option<Input> {
        let limit = self.limits.ack;
        let over = !self.nothing_pending() && self.last_ack + limit <= Instant::now();
        let detail = || format!("The broker acknowledged nothing for {} s.", limit.as_secs_f32());
        over.then(|| Input::Lost(Failure::new(LastError::Timeout, detail())))
    }

    /// Whether the settings want short connections.
    pub(super) fn is_short(&self) -> bool {
        self.config.target().is_some_and(|target| target.broker.mqtt.connection == Connection::Short)
    }

    /// Whether they want a status message.
    pub(super) fn has_status(&self) -> bool {
        self.config.target().is_some_and(|target| target.status.is_some())
    }
}

/// Waits until it is true; false if it never will be.
async fn is_set(flag: &mut watch::Receiver<bool>) -> bool {
    flag.wait_for(|set| *set).await.is_ok()
}
