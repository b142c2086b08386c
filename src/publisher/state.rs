//! The states of the publisher and every transition between them. Nothing here waits or touches a broker: [`State::on`] says what
//! comes next, and `run` does it.

use super::config_watch::Change;
use crate::model::Failure;
use crate::mqtt::client::Event;

/// What the publisher does about its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The settings name no broker.
    Disabled,
    /// Between two short connections.
    Idle,
    Connecting,
    Connected,
    /// Connected to a fallback while the first broker answers again: what is in flight is acknowledged first, so that the move
    /// costs no repetition.
    FailingBack,
    /// Until the next attempt.
    Backoff,
    /// The service stops, and there is nothing left to do.
    Stopped,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Settings(Change),
    /// There may be something to send.
    Work,
    /// What became of a message. No state depends on it.
    Message(Event),
    /// Nothing is in flight any more.
    AllAcknowledged,
    Accepted,
    NotAccepted(Failure),
    /// The same for want of an answer: the attempt is still under way.
    NotAnswered(Failure),
    Lost(Failure),
    FirstBrokerAnswers,
    RetryDue,
}

/// What a transition depends on besides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    /// The settings name a broker.
    pub(super) enabled: bool,
    /// They want short connections.
    pub(super) short: bool,
    pub(super) stopping: bool,
    /// Messages wait in the queue.
    pub(super) queued: bool,
    /// They do, or did when the attempt began, or are in flight.
    pub(super) work: bool,
    /// A short connection has more to carry.
    pub(super) more: bool,
    /// There is another broker to try at once.
    pub(super) next_broker: bool,
}

/// What is done on the way to the next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing is published: what waits is withdrawn.
    Disable,
    /// The brokers of the settings are used from now on, and nothing is known of them.
    Start,
    /// It is shown that nothing is to be sent.
    ShowIdle,
    /// The attempt is prepared; the state [`State::Connecting`] carries it out.
    Connect,
    /// The connection is used.
    Begin,
    /// Acknowledgements that are on their way are awaited, for a moment.
    DrainAcks,
    /// The connection ends in good order, with its status.
    Disconnect,
    /// A short connection ends: the status stays.
    EndBurst,
    Abort,
    /// The status ends over one more connection.
    EndStatus,
    /// What is in flight waits again, but for what a session keeps.
    Requeue,
    /// A loss: which message, QoS or size is to blame? What is in flight waits again.
    AccountLoss,
    /// The same of an attempt that failed: the next broker's turn comes.
    AccountFailure,
    FailBack,
    StartBackoff,
}

impl State {
    /// Whether messages go out and come in.
    pub(super) fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::FailingBack)
    }

    /// The next state, and what is done on the way.
    pub(super) fn on(self, input: &Input, facts: &Facts) -> (Self, Vec<Effect>) {
        use Effect::{
            Abort, AccountFailure, AccountLoss, Begin, Connect, Disconnect, DrainAcks, EndBurst, EndStatus, FailBack,
            Requeue, StartBackoff,
        };
        match (self, input) {
            (Self::Disabled, Input::Settings(_)) => restart(&[], facts),
            (_, Input::Settings(Change::Publish)) => (self, vec![]),
            (Self::Idle, Input::Work) => (Self::Connecting, vec![Connect]),
            (Self::Idle, Input::Settings(Change::Stop)) if facts.work => (Self::Connecting, vec![Connect]),
            (Self::Idle, Input::Settings(_)) => restart(&[EndStatus], facts),
            (Self::Connecting, Input::Settings(Change::Stop)) if facts.work => (self, vec![]),
            (Self::Connecting, Input::Settings(_)) => restart(&[Abort], facts),
            (Self::Connecting, Input::Accepted) => (Self::Connected, vec![Begin]),
            (Self::Connecting, Input::NotAccepted(_)) => next_broker(&[AccountFailure], facts),
            (Self::Connecting, Input::NotAnswered(_)) => next_broker(&[Abort, AccountFailure], facts),
            (Self::Connected | Self::FailingBack, Input::Settings(Change::Stop)) => (self, vec![]),
            // What is in flight may still be acknowledged, but not for long: someone waits for the new settings.
            (Self::Connected | Self::FailingBack, Input::Settings(Change::Broker)) => {
                restart(&[DrainAcks, Disconnect, Requeue], facts)
            }
            (Self::Connected | Self::FailingBack, Input::Settings(Change::Deadline)) => {
                restart(&[Disconnect, Requeue], facts)
            }
            (Self::Connected, Input::FirstBrokerAnswers) => (Self::FailingBack, vec![]),
            // A connection that is to end has nothing left to wait for.
            (Self::Connected | Self::FailingBack, Input::AllAcknowledged) if facts.stopping && !facts.queued => {
                restart(&[Disconnect, Requeue], facts)
            }
            (Self::FailingBack, Input::AllAcknowledged) => attempt(&[Disconnect, Requeue, FailBack], facts),
            (Self::Connected, Input::AllAcknowledged) if facts.short && !facts.more => {
                attempt(&[EndBurst, Requeue], facts)
            }
            (Self::Connected | Self::FailingBack, Input::Lost(_)) => {
                (Self::Backoff, vec![Abort, AccountLoss, StartBackoff])
            }
            (Self::Backoff, Input::RetryDue) => attempt(&[], facts),
            (Self::Backoff, Input::Settings(_)) => restart(&[], facts),
            _ => (self, vec![]),
        }
    }
}

/// Other settings, or the end.
fn restart(first: &[Effect], facts: &Facts) -> (State, Vec<Effect>) {
    match (facts.stopping, facts.enabled) {
        (true, _) => (State::Stopped, first.to_vec()),
        (false, false) => (State::Disabled, [first, &[Effect::Disable]].concat()),
        (false, true) => attempt(&[first, &[Effect::Start]].concat(), facts),
    }
}

/// The broker whose turn it is, once there is something for it.
fn attempt(first: &[Effect], facts: &Facts) -> (State, Vec<Effect>) {
    match facts.short {
        true => (State::Idle, [first, &[Effect::ShowIdle]].concat()),
        false => (State::Connecting, [first, &[Effect::Connect]].concat()),
    }
}

/// Within a round no time is lost.
fn next_broker(first: &[Effect], facts: &Facts) -> (State, Vec<Effect>) {
    match facts.next_broker {
        true => attempt(first, facts),
        false => (State::Backoff, [first, &[Effect::StartBackoff]].concat()),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
