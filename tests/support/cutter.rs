//! A network between the service and a broker that breaks connections where a test wants it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// What happens to the packet at which a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Dropped,
    Halved,
    Passed,
    /// Nothing is broken; from this packet on nothing goes this way.
    Held,
}

/// Where a connection breaks: at the n-th packet of this type that goes this way.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub way: Way,
    /// The packet's type, 1 is CONNECT.
    pub kind: u8,
    pub nth: usize,
    pub fate: Fate,
}

/// See the module.
pub struct Cutter {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// The cut of the next connection, if any.
    plan: Mutex<Box<dyn FnMut() -> Option<Cut> + Send>>,
    cuts: AtomicUsize,
}

impl Cutter {
    /// In front of this port of the loopback interface; `plan` is asked once for each connection.
    pub fn start(broker: u16, plan: impl FnMut() -> Option<Cut> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared { plan: Mutex::new(Box::new(plan)), cuts: AtomicUsize::new(0) });
        let ours = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A broker that is away: the client sees its connection closed.
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
                let cut = (ours.plan.lock().expect("no panic"))();
                let sockets = [client, broker];
                for way in [Way::Up, Way::Down] {
                    let [from, to] = [&sockets[way as usize], &sockets[1 - way as usize]];
                    let (from, to) = (from.try_clone().expect("a copy"), to.try_clone().expect("a copy"));
                    let (shared, cut) = (ours.clone(), cut.filter(|cut| cut.way == way));
                    std::thread::spawn(move || carry(from, to, cut, &shared));
                }
            }
        });
        Self { port, shared }
    }

    /// How many connections it broke.
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::Relaxed)
    }

    /// From now on.
    pub fn plan(&self, plan: impl FnMut() -> Option<Cut> + Send + 'static) {
        *self.shared.plan.lock().expect("no panic") = Box::new(plan);
    }
}

/// Carries packets one way until the end or the cut, then closes both ways.
fn carry(mut from: TcpStream, mut to: TcpStream, cut: Option<Cut>, shared: &Shared) {
    let mut left = cut.map_or(0, |cut| cut.nth);
    while let Some(packet) = read_packet(&mut from) {
        let cut = cut.filter(|cut| cut.kind == packet[0] >> 4);
        left -= usize::from(cut.is_some());
        let Some(cut) = cut.filter(|_| left == 0) else {
            if to.write_all(&packet).is_err() {
                break;
            }
            continue;
        };
        shared.cuts.fetch_add(1, Ordering::Relaxed);
        let passes = match cut.fate {
            Fate::Dropped => 0,
            Fate::Halved => packet.len() / 2,
            Fate::Passed => packet.len(),
            Fate::Held => {
                while from.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
                break;
            }
        };
        let _ = to.write_all(&packet[..passes]);
        break;
    }
    for socket in [from, to] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn read_packet(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut packet = vec![0; 2];
    from.read_exact(&mut packet).ok()?;
    while packet[packet.len() - 1] & 0x80 != 0 {
        let mut more = [0];
        from.read_exact(&mut more).ok()?;
        packet.push(more[0]);
    }
    let length = packet[1..].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
    let header = packet.len();
    packet.resize(header + length, 0);
    from.read_exact(&mut packet[header..]).ok()?;
    Some(packet)
}
