//! [`Broker`] with Eclipse Paho behind the tunnel. What Paho needs to be reliable, all of it found by experiment:
//!
//! - its own reconnecting, buffering and persistence stay off; at most a window of messages is in its hands;
//! - a client whose connection was lost is not used again: messages may still be queued in it;
//! - the last handle of a client is dropped a while after its last callback, on a thread of its own (else it deadlocks);
//! - errors are told apart by their variant: the texts of some are empty or wrong.

use super::broker::{Broker, Event, NotSent};
use super::limits::Limits;
use super::line::{Ended, Line};
use super::orders::Endpoint;
use super::tls::Tls;
use super::tunnel::Tunnel;
use super::upstream::Upstream;
use super::{paho_error, paho_options};
use crate::config::Qos;
use crate::stats::Failure;
use futures_util::FutureExt;
use futures_util::future::Map;
use futures_util::stream::{FuturesUnordered, StreamExt};
use paho_mqtt as mqtt;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep, timeout, timeout_at};

/// Between the moment when Paho closes its socket and its last callback.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// See the module.
pub(crate) struct Paho {
    tunnels: Handle,
    limits: Limits,
    client: Option<Client>,
    retired: JoinSet<()>,
}

/// A Paho client and its tunnel.
struct Client {
    endpoint: Endpoint,
    tunnel: Tunnel,
    mqtt: mqtt::AsyncClient,
    session: Option<Session>,
}

/// One accepted connection.
struct Session {
    line: Arc<Line>,
    /// QoS 1 and 2: what Paho still has to say of each message.
    tokens: FuturesUnordered<Token>,
    /// QoS 0: tags in the order of handing over, which is the order on the wire.
    unwritten: VecDeque<u64>,
    written: watch::Receiver<u64>,
    counted: u64,
    /// Largest packet that the broker takes (MQTT 5 tells).
    max_packet: Option<usize>,
    /// After a loss: until when the last tokens may speak.
    lost: Option<(Instant, Failure)>,
}

type Answered = (u64, Result<(), mqtt::Error>);
type Token = Map<mqtt::DeliveryToken, Box<dyn FnOnce(Result<(), mqtt::Error>) -> Answered>>;

impl Paho {
    /// The tunnels run on another runtime than this client, so that a call into Paho that blocks cannot block them.
    pub(crate) fn new(tunnels: Handle, limits: Limits) -> Self {
        Self { tunnels, limits, client: None, retired: JoinSet::new() }
    }

    fn retire(&mut self) {
        let Some(client) = self.client.take() else { return };
        if let Some(session) = &client.session {
            session.line.hang_up();
        }
        let after = self.limits.retire;
        // The tokens go with the client: theirs are the last words on messages that it still holds.
        let (mqtt, session) = (client.mqtt, client.session);
        self.retired.spawn_blocking(move || {
            std::thread::sleep(after);
            drop(mqtt);
        });
        drop(session);
        while self.retired.try_join_next().is_some() {}
    }

    fn client(&mut self, endpoint: &Endpoint) -> Result<&mut Client, Failure> {
        if self.client.as_ref().is_some_and(|client| client.endpoint != *endpoint) {
            self.retire();
        }
        match &mut self.client {
            Some(client) => Ok(client),
            empty => Ok(empty.insert(Client::new(&self.tunnels, endpoint, self.limits)?)),
        }
    }
}

impl Client {
    fn new(tunnels: &Handle, endpoint: &Endpoint, limits: Limits) -> Result<Self, Failure> {
        let inside = |what: &str| Failure::new("closed", format!("The MQTT client cannot be set up: {what}."));
        let tls = Tls::new(&endpoint.mqtt.security)?;
        let upstream = Upstream { host: endpoint.mqtt.host.clone(), port: endpoint.mqtt.port, tls, limits };
        let tunnel = Tunnel::open(tunnels, upstream).map_err(|error| inside(&error.to_string()))?;
        let mqtt = paho_options::client(&endpoint.mqtt, tunnel.port(), limits.window)
            .map_err(|error| inside(&format!("{error:?}")))?;
        Ok(Self { endpoint: endpoint.clone(), tunnel, mqtt, session: None })
    }
}

impl Broker for Paho {
    async fn connect(&mut self, endpoint: &Endpoint) -> Result<(), Failure> {
        let limits = self.limits;
        let client = self.client(endpoint)?;
        let line = client.tunnel.expect();
        let options = paho_options::connect(&endpoint.mqtt, limits);
        let session = match client.mqtt.connect(options).await {
            Ok(response) => Session::new(line, &response),
            Err(error) => {
                let ended = line.ended();
                line.hang_up();
                return Err(match (paho_error::refusal(&error), ended) {
                    (Some(refusal), _) => refusal,
                    (None, Some(Ended::Failed(failure))) => failure,
                    (None, _) => {
                        // Not the broker, not the way there: a client in this state is not used again.
                        self.retire();
                        Failure::new("closed", format!("The MQTT client failed: {error:?}."))
                    }
                });
            }
        };
        client.session = Some(session);
        Ok(())
    }

    fn publish(&mut self, tag: u64, topic: &str, payload: &[u8], qos: Qos) -> Result<(), NotSent> {
        let lost = || NotSent::Lost(Failure::new("closed", "The connection is gone."));
        let client = self.client.as_mut().ok_or_else(lost)?;
        let session = client.session.as_mut().ok_or_else(lost)?;
        // Fixed header, length of the topic, packet id, and the length of no properties.
        let packet = topic.len() + payload.len() + 10;
        if session.max_packet.is_some_and(|max| packet > max) || packet > paho_options::MAX_PACKET {
            return Err(NotSent::Refused(Failure::new("refused", "The message is larger than the broker takes.")));
        }
        match client.mqtt.try_publish(mqtt::Message::new(topic, payload, paho_options::qos(qos))) {
            Ok(_) if qos == Qos::AtMostOnce => session.unwritten.push_back(tag),
            Ok(token) => {
                let answered: Box<dyn FnOnce(_) -> _> = Box::new(move |result| (tag, result));
                session.tokens.push(token.map(answered));
            }
            Err(_) => return Err(lost()),
        }
        Ok(())
    }

    async fn event(&mut self) -> Event {
        let settle = self.limits.settle;
        match self.client.as_mut().and_then(|client| client.session.as_mut()) {
            Some(session) => session.event(settle).await,
            None => Event::Lost(Failure::new("closed", "There is no connection.")),
        }
    }

    async fn disconnect(&mut self) {
        let Some(session) = self.client.as_mut().and_then(|client| client.session.take()) else { return };
        let left = !session.tokens.is_empty() || !session.unwritten.is_empty();
        if let Some(client) = &self.client {
            // Its token is of no use: with MQTT 5 it is never answered. The socket tells.
            drop(client.mqtt.disconnect(None));
        }
        let closed = timeout(self.limits.farewell, session.line.wait_closed()).await.is_ok();
        session.line.hang_up();
        if left || !closed {
            self.retire();
        }
    }

    fn abandon(&mut self) {
        self.retire();
    }

    async fn close(&mut self) {
        self.retire();
        while self.retired.join_next().await.is_some() {}
    }
}

impl Session {
    fn new(line: Arc<Line>, response: &mqtt::ServerResponse) -> Self {
        let max_packet = response.properties().get_int(mqtt::PropertyCode::MaximumPacketSize);
        Self {
            tokens: FuturesUnordered::new(),
            unwritten: VecDeque::new(),
            written: line.written(),
            counted: 0,
            max_packet: max_packet.and_then(|max| usize::try_from(max).ok()).filter(|max| *max > 0),
            lost: None,
            line,
        }
    }

    async fn event(&mut self, settle: Duration) -> Event {
        loop {
            if self.counted < *self.written.borrow_and_update()
                && let Some(tag) = self.unwritten.pop_front()
            {
                self.counted += 1;
                return Event::Published(tag);
            }
            if let Some((_, failure)) = &self.lost
                && self.tokens.is_empty()
            {
                return Event::Lost(failure.clone());
            }
            let gone = tokio::select! {
                biased;
                Some((tag, result)) = self.tokens.next() => match (result, self.lost.is_some()) {
                    (Ok(()), _) => return Event::Published(tag),
                    (Err(error), false) => match paho_error::message(&error) {
                        Some(failure) => return Event::Refused(tag, failure),
                        // Paho gave the connection up. The tunnel may know why.
                        None => Some(self.line.ended().unwrap_or(Ended::ByUs)),
                    },
                    (Err(_), true) => None,
                },
                Ok(()) = self.written.changed() => None,
                ended = self.line.wait_ended(), if self.lost.is_none() => Some(ended),
                () = silence(&self.line, &self.lost) => {
                    // Tokens of messages that never left Paho, and all of MQTT 5, stay silent.
                    self.tokens.clear();
                    None
                }
            };
            // Acknowledgements that arrived before the end are still on their way through Paho.
            self.lost = match gone {
                Some(Ended::Failed(failure)) => Some((Instant::now() + settle, failure)),
                Some(Ended::ByUs) => Some((Instant::now() + settle, paho_error::closed())),
                None => self.lost.take(),
            };
        }
    }
}

/// After a loss: until Paho noticed it too and had time for its last words, or the time is over.
async fn silence(line: &Line, lost: &Option<(Instant, Failure)>) {
    let Some((end, _)) = lost else { return std::future::pending().await };
    let noticed = async {
        line.wait_closed().await;
        sleep(LAST_WORDS).await;
    };
    let _ = timeout_at(*end, noticed).await;
}
