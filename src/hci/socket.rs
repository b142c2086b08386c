//! Sockets that monitor packets come from. One of few places in the service with `unsafe` code.
#![allow(unsafe_code)]

use super::bpf::Instruction;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockFilter, Socket, Type};
use std::io;
use std::os::fd::AsRawFd;

/// `BTPROTO_HCI` of the kernel.
const HCI: i32 = 1;
/// `SO_MEMINFO` of the kernel's generic socket options.
const SO_MEMINFO: i32 = 55;
/// Wanted; the kernel grants what `net.core.rmem_max` allows.
const RECEIVE_BUFFER: usize = 4 << 20;

/// `struct sockaddr_hci` of the kernel.
#[repr(C)]
struct HciAddress {
    family: libc::sa_family_t,
    device: u16,
    channel: u16,
}

/// Opens the monitor channel. The filter is in place before the channel is chosen, so that no other packet ever reaches
/// this process.
pub(super) fn monitor(advert_reports: &[Instruction]) -> io::Result<Socket> {
    let socket = Socket::new(Domain::from(libc::AF_BLUETOOTH), Type::RAW, Some(Protocol::from(HCI)))?;
    socket.set_nonblocking(true)?;
    let instruction = |&(code, if_true, if_false, k): &Instruction| SockFilter::new(code, if_true, if_false, k);
    let filter: Vec<_> = advert_reports.iter().map(instruction).collect();
    socket.attach_filter(&filter)?;
    if option(&socket, libc::SO_GET_FILTER, &mut [])? != filter.len() {
        return Err(io::Error::other("the kernel does not keep the socket filter"));
    }
    lock_filter(&socket)?;
    // Best effort: a smaller buffer loses adverts in a burst only, and the loss is counted.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&monitor_address())?;
    Ok(socket)
}

fn monitor_address() -> SockAddr {
    // HCI_DEV_NONE and HCI_CHANNEL_MONITOR: all adapters.
    let address = HciAddress { family: libc::AF_BLUETOOTH as libc::sa_family_t, device: 0xFFFF, channel: 2 };
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the storage is zeroed, larger than an `HciAddress` (three 16-bit integers, valid with any bits) and at least
    // as strictly aligned; the length is that of what was written into it.
    unsafe {
        *storage.view_as() = address;
        SockAddr::new(storage, size_of::<HciAddress>() as libc::socklen_t)
    }
}

/// Packets that the kernel dropped because nobody had read the earlier ones; wraps around.
pub(super) fn drops(socket: &Socket) -> io::Result<u32> {
    let mut memory = [0; libc::SK_MEMINFO_DROPS as usize + 1];
    option(socket, SO_MEMINFO, &mut memory)?;
    Ok(memory[libc::SK_MEMINFO_DROPS as usize])
}

/// Neither we nor who gets hold of the socket can take its filter away or replace it any more.
fn lock_filter(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is open; the kernel reads an integer of `length` bytes, which `on` is.
    let answer = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LOCK_FILTER, (&raw const on).cast(), length)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads an option of `SOL_SOCKET` and gives the length that the kernel reports. With no room given the kernel only
/// reports: for a filter the number of its instructions.
fn option(socket: &Socket, name: i32, words: &mut [u32]) -> io::Result<usize> {
    let mut length = size_of_val(words) as libc::socklen_t;
    // SAFETY: the descriptor is open; the kernel writes at most `length` bytes, which is exactly the room that `words`
    // offers, and any bytes are valid integers. (SO_GET_FILTER counts `length` in instructions: it is asked with 0 only.)
    let answer =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, words.as_mut_ptr().cast(), &mut length) };
    if answer == 0 { Ok(length as usize) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::super::bpf::advert_reports;
    use super::*;

    #[test]
    fn socket_address_is_the_monitor_channel_of_all_adapters() {
        let address = monitor_address();
        assert_eq!(address.len(), 6);
        assert_eq!(i32::from(address.family()), libc::AF_BLUETOOTH);
    }

    #[test]
    fn socket_filter_is_in_the_kernel_with_its_length() {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None).expect("socket");
        assert!(option(&socket, libc::SO_GET_FILTER, &mut []).is_ok_and(|n| n == 0));
        let filter = advert_reports().map(|(code, t, f, k)| SockFilter::new(code, t, f, k));
        socket.attach_filter(&filter).expect("attach");
        assert_eq!(option(&socket, libc::SO_GET_FILTER, &mut []).expect("get"), filter.len());
        assert_eq!(drops(&socket).expect("drops"), 0);
    }

    #[test]
    fn socket_filter_stays_once_it_is_locked() {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None).expect("socket");
        let filter = advert_reports().map(|(code, t, f, k)| SockFilter::new(code, t, f, k));
        socket.attach_filter(&filter).expect("attach");
        lock_filter(&socket).expect("locked");
        let refused = |result: io::Result<()>| result.expect_err("refused").raw_os_error() == Some(libc::EPERM);
        let everything = [SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, u32::MAX)];
        assert!(refused(socket.attach_filter(&everything)) && refused(socket.detach_filter()));
        assert_eq!(option(&socket, libc::SO_GET_FILTER, &mut []).expect("get"), filter.len());
    }

    #[test]
    fn socket_filter_runs_in_the_kernel_as_in_the_interpreter() {
        use super::super::packets::{legacy, legacy_event, meta};
        let (near, far) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).expect("pair");
        near.set_nonblocking(true).expect("nonblocking");
        near.attach_filter(&advert_reports().map(|(c, t, f, k)| SockFilter::new(c, t, f, k))).expect("attach");
        let report = legacy_event(0, &[legacy(0, 0, &[1, 2, 3], -9)]);
        // A unix socket tells the sender about what the filter dropped; only what arrives matters.
        let _ = far.send(&meta(0, 0x09, &[1; 30]));
        far.send(&report).expect("send");
        let mut buffer = [0; 512];
        let length = io::Read::read(&mut &near, &mut buffer).expect("read");
        assert_eq!(buffer[..length], report);
        assert!(io::Read::read(&mut &near, &mut buffer).is_err());
    }
}
