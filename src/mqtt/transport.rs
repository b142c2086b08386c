//! The way to the broker: DNS, all its addresses, TCP with signs of life, TLS; and the words for what goes wrong there.

use crate::model::{Failure, LastError};
use crate::mqtt::limits::Limits;
use crate::mqtt::packet::LEVEL_5;
use crate::mqtt::tcp_progress::TcpProgress;
use crate::mqtt::tls::Tls;
use crate::threads;
use futures_util::stream::{FuturesUnordered, StreamExt};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_openssl::SslStream;

/// A stream to the broker, encrypted or not.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// How far it has got.
    fn progress(&self) -> TcpProgress;
}

impl Duplex for TcpStream {
    fn progress(&self) -> TcpProgress {
        TcpProgress::of(self.as_fd())
    }
}

impl Duplex for SslStream<TcpStream> {
    fn progress(&self) -> TcpProgress {
        self.get_ref().progress()
    }
}

/// Which broker, and how.
pub(crate) struct Transport {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Limits,
    /// Places of its name lookups.
    pub(crate) lookups: &'static Semaphore,
}

/// Bytes that the kernel takes beyond what it can send.
const UNSENT: u32 = 16 * 1024;

/// Until the next address is tried beside one that does not answer (RFC 8305 calls it the connection attempt delay).
const STAGGER: Duration = Duration::from_millis(300);

impl Transport {
    /// Connects within so many times the time limit.
    pub(crate) async fn connect(&self, factor: u32) -> Result<Box<dyn Duplex>, Failure> {
        let limit = factor * self.limits.connect;
        timeout(limit, self.try_connect()).await.unwrap_or_else(|_| Err(self.late(limit)))
    }

    /// The time was over.
    pub(crate) fn late(&self, limit: Duration) -> Failure {
        let limit = limit.as_secs_f32();
        Failure::new(
            LastError::Timeout,
            format!("Port {} of {} did not answer within {limit} s.", self.port, self.host),
        )
    }

    async fn try_connect(&self) -> Result<Box<dyn Duplex>, Failure> {
        let tcp = self.dial(&self.resolve().await?).await?;
        match &self.tls {
            None => Ok(Box::new(tcp)),
            Some(tls) => Ok(Box::new(tls.connect(&self.host, tcp).await?)),
        }
    }

    /// The broker's addresses, at least one.
    pub(crate) async fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![(address, self.port).into()]);
        }
        let (host, port) = (self.host.clone(), self.port);
        let look = move || (&*host, port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        match threads::limited(self.lookups, look).await {
            Ok(addresses) if addresses.is_empty() => Err(self.unknown_host("it has no address")),
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(self.unknown_host(&error.to_string())),
        }
    }

    /// A connection to the first of them that accepts.
    pub(crate) async fn dial(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
        let tcp = first(addresses).await.map_err(|error| self.unreachable(&error))?;
        self.keep_watch(&tcp).map_err(|error| self.unreachable(&error))?;
        Ok(tcp)
    }

    /// A dead peer is noticed by the socket: by keepalive while idle, by the user timeout while data is on the way.
    fn keep_watch(&self, tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let socket = SockRef::from(tcp);
        let step = Duration::from_secs(10);
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(3 * step).with_interval(step).with_retries(3))?;
        socket.set_tcp_user_timeout(Some(3 * step))?;
        // What waits here is neither on its way nor can PINGREQ pass it.
        socket.set_tcp_notsent_lowat(UNSENT)
    }

    fn unknown_host(&self, why: &str) -> Failure {
        Failure::new(
            LastError::Dns,
            format!("The name {} was not found ({why}). Check Host and the router's DNS.", self.host),
        )
    }

    fn unreachable(&self, error: &io::Error) -> Failure {
        let (host, port) = (&self.host, self.port);
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::new(
                LastError::Refused,
                format!("{host} refuses connections to port {port}. Check Port, and whether the broker runs."),
            ),
            io::ErrorKind::TimedOut => Failure::new(
                LastError::Timeout,
                format!("Port {port} of {host} did not answer. Check Host, Port and firewalls."),
            ),
            _ => Failure::new(LastError::Unreachable, format!("{host} cannot be reached: {error}. Check the network.")),
        }
    }

    /// The broker closed the stream in good order.
    pub(crate) fn closed(&self, greeted: bool, level: u8) -> Failure {
        let detail = match (greeted, &self.tls) {
            (true, _) => {
                "The broker closed the connection. It does so when another client uses the same ClientId, when it stops, \
                 and when it does not like a message."
            }
            (false, _) if level == LEVEL_5 => {
                "The broker closed the connection before it answered. It may not speak MQTT 5: set MqttVersion to 3.1.1. Else check \
                 whether this Port expects encryption, and the broker's log."
            }
            (false, None) => {
                "The broker closed the connection before it answered. Check whether this Port expects encryption."
            }
            (false, Some(_)) => "The broker closed the encrypted connection before it answered. Check its log.",
        };
        Failure::new(LastError::Closed, detail)
    }

    /// Reading or writing failed; `greeted` tells whether the broker ever said anything.
    pub(crate) fn lost(&self, error: &io::Error, greeted: bool, level: u8) -> Failure {
        if let Some(failure) = self.tls.as_ref().and_then(|tls| tls.refused(error)) {
            return failure;
        }
        match error.kind() {
            io::ErrorKind::TimedOut => {
                Failure::new(LastError::Timeout, "The broker stopped answering: what we sent was not received.")
            }
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
                self.unreachable(error)
            }
            io::ErrorKind::ConnectionReset if !greeted => self.closed(false, level),
            _ => Failure::new(LastError::Closed, format!("The connection to the broker broke: {error}.")),
        }
    }

    /// The first byte that came back is not that of a CONNACK.
    pub(crate) fn not_mqtt(&self, first: u8) -> Failure {
        let detail = match first {
            0x15 | 0x16 if self.tls.is_none() => {
                "This Port expects encryption: set EncryptionMode to psk or certificate."
            }
            _ => "What answers at this Host and Port does not speak MQTT. Check Host and Port.",
        };
        Failure::new(LastError::Protocol, detail)
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The first of the addresses that accepts: each is given a short lead over the next one, and the next one starts at once
/// when none is left waiting.
async fn first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let (mut waiting, mut next) = (FuturesUnordered::new(), addresses.iter());
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    loop {
        if let Some(address) = next.next() {
            waiting.push(TcpStream::connect(*address));
        } else if waiting.is_empty() {
            return Err(last);
        }
        loop {
            tokio::select! {
                Some(result) = waiting.next() => match result {
                    Ok(stream) => return Ok(stream),
                    Err(error) => {
                        last = error;
                        if waiting.is_empty() || next.len() > 0 { break }
                    }
                },
                () = sleep(STAGGER), if next.len() > 0 => break,
            }
        }
    }
}
