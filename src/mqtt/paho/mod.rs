//! [`Broker`] with Eclipse Paho behind the tunnel. What Paho needs to be reliable, all of it found by experiment:
//!
//! - its own reconnecting, buffering and files stay off; at most a window of messages is in its hands;
//! - a client whose connection was lost is not used again: messages may still be queued in it. What a session at QoS 2 still
//!   has to repeat goes to the next client through our `session`;
//! - the last handle of a client is dropped a while after its last callback, on a thread of its own (else it deadlocks);
//! - errors are told apart by their variant: the texts of some are empty or wrong.

use crate::mqtt::client::{BrokerConfig, Client, Event, NotSent, Probe, STATUS_ID};
use crate::mqtt::connection_state::{ConnectionState, Ended, Patience};
use crate::mqtt::limits::Limits;
use crate::mqtt::packet;
use crate::mqtt::paho::connection::Connection;
use crate::mqtt::paho::options::Start;
use crate::mqtt::paho::retired::Retired;
use crate::mqtt::paho::session::{Owner, Session};
use crate::mqtt::tls::Tls;
use crate::mqtt::transport::Transport;
use crate::mqtt::tunnel::Tunnel;

mod connection;
mod errors;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod options;
mod retired;
pub(crate) mod session;
pub(crate) mod session_file;

use crate::config::{MqttVersion, Qos, StateLock};
use crate::log;
use crate::model::{Failure, LastError, Message, MessageId};
use crate::mqtt::exchange::Accepted;
use crate::threads;
use futures_util::FutureExt;
use paho_mqtt as mqtt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// At most one connection to a broker, with Paho.
pub(crate) struct Paho {
    tunnels: Handle,
    limits: Limits,
    client: Option<PahoClient>,
    retired: Retired,
    /// The session at the broker that accepted us last.
    session: Option<Session>,
    /// One that is to be made at a broker that is being tried.
    next: Option<Session>,
    /// Where a session outlives us.
    state: Option<Arc<StateLock>>,
}

/// A Paho client and its tunnel.
struct PahoClient {
    endpoint: BrokerConfig,
    tunnel: Tunnel,
    mqtt: mqtt::AsyncClient,
    /// The session that lasts, if this is its client.
    session: Option<Session>,
    /// The last connection that was tried.
    state: Option<Arc<ConnectionState>>,
    connection: Option<Connection>,
}

impl Paho {
    /// The tunnels run on another runtime than this client, so that a call into Paho that blocks cannot block them.
    pub(crate) fn new(tunnels: Handle, state: Option<Arc<StateLock>>, limits: Limits) -> Self {
        Self { tunnels, limits, client: None, retired: Retired::default(), session: None, next: None, state }
    }

    fn file(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|state| state.directory().join(session_file::NAME))
    }

    async fn drop_later(&mut self) {
        let Some(PahoClient { state, session, .. }) = &self.client else { return };
        if let Some(state) = state {
            state.abort();
            // The session is the next client's only when this one reaches the broker no more.
            if session.is_some() {
                let _ = timeout(self.limits.settle, state.wait_ended()).await;
            }
        }
        let Some(client) = self.client.take() else { return };
        if let Some(session) = &client.session {
            session.detach();
        }
        let after = self.limits.retire;
        // The tokens go with the client: theirs are the last words on messages that it still holds.
        let (mqtt, connection) = (client.mqtt, client.connection);
        self.retired.add(mqtt, after);
        drop(connection);
    }

    fn hand_over(&mut self, id: MessageId, message: mqtt::Message) -> Result<(), NotSent> {
        let gone = || NotSent::Lost(Failure::new(LastError::Closed, "The connection is gone."));
        let client = self.client.as_mut().ok_or_else(gone)?;
        let connection = client.connection.as_mut().ok_or_else(gone)?;
        // Paho may notice the end of the connection first, but only the tunnel knows its reason.
        let state = connection.state.clone();
        let lost = || match state.ended() {
            Some(Ended::Failed(failure)) => NotSent::Lost(failure),
            _ => gone(),
        };
        let packet = message.payload().len() + packet::overhead(message.topic().len());
        if packet > options::MAX_PACKET {
            return Err(NotSent::Refused(Failure::new(LastError::TooLarge, "The message is larger than MQTT allows.")));
        }
        let qos = message.qos();
        let kept = connection.session.as_ref().filter(|_| qos == mqtt::QoS::ExactlyOnce);
        if let Some(session) = kept {
            session.hand_over(id);
        }
        match (client.mqtt.try_publish(message), kept) {
            (Ok(_), Some(_)) => {}
            (Err(_), Some(session)) => {
                session.take_back();
                return Err(lost());
            }
            (Ok(_), None) if qos == mqtt::QoS::AtMostOnce => connection.unwritten.push_back(id),
            (Ok(token), None) => {
                connection.track(id, token);
            }
            (Err(_), None) => return Err(lost()),
        }
        Ok(())
    }

    async fn client(&mut self, endpoint: &BrokerConfig, session: Option<&Session>) -> Result<&mut PahoClient, Failure> {
        let fits = |client: &PahoClient| client.endpoint == *endpoint && client.session.is_some() == session.is_some();
        if !self.client.as_ref().is_some_and(fits) {
            self.drop_later().await;
        }
        match &mut self.client {
            Some(client) => Ok(client),
            empty => Ok(empty.insert(PahoClient::new(&self.tunnels, endpoint, session, self.limits)?)),
        }
    }

    /// The session with this broker: the one that we had last, or one that is to be made.
    fn session(&mut self, endpoint: &BrokerConfig) -> Session {
        let owner = Owner::of(&endpoint.mqtt);
        let known = [&self.session, &self.next].into_iter().flatten().find(|session| session.owner == owner).cloned();
        known.unwrap_or_else(|| self.next.insert(Session::new(owner)).clone())
    }

    /// What the broker said when it accepted us.
    fn accepted(&self) -> Accepted {
        let connection = self.client.as_ref().and_then(|client| client.connection.as_ref());
        connection.map(|connection| connection.state.accepted()).unwrap_or_default()
    }

    /// A session is for QoS 2 only, which not every broker supports.
    fn needs_no_session(&self) -> bool {
        self.maximum_qos().is_some()
    }

    /// Connects once.
    async fn open(
        &mut self,
        endpoint: &BrokerConfig,
        session: Option<&Session>,
        start: Start,
        factor: u32,
    ) -> Result<(), Failure> {
        let limits = self.limits;
        // Paho does not look whether it got its two threads, and waits for them for ever.
        threads::available(2).map_err(|error| inside(&format!("the system gives no thread: {error}")))?;
        let client = self.client(endpoint, session).await?;
        let state = client.tunnel.expect(Patience { factor, keep_alive: endpoint.mqtt.keep_alive });
        client.state = Some(state.clone());
        if let Some(session) = session {
            session.connecting();
        }
        let last_will = endpoint.last_will.as_ref();
        let options = options::connect(&endpoint.mqtt, last_will, limits, start, factor);
        let connection = match client.mqtt.connect(options).await {
            Ok(response) => {
                if let Some(session) = session {
                    let known = response.connect_response().is_some_and(|connected| connected.session_present);
                    // MQTT 3.1 does not tell.
                    session.connected(known || (endpoint.mqtt.version == MqttVersion::V31 && session.established()));
                }
                Connection::new(state, session.cloned())
            }
            Err(error) => {
                let ended = state.ended();
                state.abort();
                return Err(match ended {
                    Some(Ended::Failed(failure)) => failure,
                    _ => {
                        // Not the broker, not the way there: a client in this state is not used again.
                        self.drop_later().await;
                        Failure::new(LastError::Closed, format!("The MQTT client failed: {error:?}."))
                    }
                });
            }
        };
        client.connection = Some(connection);
        Ok(())
    }
}

fn upstream(endpoint: &BrokerConfig, limits: Limits) -> Result<Transport, Failure> {
    let tls = Tls::new(&endpoint.mqtt.security)?;
    let (host, port) = (endpoint.mqtt.host.clone(), endpoint.mqtt.port);
    Ok(Transport { host, port, tls, limits, lookups: &threads::LOOKUPS })
}

fn inside(what: &str) -> Failure {
    Failure::new(LastError::Closed, format!("The MQTT client cannot be set up: {what}."))
}

impl PahoClient {
    fn new(
        tunnels: &Handle,
        endpoint: &BrokerConfig,
        session: Option<&Session>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let tunnel = Tunnel::open(tunnels, upstream(endpoint, limits)?).map_err(|error| inside(&error.to_string()))?;
        let mqtt = options::client(&endpoint.mqtt, tunnel.port(), limits.window, session.map(Session::client))
            .map_err(|error| inside(&format!("{error:?}")))?;
        Ok(Self { endpoint: endpoint.clone(), tunnel, mqtt, session: session.cloned(), state: None, connection: None })
    }
}

impl Client for Paho {
    async fn connect(&mut self, endpoint: &BrokerConfig, factor: u32) -> Result<(), Failure> {
        if !endpoint.lasting {
            self.open(endpoint, None, Start::Clean, factor).await?;
            (self.session, self.next) = (None, None);
            return Ok(());
        }
        let session = self.session(endpoint);
        if !session.established() {
            // What the broker may still have of another session of ours would swallow messages of this one.
            self.open(endpoint, None, Start::Clean, factor).await?;
            if self.needs_no_session() {
                (self.session, self.next) = (None, None);
                return Ok(());
            }
            self.disconnect().await;
        }
        self.open(endpoint, Some(&session), Start::Resumed, factor).await?;
        if self.needs_no_session() {
            self.forget_session().await;
            return self.open(endpoint, None, Start::Clean, factor).await;
        }
        (self.session, self.next) = (Some(session), None);
        Ok(())
    }

    fn publish(&mut self, id: MessageId, topic: &str, payload: &[u8], qos: Qos) -> Result<(), NotSent> {
        self.hand_over(id, mqtt::Message::new(topic, payload, options::qos(qos)))
    }

    fn publish_status(&mut self, topic: &str, payload: &[u8]) -> Result<(), NotSent> {
        let accepted = self.accepted();
        if accepted.retain_available == Some(false) || accepted.maximum_qos == Some(0) {
            let detail = "The broker takes no retained messages at QoS 1.";
            return Err(NotSent::Refused(Failure::new(LastError::StatusTopic, detail)));
        }
        self.hand_over(STATUS_ID, options::status(topic, payload))
    }

    fn maximum_qos(&self) -> Option<Qos> {
        match self.accepted().maximum_qos {
            Some(0) => Some(Qos::AtMostOnce),
            Some(1) => Some(Qos::AtLeastOnce),
            _ => None,
        }
    }

    fn maximum_packet_size(&self) -> Option<usize> {
        self.accepted().maximum_packet_size.and_then(|size| usize::try_from(size).ok())
    }

    fn last_received(&self) -> Option<std::time::Instant> {
        self.client.as_ref()?.connection.as_ref()?.state.last_received()
    }

    fn probe(&self, endpoint: &BrokerConfig) -> Probe {
        let Ok(upstream) = upstream(endpoint, self.limits) else { return Box::pin(std::future::ready(false)) };
        let asked = self.tunnels.spawn(async move { upstream.connect(1).await.is_ok() });
        Box::pin(asked.map(|answer| answer.unwrap_or(false)))
    }

    async fn next_event(&mut self) -> Event {
        let settle = self.limits.settle;
        match self.client.as_mut().and_then(|client| client.connection.as_mut()) {
            Some(connection) => connection.event(settle).await,
            None => Event::Lost(Failure::new(LastError::Closed, "There is no connection.")),
        }
    }

    async fn disconnect(&mut self) {
        let Some(connection) = self.client.as_mut().and_then(|client| client.connection.take()) else { return };
        let kept = connection.session.as_ref().is_some_and(|session| !session.pending().is_empty());
        let left = kept || !connection.tokens.is_empty() || !connection.unwritten.is_empty();
        if let Some(client) = &self.client {
            // Its token is of no use: with MQTT 5 it is never answered. The socket tells.
            drop(client.mqtt.disconnect(None));
        }
        let closed = timeout(self.limits.farewell, connection.state.wait_closed()).await.is_ok();
        connection.state.abort();
        if left || !closed {
            self.drop_later().await;
        }
    }

    async fn abort(&mut self) {
        self.drop_later().await;
    }

    fn keeps(&self, id: MessageId) -> bool {
        self.session.as_ref().is_some_and(|session| session.has(id))
    }

    fn session_event(&mut self) -> Option<Event> {
        let step = self.session.as_ref().and_then(Session::step)?;
        let state = self.client.as_ref().and_then(|client| client.state.as_deref());
        Some(errors::step(step, state))
    }

    async fn forget_session(&mut self) {
        self.drop_later().await;
        (self.session, self.next) = (None, None);
    }

    fn resume(&mut self, add: impl FnMut(Message) -> MessageId) -> u64 {
        // Another service may have a session there.
        self.state.take_if(|state| state.take().is_err());
        let Some(file) = self.file() else { return 0 };
        let taken = session_file::take(&file, add);
        // What is in flight at the end then goes where it goes without a file: to the spool.
        self.state.take_if(|_| taken.foreign);
        self.session = taken.session;
        taken.lost
    }

    fn save(&mut self, flight: &[&Message]) -> bool {
        let (Some(file), Some(session)) = (self.file(), &self.session) else { return false };
        match session_file::save(&file, session, flight) {
            Ok(None) => true,
            // It is there, and the next start takes it.
            Ok(Some(error)) => {
                log::session(&file, "is written, but a loss of power may undo that", &error.to_string());
                true
            }
            Err(error) => {
                log::session(&file, "cannot be written, what is in flight is sent anew", &error.to_string());
                false
            }
        }
    }

    async fn close(&mut self) {
        self.drop_later().await;
        self.retired.ended().await;
    }
}
