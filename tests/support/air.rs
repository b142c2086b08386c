//! The other end of `--monitor-fd`: packets as the kernel's monitor channel gives them, without a radio.

use radio_controller::Advert;
use radio_controller::advert::Pdu;
use rustix::fd::OwnedFd;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

/// See the module.
pub struct Air(OwnedFd);

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    Taken,
    Full,
    /// Nobody has the other end.
    Gone,
}

/// Legacy advertising data holds this much.
pub const AD_BYTES: usize = 31;

impl Air {
    /// Our end, and the one that the service inherits.
    pub fn new() -> (Self, OwnedFd) {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a socket pair");
        fcntl_setfd(&theirs, FdFlags::empty()).expect("inherited");
        (Self(ours), theirs)
    }

    /// Plays one packet. Waits while the service is behind.
    pub fn send(&self, packet: &[u8]) {
        send(&self.0, packet, SendFlags::empty()).expect("the service reads");
    }

    /// Makes room for as many packets as the service wants of the kernel; both get what the system allows.
    pub fn widen(&self) {
        set_socket_send_buffer_size(&self.0, 4 << 20).expect("a socket of ours");
    }

    /// Plays one packet if there is room for it, as the monitor channel does.
    pub fn try_send(&self, packet: &[u8]) -> bool {
        let offer = self.offer(packet);
        assert!(offer != Offer::Gone, "the service reads");
        offer == Offer::Taken
    }

    /// The same to a service that may have ended.
    pub fn offer(&self, packet: &[u8]) -> Offer {
        match send(&self.0, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(_) => Offer::Taken,
            Err(Errno::AGAIN) => Offer::Full,
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Offer::Gone,
            Err(error) => panic!("a socket of ours: {error}"),
        }
    }

    /// Plays an advertisement.
    pub fn hear(&self, advert: &Advert) {
        reports(advert).iter().for_each(|packet| self.send(packet));
    }

    /// Plays numbered advertisements of so many devices: each number once.
    pub fn play(&self, numbers: std::ops::Range<u32>, devices: u16) {
        numbers.for_each(|number| self.send(&packet(number, devices)));
    }
}

/// The packets in which a controller reports an advertisement: one, or one for each piece of a long one.
pub fn reports(advert: &Advert) -> Vec<Vec<u8>> {
    let (subevent, reports) = match advert.hci {
        Pdu::Legacy => (0x02, advert.legacy_report().into_iter().collect()),
        Pdu::Extended => (0x0D, advert.extended_reports()),
    };
    let event = |report: Vec<u8>| {
        let header = [0x3E, report.len() as u8 + 2, subevent, 1];
        let length = (header.len() + report.len()) as u16;
        [&[3, 0, 0, 0][..], &length.to_le_bytes(), &header, &report].concat()
    };
    reports.into_iter().map(event).collect()
}

/// ADV_NONCONN_IND in an LE Advertising Report (Core 5.4, Vol 4, Part E, 7.7.65.2) behind the monitor channel's header. The
/// number is at the end of manufacturer data of company 0xFFFF, which is for tests.
pub fn packet(number: u32, devices: u16) -> Vec<u8> {
    let device = (number % u32::from(devices)) as u16;
    let [d0, d1] = device.to_be_bytes();
    let mut ad = vec![0x02, 0x01, 0x06, 27, 0xFF, 0xFF, 0xFF, d0, d1];
    ad.resize(AD_BYTES - 4, 0x5A);
    ad.extend_from_slice(&number.to_be_bytes());
    let mut event = vec![0x3E, 0, 0x02, 1, 3, 1, d1, d0, 0, 0, 0xDE, 0xC0, ad.len() as u8];
    event.extend_from_slice(&ad);
    event.push((-60i8) as u8);
    event[1] = (event.len() - 2) as u8;
    let length = (event.len() as u16).to_le_bytes();
    [&[3, 0, 0, 0][..], &length, &event].concat()
}

/// The number in an item's `adData`.
pub fn number(ad_data: &str) -> u32 {
    let digits = ad_data.get(2 * (AD_BYTES - 4)..).expect("a numbered advertisement");
    u32::from_str_radix(digits, 16).expect("a number")
}
