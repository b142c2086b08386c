//! The network between the service and the broker, byte by byte: refused, silent, slow, cut in the middle of a packet.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Up,
    /// Nobody is there, and connections end.
    Refused,
    /// Nothing goes either way; new connections are not answered.
    Silent,
    /// So many bytes each way in a tick.
    Slow(usize),
}

/// A cut that waits for its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The next bytes up end after this part of them (of 256), and the connection with them.
    Up(u8),
    /// The next bytes down, acknowledgements, are lost with the connection.
    Down,
}

struct State {
    mode: Mode,
    /// Closed while the broker or who watches it is not ready.
    gate: bool,
    cut: Option<Cut>,
}

/// See the module.
pub(crate) struct Net {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    over: Arc<AtomicBool>,
}

const TICK: Duration = Duration::from_millis(20);

impl Net {
    /// In front of this port.
    pub(crate) fn start(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(Mutex::new(State { mode: Mode::Up, gate: true, cut: None }));
        let over = Arc::<AtomicBool>::default();
        let net = Self { port, state: state.clone(), over: over.clone() };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (state, over) = (state.clone(), over.clone());
                std::thread::spawn(move || connect(client, broker, &state, &over));
            }
        });
        net
    }

    pub(crate) fn mode(&self, mode: Mode) {
        self.state.lock().expect("no panic").mode = mode;
    }

    pub(crate) fn gate(&self, open: bool) {
        self.state.lock().expect("no panic").gate = open;
    }

    pub(crate) fn cut(&self, cut: Cut) {
        self.state.lock().expect("no panic").cut = Some(cut);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the one that waits for connections.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn connect(client: TcpStream, broker: u16, state: &Arc<Mutex<State>>, over: &Arc<AtomicBool>) {
    loop {
        let (mode, gate) = look(state);
        match mode {
            _ if over.load(Ordering::Relaxed) || !gate => return,
            Mode::Refused => return,
            Mode::Silent => std::thread::sleep(TICK),
            Mode::Up | Mode::Slow(_) => break,
        }
    }
    let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else { return };
    let copies = (client.try_clone().expect("a copy"), broker.try_clone().expect("a copy"));
    let (state_down, over_down) = (state.clone(), over.clone());
    std::thread::spawn(move || carry(copies.1, copies.0, false, &state_down, &over_down));
    carry(client, broker, true, state, over);
}

fn look(state: &Mutex<State>) -> (Mode, bool) {
    let state = state.lock().expect("no panic");
    (state.mode, state.gate)
}

/// The cut, if it is for this way.
fn take_cut(state: &Mutex<State>, up: bool) -> Option<Cut> {
    state.lock().expect("no panic").cut.take_if(|cut| matches!(cut, Cut::Up(_)) == up)
}

fn carry(mut from: TcpStream, mut to: TcpStream, up: bool, state: &Mutex<State>, over: &AtomicBool) {
    from.set_read_timeout(Some(TICK)).expect("a socket");
    let mut buffer = [0; 16384];
    while !over.load(Ordering::Relaxed) {
        let room = match look(state) {
            (Mode::Refused, _) | (_, false) => break,
            (Mode::Silent, _) => {
                std::thread::sleep(TICK);
                continue;
            }
            (Mode::Slow(bytes), _) => {
                std::thread::sleep(TICK);
                bytes
            }
            (Mode::Up, _) => buffer.len(),
        };
        let length = match from.read(&mut buffer[..room]) {
            Ok(0) => break,
            Ok(length) => length,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        match take_cut(state, up) {
            Some(Cut::Down) => break,
            Some(Cut::Up(part)) => {
                drop(to.write_all(&buffer[..length * usize::from(part) / 256]));
                break;
            }
            None if to.write_all(&buffer[..length]).is_err() => break,
            None => {}
        }
    }
    for socket in [from, to] {
        drop(socket.shutdown(Shutdown::Both));
    }
}
