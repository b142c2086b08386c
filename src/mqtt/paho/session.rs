//! A session that outlives connections (QoS 2): which messages the broker has not acknowledged wholly, and in which packets.
//! Paho keeps it with us (its "persistence"), in memory; `session_file` carries it across a restart of the service.
//!
//! A message is in the session from the moment before its first byte is sent. What Paho does with its packets tells what
//! became of a message: PUBREL put: the broker has it; PUBLISH removed after that: it is done; removed without: refused.

use crate::config::{Broker, MqttVersion};
use crate::model::MessageId;
use paho_mqtt::{ClientPersistence, Error};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Whose session it is, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    host: String,
    port: u16,
    client_id: String,
    username: String,
    pub(crate) mqtt5: bool,
}

impl Owner {
    pub(crate) fn of(mqtt: &Broker) -> Self {
        Self {
            host: mqtt.host.clone(),
            port: mqtt.port,
            client_id: mqtt.client_id.clone(),
            username: mqtt.login.as_ref().map(|login| login.username.clone()).unwrap_or_default(),
            mqtt5: mqtt.version == MqttVersion::V5,
        }
    }
}

/// A message that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingPublish {
    pub(crate) message_id: MessageId,
    /// The PUBLISH packet.
    pub(crate) publish: Vec<u8>,
    /// The PUBREL packet, once the broker has the message.
    pub(crate) release: Option<Vec<u8>>,
}

/// What Paho did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The broker has it; it repeats nothing of it any more.
    Accepted(MessageId),
    /// Done.
    Done(MessageId),
    /// The broker will not have it; the packet id tells why (`mqtt::exchange`).
    Refused(MessageId, u16),
}

impl Step {
    pub(crate) fn message_id(self) -> u64 {
        match self {
            Self::Accepted(message_id) | Self::Done(message_id) | Self::Refused(message_id, _) => message_id,
        }
    }
}

/// A session at a broker. Clones are the same session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) owner: Owner,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    stepped: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the broker has this session: it was made, and every packet since then is known here.
    established: bool,
    /// Which client may change the session. Others are cut off from the broker.
    client: u64,
    /// Messages handed over to it, in order, whose PUBLISH was not sent yet.
    waiting: VecDeque<MessageId>,
    pending: BTreeMap<u16, PendingPublish>,
    steps: VecDeque<Step>,
    /// While CONNECT is not answered: what a client does then may mean that there is no session.
    connecting: Option<Vec<Step>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// A session that the broker does not have yet.
    pub(crate) fn new(owner: Owner) -> Self {
        Self { owner, shared: Arc::default() }
    }

    /// A session of an earlier run.
    pub(crate) fn resumed(owner: Owner, messages: BTreeMap<u16, PendingPublish>) -> Self {
        let session = Self::new(owner);
        let mut state = session.shared.state();
        (state.established, state.pending) = (true, messages);
        drop(state);
        session
    }

    /// Whether the broker has it.
    pub(crate) fn established(&self) -> bool {
        self.shared.state().established
    }

    /// A place for one more client to keep its packets. Clients before it change nothing any more.
    pub(crate) fn client(&self) -> PahoPersistence {
        let mut state = self.shared.state();
        state.client += 1;
        let (shared, client, mqtt5) = (self.shared.clone(), state.client, self.owner.mqtt5);
        PahoPersistence { shared, client, mqtt5, commands: HashMap::new() }
    }

    /// The client is cut off: what was not sent will never be.
    pub(crate) fn detach(&self) {
        let mut state = self.shared.state();
        state.client += 1;
        state.waiting.clear();
        // What they meant is not known; such a message is published anew.
        state.connecting = None;
    }

    /// CONNECT follows.
    pub(crate) fn connecting(&self) {
        self.shared.state().connecting.get_or_insert_default();
    }

    /// The broker accepted us; `present` tells whether it knows the session.
    pub(crate) fn connected(&self, present: bool) {
        let mut state = self.shared.state();
        let early = state.connecting.take();
        if present {
            state.steps.extend(early.into_iter().flatten());
        } else {
            // Paho forgot its packets as well.
            state.pending.clear();
        }
        state.established = true;
    }

    /// A message is handed over to the client.
    pub(crate) fn hand_over(&self, message_id: MessageId) {
        self.shared.state().waiting.push_back(message_id);
    }

    /// The client did not take the newest one.
    pub(crate) fn take_back(&self) {
        self.shared.state().waiting.pop_back();
    }

    /// Whether this message is in the session: it will be repeated, or there is a step of it to tell.
    pub(crate) fn has(&self, message_id: MessageId) -> bool {
        let state = self.shared.state();
        state.pending.values().any(|message| message.message_id == message_id)
            || state.steps.iter().any(|step| step.message_id() == message_id)
    }

    /// The next step, if there is one already.
    pub(crate) fn step(&self) -> Option<Step> {
        self.shared.state().steps.pop_front()
    }

    /// Waits until there may be one.
    pub(crate) async fn stepped(&self) {
        self.shared.stepped.notified().await;
    }

    /// Everything on its way, by packet id.
    pub(crate) fn pending(&self) -> BTreeMap<u16, PendingPublish> {
        self.shared.state().pending.clone()
    }
}

/// Where a Paho client keeps its packets.
#[derive(Debug)]
pub(crate) struct PahoPersistence {
    shared: Arc<Shared>,
    client: u64,
    mqtt5: bool,
    /// Messages that wait inside the client. They are not part of the session.
    commands: HashMap<String, Vec<u8>>,
}

enum Key {
    Publish(u16),
    Release(u16),
    Command,
    Other,
}

impl PahoPersistence {
    fn key(&self, key: &str) -> Key {
        let (publish, release) = if self.mqtt5 { ("s5", "sc5") } else { ("s", "sc") };
        let Some((kind, id)) = key.split_once('-') else { return Key::Other };
        match (kind, id.parse()) {
            ("c" | "c5", _) => Key::Command,
            (kind, Ok(id)) if kind == publish => Key::Publish(id),
            (kind, Ok(id)) if kind == release => Key::Release(id),
            _ => Key::Other,
        }
    }

    /// The session, while it is this client's.
    fn session(&self) -> Option<MutexGuard<'_, State>> {
        let state = self.shared.state();
        (state.client == self.client).then_some(state)
    }

    fn tell(&self, state: &mut State, step: Step) {
        match &mut state.connecting {
            Some(early) => early.push(step),
            None => state.steps.push_back(step),
        }
        self.shared.stepped.notify_one();
    }
}

/// Two bits of the first byte of a PUBLISH packet.
fn is_qos2(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 1 & 3 == 2)
}

impl ClientPersistence for PahoPersistence {
    fn open(&mut self, _: &str, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn put(&mut self, key: &str, buffers: Vec<&[u8]>) -> Result<(), Error> {
        match self.key(key) {
            Key::Command => drop(self.commands.insert(key.to_owned(), buffers.concat())),
            Key::Publish(id) => {
                let Some(mut state) = self.session() else { return Ok(()) };
                let publish = buffers.concat();
                // One that is known is repeated.
                if is_qos2(&publish)
                    && !state.pending.contains_key(&id)
                    && let Some(message_id) = state.waiting.pop_front()
                {
                    state.pending.insert(id, PendingPublish { message_id, publish, release: None });
                }
            }
            Key::Release(id) => {
                let Some(mut state) = self.session() else { return Ok(()) };
                if let Some(message) = state.pending.get_mut(&id)
                    && message.release.replace(buffers.concat()).is_none()
                {
                    let step = Step::Accepted(message.message_id);
                    self.tell(&mut state, step);
                }
            }
            Key::Other => {}
        }
        Ok(())
    }

    fn get(&mut self, key: &str) -> Result<Vec<u8>, Error> {
        let found = match self.key(key) {
            Key::Command => self.commands.get(key).cloned(),
            Key::Publish(id) => self.session().and_then(|state| Some(state.pending.get(&id)?.publish.clone())),
            Key::Release(id) => self.session().and_then(|state| state.pending.get(&id)?.release.clone()),
            Key::Other => None,
        };
        found.ok_or(Error::General("not there"))
    }

    fn remove(&mut self, key: &str) -> Result<(), Error> {
        match self.key(key) {
            Key::Command => drop(self.commands.remove(key)),
            Key::Publish(id) => {
                let Some(mut state) = self.session() else { return Ok(()) };
                if let Some(message) = state.pending.remove(&id) {
                    let (message_id, accepted) = (message.message_id, message.release.is_some());
                    self.tell(
                        &mut state,
                        if accepted { Step::Done(message_id) } else { Step::Refused(message_id, id) },
                    );
                }
            }
            // It goes with its PUBLISH.
            Key::Release(_) | Key::Other => {}
        }
        Ok(())
    }

    fn keys(&mut self) -> Result<Vec<String>, Error> {
        let Some(state) = self.session() else { return Ok(Vec::new()) };
        let version = if self.mqtt5 { "5" } else { "" };
        let keys = state.pending.iter().flat_map(|(id, message)| {
            let release = message.release.is_some().then(|| format!("sc{version}-{id}"));
            std::iter::once(format!("s{version}-{id}")).chain(release)
        });
        Ok(keys.collect())
    }

    fn clear(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The answer is the wrong way round on purpose: it reaches Paho's C library as 1 for true, where 0 means "it is there".
    fn contains_key(&mut self, key: &str) -> bool {
        self.get(key).is_err()
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
