//! The socket to the bus, which hands a method call on only when there is a place for it, and refuses the others.
//!
//! zbus starts a task for each call that it receives, and each holds its answer until the bus takes it. What bounds their number has
//! to stand before zbus, for the standard interfaces are its own.

use super::admission::{Admission, MAX_CALL_BYTES};
use crate::config::SettingSpec;
use crate::config::schema::all;
use futures_util::FutureExt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::coop::unconstrained;
use zbus::address::transport::{Transport, UnixSocket};
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;
use zbus::message::Type;
use zbus::{Address, Connection, Message, fdo};

/// Refusals that wait to be sent. Nothing else is read from the bus while there are so many.
const MAX_REFUSALS: usize = 64;
/// Bytes of a body that is too long in which the setting is looked for.
const BODY_HEAD: usize = 1024;
/// Bytes that are read at once.
const READ_BUFFER: usize = 16 * 1024;
/// Every message begins with so many bytes (D-Bus specification, "Message Format"): byte order, type, flags, version, length of the
/// body, serial number, length of the header fields.
const FIXED_HEADER: usize = 16;
const METHOD_CALL: u8 = 1;
const SIGNAL: u8 = 4;
const NO_REPLY_EXPECTED: u8 = 1;
/// Bytes of path, names and signature: the bus allows a path of any length.
const MAX_FIELDS: usize = 16 * 1024;

/// A connected socket, before the handshake.
pub(super) struct LimitedSocket {
    stream: tokio::net::UnixStream,
    admission: Arc<Admission>,
    refusals: mpsc::Sender<Message>,
}

/// What was refused and has to be told so.
pub(super) struct Refusals(mpsc::Receiver<Message>);

impl LimitedSocket {
    /// Connects to the system bus (`DBUS_SYSTEM_BUS_ADDRESS` if set).
    pub(super) fn connect() -> zbus::Result<(Self, Refusals)> {
        let address = Address::system()?;
        let stream = match address.transport() {
            Transport::Unix(unix) => match unix.path() {
                UnixSocket::File(path) => UnixStream::connect(path)?,
                UnixSocket::Abstract(name) => {
                    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name.as_encoded_bytes())?)?
                }
                _ => return Err(unusable(&address)),
            },
            _ => return Err(unusable(&address)),
        };
        stream.set_nonblocking(true)?;
        let stream = tokio::net::UnixStream::from_std(stream)?;
        let (refusals, refused) = mpsc::channel(MAX_REFUSALS);
        Ok((Self { stream, admission: Arc::default(), refusals }, Refusals(refused)))
    }
}

fn unusable(address: &Address) -> zbus::Error {
    zbus::Error::Address(format!("{address}: expected unix:path=... or unix:abstract=..."))
}

impl Refusals {
    /// Sends them until the bus is gone.
    pub(super) async fn send(mut self, connection: Connection) {
        let mut some = Vec::new();
        while self.0.recv_many(&mut some, MAX_REFUSALS).await > 0 {
            if connection.send_all(&some).await.is_err() {
                return;
            }
            some.clear();
        }
    }
}

impl Socket for LimitedSocket {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let (read, write) = self.stream.into_split();
        let bytes = Bytes(BufReader::with_capacity(READ_BUFFER, read));
        let reader = Reader { bytes, admission: self.admission.clone(), refusals: self.refusals };
        Split::new(reader, Writer { bytes: Out(write), admission: self.admission })
    }
}

/// Reads without a limit. File descriptors are not asked for: no call takes one.
#[derive(Debug)]
struct Bytes(BufReader<OwnedReadHalf>);

#[async_trait]
impl ReadHalf for Bytes {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        Ok((self.0.read(buffer).await?, Vec::new()))
    }
}

/// The half that receives.
#[derive(Debug)]
pub(super) struct Reader {
    bytes: Bytes,
    admission: Arc<Admission>,
    refusals: mpsc::Sender<Message>,
}

impl Reader {
    async fn fill(&mut self, received: &mut Vec<u8>, length: usize) -> io::Result<()> {
        let begun = received.len();
        if begun < length {
            received.resize(length, 0);
            self.bytes.0.read_exact(&mut received[begun..]).await?;
        }
        Ok(())
    }

    /// Reads a message without its body, passes over that, and tells how it begins.
    async fn header_only(&mut self, received: &mut Vec<u8>, header: usize, body: usize) -> io::Result<Vec<u8>> {
        self.fill(received, header + body.min(BODY_HEAD)).await?;
        let begun = received.len().min(header + body) - header;
        let head = received.drain(header..header + begun).collect();
        received[4..8].fill(0);
        self.pass_over(body - begun).await?;
        Ok(head)
    }

    async fn pass_over(&mut self, mut rest: usize) -> io::Result<()> {
        while rest > 0 {
            let buffered = self.bytes.0.fill_buf().await?.len().min(rest);
            if buffered == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.bytes.0.consume(buffered);
            rest -= buffered;
        }
        Ok(())
    }

    async fn refuse(&self, call: &Message, error: fdo::Error) -> zbus::Result<()> {
        let refusal = zbus::DBusError::create_reply(&error, &call.header())?;
        // The receiver goes with the connection.
        let _ = self.refusals.send(refusal).await;
        Ok(())
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn receive_message(
        &mut self,
        seq: u64,
        received: &mut Vec<u8>,
        descriptors: &mut Vec<OwnedFd>,
    ) -> zbus::Result<Message> {
        loop {
            if received.is_empty() && unconstrained(self.bytes.0.fill_buf()).now_or_never().is_none() {
                self.admission.caught_up();
            }
            self.fill(received, FIXED_HEADER).await?;
            let length = |at: usize| {
                let bytes = [received[at], received[at + 1], received[at + 2], received[at + 3]];
                (if received[0] == b'B' { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }) as usize
            };
            let (body, fields) = (length(4), length(12));
            let header = FIXED_HEADER + fields.next_multiple_of(8);
            if !matches!(received[1], METHOD_CALL | SIGNAL) {
                return self.bytes.receive_message(seq, received, descriptors).await;
            }
            if fields > MAX_FIELDS {
                // There is nobody to answer: the sender is one of the fields.
                let begun = received.len().min(header + body);
                received.drain(..begun);
                self.pass_over(header + body - begun).await?;
                continue;
            }
            if received[1] == SIGNAL && body <= MAX_CALL_BYTES {
                return self.bytes.receive_message(seq, received, descriptors).await;
            }
            // The answer frees the place, so there has to be one.
            let silent = received[2] & NO_REPLY_EXPECTED != 0;
            received[2] &= !NO_REPLY_EXPECTED;
            if body > MAX_CALL_BYTES {
                let head = self.header_only(received, header, body).await?;
                let call = self.bytes.receive_message(seq, received, descriptors).await?;
                if call.message_type() == Type::MethodCall && !silent {
                    self.refuse(&call, too_long(&call, body, &head)).await?;
                }
                continue;
            }
            let call = self.bytes.receive_message(seq, received, descriptors).await?;
            match self.admission.admit(&call, silent).await {
                Ok(()) => return Ok(call),
                Err(_) if silent => {}
                Err(error) => self.refuse(&call, error).await?,
            }
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        self.bytes.recvmsg(buffer).await
    }
}

fn too_long(call: &Message, found: usize, head: &[u8]) -> fdo::Error {
    let what = format!("the arguments have {found} bytes, at most {MAX_CALL_BYTES} are taken");
    if let Some(SettingSpec { name, expected, .. }) = last_named(head) {
        return fdo::Error::InvalidArgs(format!("{name}: expected {expected} ({what})"));
    }
    let header = call.header();
    let member = header.member().map_or("call", |member| member.as_str());
    fdo::Error::InvalidArgs(format!("{member}: {what}"))
}

/// The last setting that a body names so far: its value is what makes the body long.
fn last_named(head: &[u8]) -> Option<&'static SettingSpec> {
    let at = |setting: &&SettingSpec| {
        let (name, length) = (setting.name.as_bytes(), setting.name.len() as u32);
        let text = |length: [u8; 4]| [&length[..], name, b"\0"].concat();
        let find = |text: Vec<u8>| head.windows(text.len()).rposition(|window| window == text);
        find(text(length.to_le_bytes())).or_else(|| find(text(length.to_be_bytes())))
    };
    let named = all().filter_map(|setting| Some((at(&setting)?, setting)));
    named.max_by_key(|(at, _)| *at).map(|(_, setting)| setting)
}

/// Writes without a look.
#[derive(Debug)]
struct Out(OwnedWriteHalf);

#[async_trait]
impl WriteHalf for Out {
    async fn sendmsg(&mut self, buffer: &[u8], _: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.0.write(buffer).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }
}

/// The half that sends.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Out,
    admission: Arc<Admission>,
}

#[async_trait]
impl WriteHalf for Writer {
    async fn send_message(&mut self, message: &Message) -> zbus::Result<()> {
        let sent = match self.admission.wanted(message) {
            true => self.bytes.send_message(message).await,
            false => Ok(()),
        };
        self.admission.end(message);
        sent
    }

    /// Refusals, which have no place.
    async fn send_messages(&mut self, messages: &[Message]) -> zbus::Result<()> {
        let all: Vec<u8> = messages.iter().flat_map(|message| message.data().to_vec()).collect();
        Ok(self.bytes.0.write_all(&all).await?)
    }

    async fn sendmsg(&mut self, buffer: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.bytes.sendmsg(buffer, descriptors).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.bytes.close().await
    }
}
