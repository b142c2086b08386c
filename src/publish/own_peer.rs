//! Whether the other end of a loopback connection is a socket of our own process. The tunnel listens on TCP (a Unix socket
//! makes Paho slow), where every local user could connect and use our credentials.
//!
//! Each of our own sockets is duplicated through a pidfd of ourselves, which needs no `unsafe`, and asked for its two
//! addresses. That is some thirty system calls; a search through `/proc/net/tcp` grows with every socket of the machine.

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// Whether we own the socket at `peer` that is connected to our socket at `local`.
pub(crate) fn is_own(local: SocketAddr, peer: SocketAddr) -> std::io::Result<bool> {
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    for entry in fs::read_dir("/proc/self/fd")? {
        let Ok(entry) = entry else { continue };
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Sockets only: to close a second descriptor of a file would give up the process's locks on it.
        if !fs::read_link(entry.path())
            .is_ok_and(|target| target.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
        {
            continue;
        }
        let Ok(socket) = pidfd_getfd(&own, number, PidfdGetfdFlags::empty()) else { continue };
        if connects(&socket, peer, local) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn connects(socket: &OwnedFd, from: SocketAddr, to: SocketAddr) -> bool {
    let name = rustix::net::getsockname(socket).ok().and_then(|name| SocketAddr::try_from(name).ok());
    let peer = || rustix::net::getpeername(socket).ok().flatten().and_then(|name| SocketAddr::try_from(name).ok());
    name == Some(from) && peer() == Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn our_own_socket_is_found_and_a_closed_one_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let ours = TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
        let (accepted, peer) = listener.accept().expect("accepts");
        let local = accepted.local_addr().expect("connected");
        assert!(is_own(local, peer).expect("answers"));
        drop(ours);
        assert!(!is_own(local, peer).expect("answers"));
    }
}
