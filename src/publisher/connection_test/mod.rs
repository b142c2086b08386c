//! One try of a broker, step by step, beside the connection that is in use: its name, TCP, TLS, MQTT, a message.
//!
//! Not with Paho: two of its clients in one process share locks, and the one in use must not wait for this one (decision
//! record 0011).

mod packets;
mod talk;

use crate::config::{Broker, Config, Framing, MqttVersion, Qos};
use crate::model::{Address, Failure, LastError};
use crate::mqtt::client::BrokerConfig;
use crate::mqtt::limits::Limits;
use crate::mqtt::packet;
use crate::mqtt::reason;
use crate::mqtt::tls::{self, Tls};
use crate::mqtt::transport::{Duplex, Transport};
use crate::publisher::config_watch::{self, Target};
use crate::threads;
use std::time::Duration;
use talk::Talk;
use tokio::time::{Instant, timeout, timeout_at};

/// What is tried, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The addresses of `Host` are found.
    Name,
    /// One of them accepts a connection.
    Tcp,
    /// Both sides prove who they are.
    Tls,
    /// The broker accepts the login.
    Mqtt,
    /// The broker takes a message on `ScanTopic`.
    Publish,
}

/// Every step.
pub const STEPS: [Step; 5] = [Step::Name, Step::Tcp, Step::Tls, Step::Mqtt, Step::Publish];

impl Step {
    /// The word on D-Bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Mqtt => "mqtt",
            Self::Publish => "publish",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionTest {
    /// Where it failed and why; `None` if the broker took a message.
    pub failure: Option<(Step, Failure)>,
    /// What was done and how long it took.
    pub steps: Vec<(Step, Duration)>,
    /// `host:port`.
    pub broker: String,
    /// The address that accepted.
    pub address: String,
    /// Protocol and cipher.
    pub tls: String,
    /// The broker's own certificate.
    pub certificate: Option<crate::model::Certificate>,
    /// Another one than in use, which the broker would end.
    pub client_id: String,
    /// Where the message went.
    pub topic: String,
    /// What is to be known although the broker took the message; a sentence or none.
    pub note: String,
}

/// Bytes of an item, as most adverts are.
const ITEM: usize = 220;
/// Largest message that is sent to find out whether the broker takes it.
const MAX_BLANK: usize = 64 * 1024;
/// For MQTT and the message each: with [`Limits::connect`] less than [`WHOLE`].
const ANSWER: Duration = Duration::from_secs(6);
/// For everything: callers on D-Bus give up after 25 s.
const WHOLE: Duration = Duration::from_secs(24);

/// Tries the first broker of these settings; `None` if they have none.
pub async fn test(config: &Config, router: Address) -> Option<ConnectionTest> {
    let (Target { broker, .. }, publish) = config_watch::read(config, router)?;
    let (mut test, mut room) = (ConnectionTest::default(), String::new());
    test.broker = broker.name();
    test.topic = publish.topic(Some(router), &mut room).to_owned();
    test.client_id = client_id(&broker.mqtt);
    let framing = config.payload.framing;
    let message = Sample { qos: publish.qos, payload: sample(framing).to_vec() };
    let batch = Batch { adverts: if framing == Framing::Object { 1 } else { config.batch.size }, framing };
    if let Err(failed) = test.run(&broker, &message, &batch).await {
        test.failure = Some(failed);
    }
    Some(test)
}

/// MQTT 3.1 allows 23 characters.
fn client_id(mqtt: &Broker) -> String {
    const SUFFIX: &str = "-test";
    let room = if mqtt.version == crate::config::MqttVersion::V31 { 23 } else { 256 } - SUFFIX.len();
    let end = mqtt.client_id.floor_char_boundary(room);
    format!("{}{SUFFIX}", &mqtt.client_id[..end])
}

type Failed = (Step, Failure);

/// The message of a test.
struct Sample {
    qos: Qos,
    payload: Vec<u8>,
}

/// What a full batch of the settings is like.
struct Batch {
    adverts: u32,
    framing: Framing,
}

impl Batch {
    /// Bytes of its payload, as most adverts are.
    fn bytes(&self) -> usize {
        self.adverts as usize * ITEM
    }

    /// A message without an advert of as many bytes.
    fn blank(&self, bytes: usize) -> Vec<u8> {
        let mut payload = sample(self.framing).to_vec();
        // Blanks between the last two brackets, or before the only one.
        let end = payload.len() - if self.framing == Framing::Envelope { 2 } else { 1 };
        payload.splice(end..end, std::iter::repeat_n(b' ', bytes.saturating_sub(end)));
        payload
    }
}

impl ConnectionTest {
    async fn run(&mut self, endpoint: &BrokerConfig, message: &Sample, batch: &Batch) -> Result<(), Failed> {
        let (mqtt, end) = (&endpoint.mqtt, Instant::now() + WHOLE);
        let security = mqtt.security.clone();
        let tls = threads::check(move || Tls::new(&security)).await.map_err(|failure| (Step::Tls, failure))?;
        let (limits, lookups) = (Limits::default(), &threads::TEST_LOOKUPS);
        let upstream = Transport { host: mqtt.host.clone(), port: mqtt.port, tls, limits, lookups };
        let mut talk = Talk::new(&upstream, self.connect(&upstream).await?);
        let will = endpoint.last_will.as_ref();
        let greet = packets::connect(mqtt, mqtt.version, &self.client_id, will);
        if let Err((step, failure)) = self.exchange(Step::Mqtt, talk.connect(&greet)).await {
            let over_will = matches!(failure.code, LastError::Closed | LastError::Auth) && will.is_some();
            // Does it hang up over the last will?
            let other = async { self.again(&upstream, mqtt, mqtt.version, None).await.is_ok() };
            if over_will && timeout_at(end, other).await.unwrap_or(false) {
                return Err((step, will_unwanted()));
            }
            let older = async { self.again(&upstream, mqtt, MqttVersion::V311, None).await.is_ok() };
            let over_version = failure.code == LastError::Closed && mqtt.version == MqttVersion::V5;
            if over_version && timeout_at(end, older).await.unwrap_or(false) {
                return Err((step, reason::unsupported_version()));
            }
            return Err((step, failure));
        }
        let accepted = talk.accepted();
        if let Some(maximum) = accepted.maximum_qos.filter(|maximum| *maximum < message.qos as u8) {
            return Err((Step::Publish, qos_too_high(maximum)));
        }
        // QoS 1 tells more than QoS 0, where the broker takes it.
        let qos = if accepted.maximum_qos == Some(0) { Qos::AtMostOnce } else { message.qos.max(Qos::AtLeastOnce) };
        let publish = packets::publish(mqtt.version, &self.topic, &message.payload, qos);
        let topic = self.topic.clone();
        let published = self.exchange(Step::Publish, async {
            talk.publish(&publish, qos).await.map_err(|failure| no_thanks(failure, &topic))
        });
        if let Err((step, failure)) = published.await {
            let lower = Sample { qos: Qos::AtLeastOnce, payload: message.payload.clone() };
            let other = async { self.again(&upstream, mqtt, mqtt.version, Some(&lower)).await.is_ok() };
            if qos == Qos::ExactlyOnce
                && failure.code == LastError::MessageRefused
                && timeout_at(end, other).await.unwrap_or(false)
            {
                return Err((step, qos2_unwanted()));
            }
            return Err((step, failure));
        }
        talk.end().await;
        let refuses_status = accepted.retain_available == Some(false) || accepted.maximum_qos == Some(0);
        if will.is_some() && refuses_status {
            return Err((Step::Mqtt, status_unwanted()));
        }
        let told = accepted.maximum_packet_size.and_then(|size| usize::try_from(size).ok());
        self.judge_size(&upstream, mqtt, qos, batch, told, end).await?;
        if mqtt.version != MqttVersion::V5 {
            // Older versions have no word for "not authorised": such a message is acknowledged and thrown away.
            let at_one = Sample { qos: Qos::AtLeastOnce, payload: message.payload.clone() };
            let asked = timeout_at(end, self.again(&upstream, mqtt, MqttVersion::V5, Some(&at_one))).await;
            match asked {
                Ok(Ok(())) => {}
                Ok(Err(failure)) if failure.code == LastError::NotAuthorised => return Err((Step::Publish, failure)),
                _ => self.note.push_str(TAKEN),
            }
        }
        Ok(())
    }

    /// Whether the broker takes a full batch: it says so, or is sent one of blanks. Else batches are split, and that is no failure
    /// as long as one advert fits.
    async fn judge_size(
        &mut self,
        upstream: &Transport,
        mqtt: &Broker,
        qos: Qos,
        batch: &Batch,
        told: Option<usize>,
        end: Instant,
    ) -> Result<(), Failed> {
        let room = packet::overhead(self.topic.len());
        let (full, adverts) = (room + batch.bytes(), batch.adverts);
        if let Some(told) = told {
            if told < room + ITEM {
                return Err((Step::Publish, too_small(told, room + ITEM)));
            }
            if told < full {
                self.note = format!(
                    " It takes packets of at most {told} bytes, and a full batch (PushBatchSize {adverts}) takes about {full}: batches \
                     are split."
                );
            }
            return Ok(());
        }
        // The second message of a test is for what may fail alone.
        let bytes = batch.bytes().min(MAX_BLANK);
        if bytes > 2 * ITEM && qos != Qos::AtMostOnce {
            let blank = Sample { qos, payload: batch.blank(bytes) };
            let asked = timeout_at(end, self.again(upstream, mqtt, mqtt.version, Some(&blank))).await;
            if let Ok(Err(Failure { code: LastError::Closed | LastError::TooLarge, .. })) = asked {
                self.note = format!(
                    " It does not take a message of {bytes} bytes, as a full batch (PushBatchSize {adverts}) is: batches are split once \
                     that is learned. Lower PushBatchSize, or let the broker take larger messages."
                );
            }
        }
        Ok(())
    }

    /// Another connection without a last will, to ask the broker one thing more.
    async fn again(
        &self,
        upstream: &Transport,
        mqtt: &Broker,
        version: MqttVersion,
        message: Option<&Sample>,
    ) -> Result<(), Failure> {
        let mut talk = Talk::new(upstream, upstream.connect(1).await?);
        talk.connect(&packets::connect(mqtt, version, &self.client_id, None)).await?;
        if let Some(Sample { qos, payload }) = message {
            talk.publish(&packets::publish(version, &self.topic, payload, *qos), *qos).await?;
        }
        talk.end().await;
        Ok(())
    }

    async fn connect(&mut self, upstream: &Transport) -> Result<Box<dyn Duplex>, Failed> {
        let late = |_| upstream.late(upstream.limits.connect);
        let end = Instant::now() + upstream.limits.connect;
        let addresses = self.step(Step::Name, timeout_at(end, upstream.resolve())).await;
        let addresses = addresses.map_err(late).and_then(|found| found).map_err(|f| (Step::Name, f))?;
        let tcp = self.step(Step::Tcp, timeout_at(end, upstream.dial(&addresses))).await;
        let tcp = tcp.map_err(late).and_then(|dialled| dialled).map_err(|f| (Step::Tcp, f))?;
        self.address = tcp.peer_addr().map(|address| address.to_string()).unwrap_or_default();
        let Some(tls) = &upstream.tls else { return Ok(Box::new(tcp)) };
        let stream = self.step(Step::Tls, timeout_at(end, tls.connect(&upstream.host, tcp))).await;
        let stream = stream.map_err(late).and_then(|secured| secured).map_err(|f| (Step::Tls, f))?;
        self.tls = tls::described(stream.ssl());
        self.certificate = stream.ssl().peer_certificate().map(|leaf| crate::model::Certificate::of(&leaf));
        Ok(Box::new(stream))
    }

    async fn step<T>(&mut self, step: Step, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let done = work.await;
        self.steps.push((step, start.elapsed()));
        done
    }

    /// Does a step and gives the broker time for it.
    async fn exchange(&mut self, step: Step, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failed> {
        let done = self.step(step, timeout(ANSWER, work)).await;
        let late =
            || Failure::new(LastError::Timeout, format!("The broker did not answer within {} s.", ANSWER.as_secs()));
        // With TLS 1.3 the broker's verdict on our certificate comes with its first answer.
        let blame = |failure: Failure| (if failure.code.is_tls() { Step::Tls } else { step }, failure);
        done.unwrap_or_else(|_| Err(late())).map_err(blame)
    }
}

/// Ends the sentence of a broker of MQTT 3 that took the message.
const TAKEN: &str = " Whether it may is not known: MQTT 3 has no way to say so, and the broker speaks no version 5: if nothing \
    arrives, look at its access list.";

/// The broker hung up over the message.
fn no_thanks(failure: Failure, topic: &str) -> Failure {
    if failure.code != LastError::Closed {
        return failure;
    }
    let detail = format!(
        "The broker closed the connection instead of taking a message on {topic}. Check ScanTopic, ScanQos, and what the broker \
         allows this login and ClientId."
    );
    Failure::new(LastError::MessageRefused, detail)
}

fn will_unwanted() -> Failure {
    let detail = "The broker does not accept us with the last will on StatusTopic, and does without it. Clear StatusTopic, \
                  or let this login publish there. Until then adverts are published without a status.";
    Failure::new(LastError::StatusTopic, detail)
}

fn status_unwanted() -> Failure {
    let detail =
        "The broker takes adverts, but no retained messages at QoS 1: StatusTopic does not work there. Clear it.";
    Failure::new(LastError::StatusTopic, detail)
}

fn too_small(told: usize, needed: usize) -> Failure {
    let detail = format!(
        "The broker takes packets of at most {told} bytes: not even one advert fits, which takes about {needed} with its topic. Let the \
         broker take larger ones, or shorten ScanTopic."
    );
    Failure::new(LastError::TooLarge, detail)
}

fn qos_too_high(maximum: u8) -> Failure {
    let detail = format!(
        "The broker takes QoS {maximum} at most. Set ScanQos to {maximum}; until then it is used as if it were."
    );
    Failure::new(LastError::Qos, detail)
}

fn qos2_unwanted() -> Failure {
    let detail = "The broker closes the connection over a message at QoS 2, and takes one at QoS 1. Set ScanQos to 1.";
    Failure::new(LastError::Qos, detail)
}

/// A message without an advert, in the shape that subscribers of these settings know.
fn sample(framing: Framing) -> &'static [u8] {
    match framing {
        Framing::Array => b"[]",
        Framing::Object => b"{}",
        Framing::Envelope => br#"{"epoch":"","seq":0,"data":[]}"#,
    }
}
