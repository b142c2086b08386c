//! What has been said on a connection so far, as far as it decides what the broker may say next.

use super::packet::{Ack, LEVEL_5, MAX_PACKET_SIZE, Packet, Wrong, name};
use super::properties::Properties;
use super::reason::{self, With};
use crate::model::{Failure, LastError};
use std::collections::{BTreeMap, VecDeque};

/// Messages at QoS 1 and 2 that the broker may have on their way to us (MQTT 5: announced as Receive Maximum). All are ignored:
/// we subscribe to nothing.
pub(crate) const RECEIVE_MAXIMUM: usize = 16;

/// What a broker said when it accepted us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Highest QoS that it takes.
    pub(crate) maximum_qos: Option<u8>,
    /// Whether it retains messages.
    pub(crate) retain_available: Option<bool>,
    /// Largest packet that it takes.
    pub(crate) maximum_packet_size: Option<u32>,
}

/// What comes next for a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Puback,
    Pubrec,
    /// PUBREC came; PUBREL is to be sent.
    Pubrel,
    Pubcomp,
}

/// What client and broker said so far.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// Of CONNECT, once it was sent.
    level: Option<u8>,
    accepted: Option<Accepted>,
    pings: usize,
    awaited: BTreeMap<u16, Awaited>,
    /// Answers to what the broker sends without being asked.
    replies: VecDeque<[u8; 4]>,
    /// Why the broker refused messages, by reason code: what it said last.
    refusals: BTreeMap<u8, Failure>,
    /// Reason codes of messages at QoS 2, until somebody asks.
    refused: BTreeMap<u16, u8>,
}

impl Exchange {
    /// A whole packet was sent: its first byte, and the numbers at the front of its body.
    pub(crate) fn sent(&mut self, first: u8, front: u16, behind: u16) {
        match first >> 4 {
            1 => self.level = Some(behind.to_be_bytes()[0]),
            3 if first & 0x06 == 0x02 => drop(self.awaited.insert(behind, Awaited::Puback)),
            3 if first & 0x06 == 0x04 => drop(self.awaited.insert(behind, Awaited::Pubrec)),
            6 => drop(self.awaited.insert(front, Awaited::Pubcomp)),
            12 => self.pings += 1,
            _ => {}
        }
    }

    /// Protocol level of the connection.
    pub(crate) fn level(&self) -> u8 {
        self.level.unwrap_or_default()
    }

    /// What the broker said when it accepted us, if it did.
    pub(crate) fn accepted(&self) -> Option<&Accepted> {
        self.accepted.as_ref()
    }

    /// The next answer that is to be sent.
    pub(crate) fn reply(&mut self) -> Option<[u8; 4]> {
        self.replies.pop_front()
    }

    /// Whether so many answers wait that nothing more may be read.
    pub(crate) fn is_full(&self) -> bool {
        self.replies.len() >= RECEIVE_MAXIMUM
    }

    /// Why the broker refused a message, by reason code.
    pub(crate) fn refusal(&self, code: u8) -> Option<Failure> {
        self.refusals.get(&code).cloned()
    }

    /// Why it refused the message at QoS 2 with this packet id. To be asked once.
    pub(crate) fn refusal_qos2(&mut self, id: u16) -> Option<(u8, Failure)> {
        let code = self.refused.remove(&id)?;
        Some((code, self.refusal(code)?))
    }

    /// A PUBLISH came to its end: it is acknowledged, and nobody gets it.
    pub(crate) fn ignore_publish(&mut self, first: u8, id: u16) -> Result<(), Failure> {
        self.after_connack(first)?;
        match first & 0x06 {
            0x02 => self.answer(Ack::Publish.first(), id),
            0x04 => self.answer(Ack::Received.first(), id),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, first: u8, id: u16) -> Result<(), Failure> {
        let [high, low] = id.to_be_bytes();
        if id == 0 {
            return Err(violation("PUBLISH with the packet identifier 0"));
        }
        self.replies.push_back([first, 2, high, low]);
        Ok(())
    }

    fn after_connack(&self, first: u8) -> Result<(), Failure> {
        match self.accepted {
            Some(_) => Ok(()),
            None => Err(violation(&format!("{} before CONNACK", name(first)))),
        }
    }

    /// Takes a packet of the broker, and writes what the client library is to see of it. An error ends the connection.
    pub(crate) fn receive(&mut self, first: u8, packet: Packet, out: &mut Vec<u8>) -> Result<(), Failure> {
        match packet {
            Packet::Connack { session_present, code, v3, properties } => {
                if self.accepted.is_some() || self.level.is_none() {
                    return Err(violation("CONNACK that nothing asked for"));
                }
                return self.connack(session_present, code, v3, properties, out);
            }
            _ => self.after_connack(first)?,
        }
        match packet {
            Packet::Ack { ack, id, code, properties } => self.acknowledge(ack, id, code, &properties, out),
            Packet::Pubrel { id } => self.answer(Ack::Complete.first(), id),
            Packet::Pingresp => {
                self.pings = self.pings.checked_sub(1).ok_or_else(|| violation("PINGRESP that nothing asked for"))?;
                out.extend_from_slice(&[0xD0, 0]);
                Ok(())
            }
            Packet::Disconnect { code, properties } => Err(reason::failure(With::Disconnect, code, &properties)),
            Packet::Connack { .. } => Ok(()),
        }
    }

    fn connack(
        &mut self,
        session_present: bool,
        code: u8,
        v3: bool,
        properties: Properties,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let v5 = self.level() == LEVEL_5;
        match (v5, v3, code) {
            // A broker that knows no version 5, whatever it makes of it.
            (true, true, 0 | 1) => return Err(reason::unsupported_version()),
            (true, _, 0x80..) => return Err(reason::failure(With::Connack, code, &properties)),
            (_, true, 1..) => return Err(reason::connack_v3(code)),
            (true, false, 1..) => return Err(violation(&format!("CONNACK with the unknown code {code}"))),
            _ => {}
        }
        out.extend_from_slice(&[0x20, 2, u8::from(session_present), 0]);
        if v5 {
            // Only what the client library heeds.
            let mut heeded = Vec::new();
            if let Some(maximum) = properties.receive_maximum {
                heeded.push(0x21);
                heeded.extend_from_slice(&maximum.to_be_bytes());
            }
            if let Some(seconds) = properties.server_keep_alive {
                heeded.push(0x13);
                heeded.extend_from_slice(&seconds.to_be_bytes());
            }
            let length = u8::try_from(heeded.len()).unwrap_or(0);
            let at = out.len();
            out[at - 3] = 3 + length;
            out.push(length);
            out.append(&mut heeded);
        }
        self.accepted = Some(Accepted {
            maximum_qos: properties.maximum_qos,
            retain_available: properties.retain_available,
            maximum_packet_size: properties.maximum_packet_size,
        });
        Ok(())
    }

    fn acknowledge(
        &mut self,
        ack: Ack,
        id: u16,
        code: u8,
        properties: &Properties,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let next = match (self.awaited.get(&id), ack) {
            (Some(Awaited::Puback), Ack::Publish) | (Some(Awaited::Pubcomp), Ack::Complete) => None,
            (Some(Awaited::Pubrec), Ack::Received) => (code < 0x80).then_some(Awaited::Pubrel),
            (Some(Awaited::Pubrec), Ack::Publish) => return Err(qos2_unsupported()),
            (other, _) => {
                let name = ack.name();
                let instead = match other {
                    None => "nothing with this packet identifier is on its way",
                    Some(Awaited::Puback) => "the message has QoS 1 and waits for PUBACK",
                    Some(Awaited::Pubrec) => "the message waits for PUBREC",
                    Some(Awaited::Pubrel) => "PUBREL was not sent yet",
                    Some(Awaited::Pubcomp) => "the message waits for PUBCOMP",
                };
                return Err(violation(&format!("{name} for packet {id}: {instead}")));
            }
        };
        match next {
            Some(next) => drop(self.awaited.insert(id, next)),
            None => drop(self.awaited.remove(&id)),
        }
        let [high, low] = id.to_be_bytes();
        if code < 0x80 {
            // What succeeded needs no more words, in any version.
            out.extend_from_slice(&[ack.first(), 2, high, low]);
        } else {
            if ack == Ack::Complete {
                // The broker does not know the message any more: it has it, or has lost its session.
                out.extend_from_slice(&[ack.first(), 2, high, low]);
                return Ok(());
            }
            self.refusals.insert(code, reason::failure(With::Acknowledgement, code, properties));
            if ack == Ack::Received {
                self.refused.insert(id, code);
            }
            out.extend_from_slice(&[ack.first(), 3, high, low, code]);
        }
        Ok(())
    }
}

/// A broker that answers QoS 2 as QoS 1 has the message and does not do QoS 2.
fn qos2_unsupported() -> Failure {
    Failure::new(
        LastError::Qos,
        "The broker answers QoS 2 with PUBACK, which is QoS 1: it does not support QoS 2. Set ScanQos to 1.",
    )
}

/// The broker does what MQTT does not allow.
pub(crate) fn violation(what: &str) -> Failure {
    Failure::new(
        LastError::Protocol,
        format!("The broker breaks the rules of MQTT: it sent {what}. Look at its version and its log."),
    )
}

/// The same for a packet that cannot be read.
pub(crate) fn unreadable(first: u8, wrong: Wrong) -> Failure {
    let name = name(first);
    violation(&match wrong {
        Wrong::Type => format!("{name}, which it may not send to this client"),
        Wrong::Flags => format!("{name} with the wrong flags {:#X}", first & 0x0F),
        Wrong::Length => format!("{name} that is longer than it may be (at most {MAX_PACKET_SIZE} bytes)"),
        Wrong::Body => format!("a malformed {name}"),
    })
}
