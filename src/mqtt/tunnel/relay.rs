//! Carries packets between Paho and the broker, counts what the broker's socket took and notices a broker that is frozen. What
//! the broker may not send at that moment never reaches Paho (decision record 0016).

use crate::model::{Failure, LastError};
use crate::mqtt::connection_state::{ConnectionState, Ended};
use crate::mqtt::inbound_filter::{InboundFilter, OutboundObserver};
use crate::mqtt::tcp_progress::TcpProgress;
use crate::mqtt::transport::{Duplex, Transport};
use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, copy, sink, split};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

const CHUNK: usize = 16 * 1024;
/// For the broker to close after our DISCONNECT, and for the reason of a failed write to arrive.
const LINGER: Duration = Duration::from_secs(5);

/// Pumps until one side ends.
pub(crate) async fn run(
    from_paho: &mut (impl AsyncRead + Unpin),
    to_paho: &mut (impl AsyncWrite + Unpin),
    broker: Box<dyn Duplex>,
    state: &ConnectionState,
    upstream: &Transport,
) -> Ended {
    let progress = broker.progress();
    let (mut from_broker, mut to_broker) = split(broker);
    let (limits, patience) = (&upstream.limits, state.patience);
    let answer = Answer {
        connack: patience.factor * limits.answer,
        pingresp: patience.keep_alive.max(limits.answer),
        ..Answer::default()
    };
    let stall = Stall { limit: limits.stall, progress: &progress };
    let ended = tokio::select! {
        ended = client_to_broker(from_paho, &mut to_broker, state, &answer, &stall) => ended,
        ended = broker_to_client(&mut from_broker, to_paho, state, &answer, upstream) => ended,
        limit = answer.overdue(&progress) => Failed::timeout(limit),
    };
    match ended {
        Failed::Paho => {
            close_gracefully(&mut to_broker, &mut from_broker).await;
            Ended::ByUs
        }
        Failed::Broker(failure) => Ended::Failed(failure),
        Failed::Write(error) => {
            let level = state.exchange().level();
            Ended::Failed(reason_of_write(error, &mut from_broker, upstream, true, level).await)
        }
    }
}

enum Failed {
    Paho,
    Broker(Failure),
    Write(io::Error),
}

impl Failed {
    fn timeout(limit: Duration) -> Self {
        let detail = format!("The broker stopped answering; it was given {} seconds.", limit.as_secs_f32());
        Self::Broker(Failure::new(LastError::Timeout, detail))
    }
}

/// Lets the last messages and DISCONNECT arrive before the socket goes.
async fn close_gracefully(to_broker: &mut WriteHalf<Box<dyn Duplex>>, from_broker: &mut ReadHalf<Box<dyn Duplex>>) {
    let _ = timeout(LINGER, async {
        let _ = to_broker.shutdown().await;
        let _ = copy(from_broker, &mut sink()).await;
    })
    .await;
}

/// A broker that refuses our certificate says so in an alert that may lie behind the reset which broke our write.
pub(crate) async fn reason_of_write(
    error: io::Error,
    from_broker: &mut (impl AsyncRead + Unpin),
    upstream: &Transport,
    greeted: bool,
    level: u8,
) -> Failure {
    match timeout(LINGER, copy(from_broker, &mut sink())).await {
        Ok(Err(read)) => upstream.lost(&read, greeted, level),
        _ => upstream.lost(&error, greeted, level),
    }
}

async fn client_to_broker(
    from_paho: &mut (impl AsyncRead + Unpin),
    to_broker: &mut WriteHalf<Box<dyn Duplex>>,
    state: &ConnectionState,
    answer: &Answer,
    stall: &Stall<'_>,
) -> Failed {
    let (mut buffer, mut packets) = (vec![0; CHUNK], OutboundObserver::default());
    loop {
        let reply;
        let mut rest = tokio::select! {
            read = from_paho.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return Failed::Paho,
                Ok(read) => &buffer[..read],
            },
            // Between two packets of Paho only.
            answer = state.reply(), if packets.at_boundary() => {
                reply = answer;
                &reply[..]
            }
        };
        while !rest.is_empty() {
            let wrote = match stall.watch(to_broker.write(rest)).await {
                None => return Failed::timeout(stall.limit),
                Some(Ok(0)) => return Failed::Write(io::ErrorKind::WriteZero.into()),
                Some(Ok(wrote)) => wrote,
                Some(Err(error)) => return Failed::Write(error),
            };
            let (mut messages, mut asked) = (0, None);
            let followed = packets.feed(&rest[..wrote], &mut state.exchange(), |first| {
                messages += u64::from(first & 0xF6 == 0x30);
                // CONNECT or PINGREQ: the broker has to answer without delay.
                asked = matches!(first >> 4, 1 | 12).then_some(first >> 4).or(asked);
            });
            if followed.is_err() {
                // Paho cannot write that.
                return Failed::Paho;
            }
            if let Some(kind) = asked {
                answer.asked(kind == 1);
            }
            state.wrote(messages);
            rest = &rest[wrote..];
        }
        match stall.watch(to_broker.flush()).await {
            None => return Failed::timeout(stall.limit),
            Some(Err(error)) => return Failed::Write(error),
            Some(Ok(())) => {}
        }
    }
}

/// What a write to the broker may take.
struct Stall<'a> {
    limit: Duration,
    progress: &'a TcpProgress,
}

impl Stall<'_> {
    /// Waits for a write as long as the broker acknowledges what was written before.
    async fn watch<T>(&self, write: impl Future<Output = T>) -> Option<T> {
        let mut write = pin!(write);
        loop {
            match timeout(self.limit, &mut write).await {
                Ok(done) => return Some(done),
                Err(_) if self.progress.advanced() => {}
                Err(_) => return None,
            }
        }
    }
}

async fn broker_to_client(
    from_broker: &mut ReadHalf<Box<dyn Duplex>>,
    to_paho: &mut (impl AsyncWrite + Unpin),
    state: &ConnectionState,
    answer: &Answer,
    upstream: &Transport,
) -> Failed {
    let (mut buffer, mut greeted) = (vec![0; CHUNK], false);
    let (mut filter, mut passed) = (InboundFilter::default(), Vec::new());
    loop {
        let read = match from_broker.read(&mut buffer).await {
            Ok(0) => return Failed::Broker(upstream.closed(greeted, state.exchange().level())),
            Ok(read) => read,
            Err(error) => return Failed::Broker(upstream.lost(&error, greeted, state.exchange().level())),
        };
        // The first packet is CONNACK, or this is no MQTT broker.
        if !std::mem::replace(&mut greeted, true) && buffer[0] != 0x20 {
            return Failed::Broker(upstream.not_mqtt(buffer[0]));
        }
        answer.given();
        passed.clear();
        let legal = filter.feed(&buffer[..read], &mut state.exchange(), &mut passed);
        if legal.is_ok() {
            state.on_receive();
        }
        // What came before a packet that is not legal still counts.
        if to_paho.write_all(&passed).await.is_err() {
            return Failed::Paho;
        }
        if let Err(failure) = legal {
            return Failed::Broker(failure);
        }
        state.hand_over_replies().await;
    }
}

/// Since when an answer is due, and whether that is CONNACK. Paho itself waits for one and a half times the keep alive.
#[derive(Debug, Default)]
struct Answer {
    since: Mutex<Option<(Instant, bool)>>,
    changed: Notify,
    connack: Duration,
    pingresp: Duration,
}

impl Answer {
    fn since(&self) -> Option<(Instant, bool)> {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, connect: bool) {
        let now = || (Instant::now(), connect);
        self.since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(now);
        self.changed.notify_one();
    }

    fn given(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until it is late, by this limit. What asked for it may be on its way for long, behind messages.
    async fn overdue(&self, progress: &TcpProgress) -> Duration {
        loop {
            match self.since() {
                None => self.changed.notified().await,
                Some((since, connect)) => {
                    let limit = if connect { self.connack } else { self.pingresp };
                    progress.advanced();
                    let mut end = since + limit;
                    while self.since() == Some((since, connect)) {
                        if end <= Instant::now() {
                            if !progress.advances() {
                                return limit;
                            }
                            end = Instant::now() + limit;
                        }
                        sleep_until(end).await;
                    }
                }
            }
        }
    }
}
