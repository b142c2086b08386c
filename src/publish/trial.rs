//! One try of a broker, step by step, beside the connection that is in use: its name, TCP, TLS, MQTT, a message.
//!
//! Not with Paho: two of its clients in one process share locks, and the one in use must not wait for this one (decision
//! record 0011).

use super::limits::Limits;
use super::orders::{self, Endpoint};
use super::pump::reason_of_write;
use super::tls::{self, Tls};
use super::trial_packets::{self as packets, Answer};
use super::upstream::{Duplex, Upstream};
use crate::advert::Address;
use crate::config::{Config, Framing, Mqtt};
use crate::stats::Failure;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

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
    pub fn word(self) -> &'static str {
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
pub struct Trial {
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
    pub certificate: Option<tls::Certificate>,
    /// Another one than in use, which the broker would end.
    pub client_id: String,
    /// Where the message went.
    pub topic: String,
}

/// For MQTT and the message each: with [`Limits::connect`] less than the 25 s after which callers on D-Bus give up.
const ANSWER: Duration = Duration::from_secs(6);
/// Longest packet that a broker may answer with.
const MAX_ANSWER: usize = 64 * 1024;

/// Tries the first broker of these settings; `None` if they have none.
pub async fn test(config: &Config, router: Address) -> Option<Trial> {
    let (endpoint, route) = orders::read(config, router)?;
    let (mut trial, mut room) = (Trial::default(), String::new());
    trial.broker = endpoint.name();
    trial.topic = route.topic(Some(router), &mut room).to_owned();
    trial.client_id = client_id(&endpoint.mqtt);
    if let Err(failed) = trial.run(&endpoint, config.payload.framing).await {
        trial.failure = Some(failed);
    }
    Some(trial)
}

/// MQTT 3.1 allows 23 characters.
fn client_id(mqtt: &Mqtt) -> String {
    const SUFFIX: &str = "-test";
    let room = if mqtt.version == crate::config::MqttVersion::V31 { 23 } else { 256 } - SUFFIX.len();
    let end = mqtt.client_id.floor_char_boundary(room);
    format!("{}{SUFFIX}", &mqtt.client_id[..end])
}

type Failed = (Step, Failure);

impl Trial {
    async fn run(&mut self, endpoint: &Endpoint, framing: Framing) -> Result<(), Failed> {
        let mqtt = &endpoint.mqtt;
        let tls = Tls::new(&mqtt.security).map_err(|failure| (Step::Tls, failure))?;
        let upstream = Upstream { host: mqtt.host.clone(), port: mqtt.port, tls, limits: Limits::default() };
        let mut stream = self.connect(&upstream).await?;
        let greet = packets::connect(mqtt, &self.client_id);
        self.exchange(Step::Mqtt, &upstream, &mut stream, &greet, mqtt).await?;
        let message = packets::publish(mqtt.version, &self.topic, sample(framing));
        self.exchange(Step::Publish, &upstream, &mut stream, &message, mqtt).await?;
        // It has what it was to have.
        let _ = stream.write_all(packets::DISCONNECT).await;
        let _ = stream.shutdown().await;
        Ok(())
    }

    async fn connect(&mut self, upstream: &Upstream) -> Result<Box<dyn Duplex>, Failed> {
        let late = |_| upstream.late();
        let end = Instant::now() + upstream.limits.connect;
        let addresses = self.step(Step::Name, tokio::time::timeout_at(end, upstream.resolve())).await;
        let addresses = addresses.map_err(late).and_then(|found| found).map_err(|f| (Step::Name, f))?;
        let tcp = self.step(Step::Tcp, tokio::time::timeout_at(end, upstream.dial(&addresses))).await;
        let tcp = tcp.map_err(late).and_then(|dialled| dialled).map_err(|f| (Step::Tcp, f))?;
        self.address = tcp.peer_addr().map(|address| address.to_string()).unwrap_or_default();
        let Some(tls) = &upstream.tls else { return Ok(Box::new(tcp)) };
        let stream = self.step(Step::Tls, tokio::time::timeout_at(end, tls.connect(&upstream.host, tcp))).await;
        let stream = stream.map_err(late).and_then(|secured| secured).map_err(|f| (Step::Tls, f))?;
        self.tls = tls::described(stream.ssl());
        self.certificate = stream.ssl().peer_certificate().map(|leaf| tls::Certificate::of(&leaf));
        Ok(Box::new(stream))
    }

    async fn step<T>(&mut self, step: Step, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let done = work.await;
        self.steps.push((step, start.elapsed()));
        done
    }

    /// Sends a packet and reads what the broker has to say to it.
    async fn exchange(
        &mut self,
        step: Step,
        upstream: &Upstream,
        stream: &mut Box<dyn Duplex>,
        packet: &[u8],
        mqtt: &Mqtt,
    ) -> Result<(), Failed> {
        let (greeted, topic) = (step == Step::Publish, self.topic.clone());
        let asked = timeout(ANSWER, async {
            if let Err(error) = stream.write_all(packet).await {
                return Err(reason_of_write(error, stream, upstream, greeted).await);
            }
            read_packet(stream).await.map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof if greeted => no_thanks(&topic),
                std::io::ErrorKind::UnexpectedEof => upstream.closed(false),
                _ => upstream.lost(&error, greeted),
            })
        });
        let answer = match self.step(step, asked).await {
            Ok(Ok(answer)) => packets::read(&answer, mqtt.version).map_err(|first| upstream.not_mqtt(first)),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::new("timeout", format!("The broker did not answer within {} s.", ANSWER.as_secs()))),
        };
        match answer {
            Ok(Answer::Fine) => Ok(()),
            Ok(Answer::Refused(failure)) | Err(failure) => {
                // With TLS 1.3 the broker's verdict on our certificate comes with its first answer.
                Err((if failure.word.starts_with("tls") { Step::Tls } else { step }, failure))
            }
        }
    }
}

/// The broker hung up over the message.
fn no_thanks(topic: &str) -> Failure {
    let detail = format!(
        "The broker closed the connection instead of taking a message on {topic}. Check ScanTopic, and what the broker allows \
         this login and ClientId."
    );
    Failure::new("refused", detail)
}

/// A message without an advert, in the shape that subscribers of these settings know.
fn sample(framing: Framing) -> &'static [u8] {
    match framing {
        Framing::Array => b"[]",
        Framing::Object => b"{}",
        Framing::Envelope => br#"{"epoch":"","seq":0,"data":[]}"#,
    }
}

async fn read_packet(stream: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut packet = vec![stream.read_u8().await?];
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 21 {
            break;
        }
    }
    // What is no packet of MQTT is known by its first byte.
    let length = length.min(MAX_ANSWER);
    if !packets::is_answer(packet[0]) {
        return Ok(packet);
    }
    packet.resize(1 + length, 0);
    stream.read_exact(&mut packet[1..]).await?;
    Ok(packet)
}
