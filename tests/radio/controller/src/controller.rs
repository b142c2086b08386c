//! A plugged-in controller that tests hold by the handle.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::answers::Identity;
use crate::connection;
use crate::core::{Core, Counts};
use crate::hci::{self, Command};
use crate::scan::Scan;
use crate::vhci::Link;
use crate::{Address, Advert};

/// How to make a controller.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Public address.
    pub address: Address,
    /// Without extended advertising.
    pub legacy: bool,
    /// Log each command of the host to stderr.
    pub verbose: bool,
}

/// What a controller is doing.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// Public address.
    pub address: Address,
    /// N of `hciN`; `None` while unplugged.
    pub index: Option<u16>,
    /// Neither answers nor reports.
    pub hung: bool,
    /// Scanner.
    pub scan: Scan,
    /// Tries to connect, until the host gives it up.
    pub connecting: bool,
    /// Reports so far.
    pub counts: Counts,
    /// How often each opcode came, by its four hex digits.
    pub commands: Vec<(String, u64)>,
    /// Opcodes that were not known.
    pub unknown: Vec<String>,
}

/// A virtual controller. Clones are handles of the same one; the last one
/// dropped pulls the plug.
#[derive(Clone, Debug)]
pub struct Controller(Arc<Plug>);

#[derive(Debug)]
struct Plug {
    shared: Arc<Mutex<Shared>>,
    link: Mutex<Option<Link>>,
    /// Counts calls of `stop`.
    stops: AtomicU64,
}

/// What the link's thread and the handles share.
#[derive(Debug)]
struct Shared {
    core: Core,
    /// Where packets go; `None` while unplugged.
    host: Option<Arc<File>>,
    hung: bool,
    verbose: bool,
}

impl Controller {
    /// Makes and plugs in a controller.
    ///
    /// # Errors
    /// See [`Link::open`].
    pub fn new(options: Options) -> io::Result<Self> {
        let Options { address, legacy, verbose } = options;
        let controller = Self(Arc::new(Plug {
            shared: Arc::new(Mutex::new(Shared {
                core: Core::new(Identity { address, legacy }),
                host: None,
                hung: false,
                verbose,
            })),
            link: Mutex::new(None),
            stops: AtomicU64::new(0),
        }));
        controller.replug()?;
        Ok(controller)
    }

    /// Pulls the plug. The kernel has removed the adapter when this returns.
    pub fn unplug(&self) {
        self.shared().host = None;
        drop(lock(&self.0.link).take());
    }

    /// Plugs the controller in again, as the same device.
    ///
    /// # Errors
    /// See [`Link::open`].
    pub fn replug(&self) -> io::Result<()> {
        let mut link = lock(&self.0.link);
        if link.is_some() {
            return Err(io::Error::other("is plugged in already"));
        }
        self.shared().core.restart();
        let shared = Arc::clone(&self.0.shared);
        let opened = Link::open(move |packet| lock(&shared).receive(packet))?;
        self.shared().host = Some(opened.sender());
        *link = Some(opened);
        Ok(())
    }

    /// Stops answering and reporting (or starts again).
    pub fn set_hung(&self, hung: bool) {
        self.shared().hung = hung;
    }

    /// Forgets what the host had set, and does not say so: a controller that started anew by itself.
    pub fn forget(&self) {
        self.shared().core.restart();
    }

    /// From now on answers `opcode` with `status`; 0 ends that.
    pub fn fail(&self, opcode: u16, status: u8) {
        self.shared().core.fail(opcode, status);
    }

    /// Refuses to scan, with this status, until it is reset: only a power cycle helps. 0 ends that.
    pub fn jam(&self, status: u8) {
        self.shared().core.jam(status);
    }

    /// Whether the device answers that the host connects to.
    pub fn answer_connections(&self, answered: bool) {
        self.shared().core.answer_connections(answered);
    }

    /// Sends a Hardware Error event.
    ///
    /// # Errors
    /// When unplugged.
    pub fn hardware_error(&self, code: u8) -> io::Result<()> {
        self.shared().send(&hci::hardware_error(code))
    }

    /// Advertisements on the air at the same moment: one event as far as they fit.
    /// Unheard while unplugged or hung.
    ///
    /// # Errors
    /// When the kernel does not take the event.
    pub fn report(&self, adverts: &[Advert], force: bool) -> io::Result<Counts> {
        let mut shared = self.shared();
        if shared.is_silent() {
            return Ok(unheard(adverts.len()));
        }
        let (events, counts) = shared.core.report(adverts, force);
        events.iter().try_for_each(|event| shared.send(event))?;
        Ok(counts)
    }

    /// A whole event packet (`04 3E ...`), exactly as it is. Unheard while
    /// unplugged or hung.
    ///
    /// # Errors
    /// When the kernel does not take the event.
    pub fn raw(&self, packet: &[u8], force: bool) -> io::Result<Counts> {
        let mut shared = self.shared();
        if shared.is_silent() {
            return Ok(unheard(1));
        }
        let (event, counts) = shared.core.raw(packet, force);
        event.map_or(Ok(()), |event| shared.send(&event))?;
        Ok(counts)
    }

    /// Ends what [`Self::stopped`] watches: loads and plays now under way.
    pub fn stop(&self) {
        self.0.stops.fetch_add(1, Ordering::Relaxed);
    }

    /// A test for "was `stop` called since".
    pub fn stopped(&self) -> impl Fn() -> bool + use<> {
        let plug = Arc::clone(&self.0);
        let before = plug.stops.load(Ordering::Relaxed);
        move || plug.stops.load(Ordering::Relaxed) != before
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> State {
        let index = lock(&self.0.link).as_ref().map(Link::index);
        let shared = self.shared();
        let core = &shared.core;
        State {
            address: core.identity().address,
            index,
            hung: shared.hung,
            scan: core.scan().clone(),
            connecting: core.is_connecting(),
            counts: core.counts(),
            commands: core.commands().iter().map(|(op, n)| (format!("{op:04x}"), *n)).collect(),
            unknown: core.unknown().iter().map(|op| format!("{op:04x}")).collect(),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.0.shared)
    }
}

impl Shared {
    /// A packet from the host, and the answer: as a rule one packet.
    fn receive(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let Some(command) = Command::parse(packet) else {
            return if self.hung { Vec::new() } else { connection::data(packet) };
        };
        if self.verbose {
            let parameters = crate::hex::encode(&command.parameters);
            eprintln!("controller: command {:04x} {parameters}", command.opcode);
        }
        if self.hung {
            return Vec::new();
        }
        let known = self.core.unknown().len();
        let answer = self.core.command(&command);
        if self.core.unknown().len() > known {
            eprintln!("controller: unknown command {:04x}", command.opcode);
        }
        answer
    }

    fn is_silent(&self) -> bool {
        self.hung || self.host.is_none()
    }

    fn send(&self, packet: &[u8]) -> io::Result<()> {
        match &self.host {
            Some(host) => (&**host).write_all(packet),
            None => Err(io::Error::other("is unplugged")),
        }
    }
}

fn unheard(reports: usize) -> Counts {
    Counts { unheard: reports as u64, ..Counts::default() }
}

/// A test that panicked elsewhere must not hide what this one says.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
