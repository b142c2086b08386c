//! Reads several packets with one system call.

use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg};
use socket2::Socket;
use std::io::{self, ErrorKind, IoSliceMut};
use std::os::fd::AsRawFd;

/// Packets of one read.
pub(super) const PACKETS_PER_READ: usize = 16;
/// More than the largest HCI event (257 bytes) with its header.
const PACKET: usize = 512;

/// Room for the packets.
pub(super) struct Reader(Box<[[u8; PACKET]; PACKETS_PER_READ]>);

impl Reader {
    pub(super) fn new() -> Self {
        Self(Box::new([[0; PACKET]; PACKETS_PER_READ]))
    }

    /// Reads the packets that are there, up to [`PACKETS_PER_READ`], without waiting, and tells how many there were. `WouldBlock` if
    /// there were none, `UnexpectedEof` if the other side of a socket pair is gone.
    pub(super) fn read(&mut self, socket: &Socket, each: &mut dyn FnMut(&[u8])) -> io::Result<usize> {
        let mut room = self.0.each_mut().map(|packet| [IoSliceMut::new(packet)]);
        // It holds pointers, so it cannot be kept in a task. It is made once for many packets.
        let mut headers = MultiHeaders::<()>::preallocate(PACKETS_PER_READ, None);
        let messages = recvmmsg(socket.as_raw_fd(), &mut headers, &mut room, MsgFlags::MSG_DONTWAIT, None)?;
        let mut packets = 0;
        for message in messages {
            each(message.iovs().next().ok_or(ErrorKind::UnexpectedEof)?);
            packets += 1;
        }
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    fn read(reader: &mut Reader, socket: &Socket) -> Result<Vec<Vec<u8>>, ErrorKind> {
        let mut packets = Vec::new();
        match reader.read(socket, &mut |packet| packets.push(packet.to_vec())) {
            Ok(count) => assert_eq!(count, packets.len()),
            Err(error) => return Err(error.kind()),
        }
        Ok(packets)
    }

    #[test]
    fn packets_come_whole_and_in_order_until_the_end() {
        let (near, far) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).expect("pair");
        let mut reader = Reader::new();
        assert_eq!(read(&mut reader, &near), Err(ErrorKind::WouldBlock));
        let sent: Vec<_> = (0..20u8).map(|n| vec![n; 1 + usize::from(n) * 13]).collect();
        sent.iter().for_each(|packet| assert_eq!(far.send(packet).expect("send"), packet.len()));
        assert_eq!(read(&mut reader, &near).expect("some"), sent[..PACKETS_PER_READ]);
        drop(far);
        let mut rest = Vec::new();
        let end = reader.read(&near, &mut |packet| rest.push(packet.to_vec()));
        assert_eq!((end.map_err(|e| e.kind()), &*rest), (Err(ErrorKind::UnexpectedEof), &sent[PACKETS_PER_READ..]));
    }
}
