//! The controller's end of `/dev/vhci`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::OFlags;

/// Largest H4 packet: commands are at most 259 bytes, and ACL data as long as the controller's buffers.
const MAX_PACKET: usize = 1028;
/// Packet type of vhci's own messages, and "make a controller".
const VENDOR: u8 = 0xFF;

/// What is done with a packet from the host.
pub trait Receive: Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static {}
impl<F: Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static> Receive for F {}

/// A plugged-in controller; dropping it pulls the plug.
#[derive(Debug)]
pub struct Link {
    device: Arc<File>,
    index: u16,
    stop: Arc<OwnedFd>,
    reader: Option<JoinHandle<()>>,
}

impl Link {
    /// Creates a controller. `receive` gets every packet from the host, on a
    /// thread of the link's own, and returns the packets to answer with.
    ///
    /// # Errors
    /// When the kernel has no `/dev/vhci` or does not let us.
    pub fn open(receive: impl Receive) -> io::Result<Self> {
        let device = open_device(Path::new("/dev/vhci"))?;
        (&device).write_all(&[VENDOR, 0x00])?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let index = loop {
            let mut packet = [0; MAX_PACKET];
            wait(&device, &stop)?;
            let length = (&device).read(&mut packet)?;
            match packet[..length] {
                [VENDOR, _, low, high] => break u16::from_le_bytes([low, high]),
                ref early => answer(&device, receive(early))?,
            }
        };
        let device = Arc::new(device);
        let reader = {
            let (device, stop) = (Arc::clone(&device), Arc::clone(&stop));
            thread::Builder::new().name(format!("vhci{index}")).spawn(move || read_all(&device, &stop, receive))?
        };
        Ok(Self { device, index, stop, reader: Some(reader) })
    }

    /// N of the kernel's `hciN`.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.index
    }

    /// The device, to send packets from elsewhere.
    #[must_use]
    pub fn sender(&self) -> Arc<File> {
        Arc::clone(&self.device)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Nothing to do about a failure here: the reader would then end with the process.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn open_device(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

/// Waits for a packet; false when told to stop.
fn wait(device: &File, stop: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(device, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
    loop {
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
            Ok(_) => return Ok(fds[1].revents().is_empty()),
        }
    }
}

fn answer(mut device: &File, packets: Vec<Vec<u8>>) -> io::Result<()> {
    packets.iter().try_for_each(|packet| device.write_all(packet))
}

fn read_all(device: &File, stop: &OwnedFd, receive: impl Receive) {
    let mut packet = [0; MAX_PACKET];
    while wait(device, stop).unwrap_or(false) {
        let mut from = device;
        let done = match from.read(&mut packet) {
            Ok(length) => answer(device, receive(&packet[..length])),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(e) => Err(e),
        };
        if let Err(e) = done {
            eprintln!("controller: {e}");
            return;
        }
    }
}
