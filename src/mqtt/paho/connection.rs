//! One connection that a broker accepted: what became of the messages that were handed over, and its end.

use crate::model::{Failure, MessageId};
use crate::mqtt::client::Event;
use crate::mqtt::connection_state::{ConnectionState, Ended};
use crate::mqtt::paho::errors;
use crate::mqtt::paho::session::Session;
use futures_util::FutureExt;
use futures_util::future::Map;
use futures_util::stream::{FuturesUnordered, StreamExt};
use paho_mqtt as mqtt;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep, timeout_at};

/// Between the moment when Paho closes its socket and its last callback.
const CALLBACK_GRACE: Duration = Duration::from_millis(50);

/// One accepted connection.
pub(crate) struct Connection {
    pub(crate) state: Arc<ConnectionState>,
    /// QoS 2 tells here what became of a message.
    pub(crate) session: Option<Session>,
    /// QoS 1: what Paho still has to say of each message.
    pub(crate) tokens: FuturesUnordered<Token>,
    /// QoS 0: ids in the order of handing over, which is the order on the wire.
    pub(crate) unwritten: VecDeque<MessageId>,
    written: watch::Receiver<u64>,
    counted: u64,
    /// After a loss: until when the last tokens may speak.
    lost: Option<(Instant, Failure)>,
    /// They have spoken.
    silent: bool,
}

type Answered = (MessageId, Result<(), mqtt::Error>);
type Token = Map<mqtt::DeliveryToken, Box<dyn FnOnce(Result<(), mqtt::Error>) -> Answered>>;

impl Connection {
    pub(crate) fn new(state: Arc<ConnectionState>, session: Option<Session>) -> Self {
        Self {
            tokens: FuturesUnordered::new(),
            unwritten: VecDeque::new(),
            written: state.written(),
            counted: 0,
            lost: None,
            silent: false,
            session,
            state,
        }
    }

    /// A message was handed over to Paho.
    pub(crate) fn track(&mut self, id: MessageId, token: mqtt::DeliveryToken) {
        let answered: Box<dyn FnOnce(_) -> _> = Box::new(move |result| (id, result));
        self.tokens.push(token.map(answered));
    }

    pub(crate) async fn event(&mut self, settle: Duration) -> Event {
        loop {
            if self.counted < *self.written.borrow_and_update()
                && let Some(id) = self.unwritten.pop_front()
            {
                self.counted += 1;
                return Event::Published(id);
            }
            if let Some(step) = self.session.as_ref().and_then(Session::step) {
                return errors::step(step, Some(&self.state));
            }
            if let Some((_, failure)) = &self.lost
                && self.tokens.is_empty()
                && (self.silent || self.session.is_none())
            {
                return Event::Lost(failure.clone());
            }
            let gone = tokio::select! {
                biased;
                Some((id, result)) = self.tokens.next() => match (result, self.lost.is_some()) {
                    (Ok(()), _) => return Event::Published(id),
                    (Err(error), false) => match errors::message(&error, &self.state) {
                        Some(refusal) => return refusal.event(id),
                        // Paho gave the connection up. The tunnel may know why.
                        None => Some(self.state.ended().unwrap_or(Ended::ByUs)),
                    },
                    (Err(_), true) => None,
                },
                Ok(()) = self.written.changed() => None,
                () = stepped(&self.session) => None,
                ended = self.state.wait_ended(), if self.lost.is_none() => Some(ended),
                () = silence(&self.state, &self.lost) => {
                    // Tokens of messages that never left Paho, and all of MQTT 5, stay silent.
                    self.tokens.clear();
                    self.silent = true;
                    None
                }
            };
            // Acknowledgements that arrived before the end are still on their way through Paho.
            self.lost = match gone {
                Some(Ended::Failed(failure)) => Some((Instant::now() + settle, failure)),
                Some(Ended::ByUs) => Some((Instant::now() + settle, errors::closed())),
                None => self.lost.take(),
            };
        }
    }
}

async fn stepped(session: &Option<Session>) {
    match session {
        Some(session) => session.stepped().await,
        None => std::future::pending().await,
    }
}

/// After a loss: until Paho noticed it too and had time for its last words, or the time is over.
async fn silence(state: &ConnectionState, lost: &Option<(Instant, Failure)>) {
    let Some((end, _)) = lost else { return std::future::pending().await };
    let noticed = async {
        state.wait_closed().await;
        sleep(CALLBACK_GRACE).await;
    };
    let _ = timeout_at(*end, noticed).await;
}
