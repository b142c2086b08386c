//! Clients that call without waiting for answers: as many bytes as a program of a few lines can send.

use crate::support::bus::Bus;
use crate::support::busctl::NAME;
use std::io::{BufReader, Read, Write};
use std::num::NonZero;
use std::os::unix::net::UnixStream;
use zbus::Message;
use zbus::message::Flags;

/// One connection to the bus, written and read by hand.
pub struct RawClient {
    stream: BufReader<UnixStream>,
    serial: u32,
}

impl RawClient {
    /// root on the bus, greeted.
    pub fn connect(bus: &Bus) -> Self {
        let path = bus.address().strip_prefix("unix:path=").expect("a path");
        let mut stream = UnixStream::connect(path.split(',').next().expect("a path")).expect("the bus listens");
        let user: String = "0".bytes().map(|digit| format!("{digit:02x}")).collect();
        write!(stream, "\0AUTH EXTERNAL {user}\r\nBEGIN\r\n").expect("a socket");
        let mut client = Self { stream: BufReader::new(stream), serial: 0 };
        let mut byte = [0];
        while byte != *b"\n" {
            client.stream.read_exact(&mut byte).expect("OK of the bus");
        }
        let bus = "org.freedesktop.DBus";
        client.send(&client.call(bus, "/org/freedesktop/DBus", bus, "Hello", Flags::empty()), 1);
        // The answer, and the signal that it has its name.
        client.answers(1);
        client
    }

    fn call(&self, to: &str, path: &str, interface: &str, member: &str, flags: Flags) -> RawCall {
        RawCall { to: to.into(), path: path.into(), interface: interface.into(), member: member.into(), flags }
    }

    /// Asks the bus for something and waits for the answer.
    pub fn ping_bus(&mut self) {
        let bus = "org.freedesktop.DBus";
        self.send(&self.call(bus, "/org/freedesktop/DBus", bus, "GetId", Flags::empty()), 1);
        self.answers(1);
    }

    /// A call of the service.
    pub fn call_of(&self, path: &str, interface: &str, member: &str) -> RawCall {
        self.call(NAME, path, interface, member, Flags::empty())
    }

    /// Sends a call so many times. Waits for the bus to take it, and for nothing else.
    pub fn send(&mut self, call: &RawCall, times: usize) {
        let mut all = Vec::new();
        for _ in 0..times {
            self.serial += 1;
            all.extend(call.bytes(self.serial));
        }
        self.stream.get_mut().write_all(&all).expect("the bus takes it");
    }

    /// Reads so many answers, signals between them aside, and tells how many are errors.
    pub fn answers(&mut self, count: usize) -> usize {
        self.named_answers(count, &mut Vec::new())
    }

    /// The same, with the names of the errors.
    pub fn named_answers(&mut self, count: usize, names: &mut Vec<String>) -> usize {
        let (mut found, mut errors) = (0, 0);
        while found < count {
            let mut header = [0; 16];
            self.stream.read_exact(&mut header).expect("a message");
            let length = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize;
            let mut rest = vec![0; length(12).next_multiple_of(8) + length(4)];
            self.stream.read_exact(&mut rest).expect("its rest");
            found += usize::from(matches!(header[1], 2 | 3));
            if header[1] == 3 {
                errors += 1;
                // A header field of the type s, after its code.
                let name = rest.windows(4).position(|field| field == b"\x04\x01s\0").expect("ERROR_NAME") + 8;
                let end = name + rest[name..].iter().position(|byte| *byte == 0).expect("text ends with NUL");
                names.push(String::from_utf8_lossy(&rest[name..end]).into_owned());
            }
        }
        errors
    }
}

/// A call as often as wanted.
pub struct RawCall {
    to: String,
    path: String,
    interface: String,
    member: String,
    flags: Flags,
}

impl RawCall {
    /// That no answer is wanted.
    pub fn without_answer(mut self) -> Self {
        self.flags = Flags::NO_REPLY_EXPECTED;
        self
    }

    fn bytes(&self, serial: u32) -> Vec<u8> {
        let call = Message::method_call(&*self.path, &*self.member).destination(&*self.to).interface(&*self.interface);
        let call = call.with_flags(self.flags).serial(NonZero::new(serial).expect("not 0"));
        let call =
            if self.member == "GetAll" { call.build(&"com.cassianetworks.Bypass1.Stats") } else { call.build(&()) };
        call.expect("a message").data().to_vec()
    }
}
