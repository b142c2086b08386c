//! A broker that does what a test wants: right answers, wrong ones, none.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A packet of the service.
#[derive(Debug, Clone)]
pub struct Packet {
    pub first: u8,
    pub body: Vec<u8>,
}

pub const CONNECT: u8 = 1;
pub const PUBLISH: u8 = 3;
pub const PUBREL: u8 = 6;
pub const PINGREQ: u8 = 12;
pub const DISCONNECT: u8 = 14;

impl Packet {
    pub fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// Of a PUBLISH.
    pub fn qos(&self) -> u8 {
        self.first >> 1 & 3
    }

    fn text_end(&self) -> usize {
        2 + usize::from(u16::from_be_bytes([self.body[0], self.body[1]]))
    }

    /// Of a PUBLISH.
    pub fn topic(&self) -> String {
        String::from_utf8_lossy(&self.body[2..self.text_end()]).into_owned()
    }

    /// Packet id of a PUBLISH at QoS 1 or 2, or of PUBREL.
    pub fn id(&self) -> [u8; 2] {
        let at = if self.kind() == PUBLISH { self.text_end() } else { 0 };
        [self.body[at], self.body[at + 1]]
    }

    /// Of a PUBLISH without properties.
    pub fn payload(&self, level: u8) -> String {
        let at = self.text_end() + if self.qos() > 0 { 2 } else { 0 } + usize::from(level == 5);
        String::from_utf8_lossy(&self.body[at..]).into_owned()
    }

    /// Length on the wire, for bodies of less than 2 MB.
    pub fn size(&self) -> usize {
        let header = match self.body.len() {
            0..128 => 2,
            128..16_384 => 3,
            _ => 4,
        };
        header + self.body.len()
    }

    /// Flags of CONNECT.
    pub fn connect_flags(&self) -> u8 {
        self.body[self.text_end() + 1]
    }
}

/// What becomes of the connection after a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    GoOn,
    Close,
}

/// The broker's end of a connection.
pub struct Peer {
    stream: TcpStream,
    /// Protocol level of CONNECT.
    pub level: u8,
    /// Of the connection, from 0 on.
    pub number: usize,
    /// PUBLISH packets of this connection so far, with this one.
    pub publishes: usize,
}

impl Peer {
    /// Sends bytes. Nothing is said of a client that is gone.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// CONNACK with this code and, to a client of MQTT 5, these properties.
    pub fn connack(&mut self, code: u8, properties: &[u8]) {
        let mut body = vec![0, code];
        if self.level == 5 {
            body.push(u8::try_from(properties.len()).expect("short"));
            body.extend_from_slice(properties);
        }
        self.send(&[&[0x20, u8::try_from(body.len()).expect("short")], &*body].concat());
    }

    /// An acknowledgement of a message.
    pub fn answer(&mut self, first: u8, id: [u8; 2]) {
        self.send(&[first, 2, id[0], id[1]]);
    }

    /// An acknowledgement with a reason code (MQTT 5).
    pub fn answer_with(&mut self, first: u8, id: [u8; 2], code: u8) {
        self.send(&[first, 3, id[0], id[1], code]);
    }

    /// The right answer.
    pub fn obey(&mut self, packet: &Packet) -> Then {
        match (packet.kind(), packet.qos()) {
            (CONNECT, _) => self.connack(0, &[]),
            (PUBLISH, 1) => self.answer(0x40, packet.id()),
            (PUBLISH, 2) => self.answer(0x50, packet.id()),
            (PUBREL, _) => self.answer(0x70, packet.id()),
            (PINGREQ, _) => self.send(&[0xD0, 0]),
            (DISCONNECT, _) => return Then::Close,
            _ => {}
        }
        Then::GoOn
    }
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub connection: usize,
    pub topic: String,
    pub payload: String,
    pub qos: u8,
    pub size: usize,
    pub at: Instant,
}

/// See the module.
pub struct ScriptedBroker {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    arrived: Mutex<Vec<Arrived>>,
    /// When a connection was accepted.
    accepted: Mutex<Vec<Instant>>,
}

impl ScriptedBroker {
    /// Answers each packet of each connection as the script wants.
    pub fn start(script: impl Fn(&mut Peer, &Packet) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let (shared, script) = (Arc::new(Shared::default()), Arc::new(script));
        let ours = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, script) = (ours.clone(), script.clone());
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                shared.accepted.lock().expect("no panic").push(Instant::now());
                std::thread::spawn(move || {
                    let peer = Peer { stream, level: 0, number, publishes: 0 };
                    serve(peer, &*script, &shared);
                });
            }
        });
        Self { port, shared }
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Messages so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().expect("no panic").clone()
    }

    /// Times between connections.
    pub fn pauses(&self) -> Vec<Duration> {
        let accepted = self.shared.accepted.lock().expect("no panic");
        accepted.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

fn serve(mut peer: Peer, script: &(impl Fn(&mut Peer, &Packet) -> Then + ?Sized), shared: &Shared) {
    let mut reading = peer.stream.try_clone().expect("a copy");
    while let Some(packet) = read(&mut reading) {
        match packet.kind() {
            CONNECT => peer.level = packet.body[packet.text_end()],
            PUBLISH => {
                peer.publishes += 1;
                shared.arrived.lock().expect("no panic").push(Arrived {
                    connection: peer.number,
                    topic: packet.topic(),
                    payload: packet.payload(peer.level),
                    qos: packet.qos(),
                    size: packet.size(),
                    at: Instant::now(),
                });
            }
            _ => {}
        }
        if script(&mut peer, &packet) == Then::Close {
            break;
        }
    }
    let _ = peer.stream.shutdown(Shutdown::Both);
}

fn read(from: &mut TcpStream) -> Option<Packet> {
    let mut header = [0; 2];
    from.read_exact(&mut header).ok()?;
    let (mut length, mut shift, mut byte) = (usize::from(header[1] & 0x7F), 7, header[1]);
    while byte & 0x80 != 0 {
        let mut more = [0];
        from.read_exact(&mut more).ok()?;
        byte = more[0];
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(Packet { first: header[0], body })
}
