//! Whether the other end of a loopback connection is a socket of our own process. The tunnel listens on TCP (a Unix socket
//! makes Paho slow), where every local user could connect and use our credentials.
//!
//! Each of our own sockets is asked for its two addresses, by number. That is some thirty system calls; a search through
//! `/proc/net/tcp` grows with every socket of the machine.

use nix::sys::socket::{SockaddrStorage, getpeername, getsockname};
use std::fs;
use std::net::SocketAddr;
use std::os::fd::RawFd;

/// Whether we own the socket at `peer` that is connected to our socket at `local`.
pub(crate) fn is_own(local: SocketAddr, peer: SocketAddr) -> std::io::Result<bool> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let Ok(entry) = entry else { continue };
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A number that is closed meanwhile, or is not a socket's, has no addresses.
        if connects(number, peer, local) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn connects(socket: RawFd, from: SocketAddr, to: SocketAddr) -> bool {
    let ends = getsockname::<SockaddrStorage>(socket).ok().zip(getpeername::<SockaddrStorage>(socket).ok());
    ends.and_then(|(name, peer)| Some((address(&name)?, address(&peer)?))) == Some((from, to))
}

fn address(end: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = end.as_sockaddr_in().map(|end| SocketAddr::new(end.ip().into(), end.port()));
    v4.or_else(|| end.as_sockaddr_in6().map(|end| SocketAddr::new(end.ip().into(), end.port())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn peer_check_finds_our_own_socket_and_no_closed_one() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let ours = TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
        let (accepted, peer) = listener.accept().expect("accepts");
        let local = accepted.local_addr().expect("connected");
        assert!(is_own(local, peer).expect("answers"));
        drop(ours);
        assert!(!is_own(local, peer).expect("answers"));
    }
}
