//! The fallback capture: BlueZ's D-Bus signals, where the monitor channel is out of reach.
//!
//! What the air said is put together again from what BlueZ kept of it: the order of AD structures, scan responses, PHYs and
//! repeats that BlueZ merged are lost. BlueZ tells no event type, so every advert counts as ADV_NONCONN_IND (3), which claims
//! least.

mod device;

use super::adapter::bluez::NAME;
use super::capture::{Burst, Capture};
use crate::advert::{Address, AddressType, Advert, Pdu};
use device::{Device, Objects, ad_bytes};
use futures_util::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::io;
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream};

/// Messages in a burst, then others get a turn.
const BURST: usize = 64;
/// Signals that may wait in this process; then the bus waits.
const QUEUE: usize = 4096;
/// Devices whose kind of address is remembered. BlueZ forgets a device after half a minute, so this is far away.
const DEVICES: usize = 50_000;

const DEVICE: &str = "org.bluez.Device1";

/// What signals do not repeat.
#[derive(Debug, Clone, Copy)]
struct Known {
    address_type: AddressType,
    rssi: i8,
}

/// See the module. Has a connection of its own: while its messages wait, no other's may.
pub(super) struct Signals {
    stream: MessageStream,
    next: Option<Message>,
    known: HashMap<String, Known>,
    passing: bool,
}

impl Signals {
    /// Listens from now on. `passing`: the reason why there is no better capture may pass.
    pub(super) async fn open(passing: bool) -> zbus::Result<Self> {
        let connection = Connection::system().await?;
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(NAME).build()?;
        let stream = MessageStream::for_match_rule(rule, &connection, std::num::NonZero::new(QUEUE)).await?;
        let mut signals = Self { stream, next: None, known: HashMap::new(), passing };
        // Without bluetoothd there are none yet: each is told when it comes.
        if let Ok(objects) = device::all(&connection).await {
            for (path, interfaces) in objects {
                signals.remember(path.as_str(), interfaces.get(DEVICE));
            }
        }
        Ok(signals)
    }

    /// Whether it makes sense to look for a better capture again.
    pub(super) fn passing(&self) -> bool {
        self.passing
    }

    fn remember(&mut self, path: &str, device: Option<&Device>) -> Option<Known> {
        let before = self.known.get(path).copied();
        let address_type = device?.address_type.as_deref().map(|kind| match kind {
            "random" => AddressType::Random,
            _ => AddressType::Public,
        });
        let known = Known {
            address_type: address_type.or(before.map(|b| b.address_type)).unwrap_or(AddressType::Public),
            rssi: device?.rssi.and_then(|rssi| i8::try_from(rssi).ok()).or(before.map(|b| b.rssi)).unwrap_or(127),
        };
        if self.known.len() >= DEVICES {
            self.known.clear();
        }
        self.known.insert(path.to_owned(), known);
        Some(known)
    }

    /// Hands over the advert of a message, if it holds one.
    fn hear(&mut self, message: &Message, each: &mut dyn FnMut(&Advert<'_>)) -> zbus::Result<()> {
        let header = message.header();
        // The bus hands out broadcasts of bluetoothd only (our match rule); what is sent to us alone may come from anyone.
        if header.destination().is_some() {
            return Ok(());
        }
        let body = message.body();
        match header.member().map(|member| member.as_str()) {
            Some("PropertiesChanged") => {
                let (interface, device, _invalidated): (&str, Device, Vec<&str>) = body.deserialize()?;
                if let Some(path) = header.path()
                    && interface == DEVICE
                {
                    self.advert(path.as_str(), &device, each);
                }
            }
            Some("InterfacesAdded") => {
                let (path, interfaces): (zbus::ObjectPath<'_>, Objects) = body.deserialize()?;
                if let Some(device) = interfaces.get(DEVICE) {
                    // One without RSSI comes from BlueZ's storage, not from the air.
                    match device.rssi {
                        Some(_) => self.advert(path.as_str(), device, each),
                        None => drop(self.remember(path.as_str(), Some(device))),
                    }
                }
            }
            Some("InterfacesRemoved") => {
                let (path, interfaces): (zbus::ObjectPath<'_>, Vec<&str>) = body.deserialize()?;
                if interfaces.contains(&DEVICE) {
                    self.known.remove(path.as_str());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn advert(&mut self, path: &str, device: &Device, each: &mut dyn FnMut(&Advert<'_>)) {
        if !device.was_heard() {
            return;
        }
        let (Some((adapter, address)), Some(known)) = (parse(path), self.remember(path, Some(device))) else { return };
        let data = ad_bytes(device);
        let Known { address_type, rssi } = known;
        each(&Advert { adapter, address, address_type, pdu: Pdu::NonconnInd, rssi, data: &data });
    }
}

/// Adapter index and address of `/org/bluez/hci0/dev_00_1A_7D_DA_71_13`.
fn parse(path: &str) -> Option<(u16, Address)> {
    let (adapter, device) = path.strip_prefix("/org/bluez/hci")?.split_once("/dev_")?;
    Some((adapter.parse().ok()?, Address::parse(&device.replace('_', ":"))?))
}

impl Capture for Signals {
    async fn ready(&mut self) -> io::Result<()> {
        if self.next.is_none() {
            match self.stream.next().await {
                Some(message) => self.next = Some(message.map_err(io::Error::other)?),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(())
    }

    fn take(&mut self, each: &mut dyn FnMut(&Advert<'_>)) -> io::Result<Burst> {
        let mut burst = Burst::default();
        for _ in 0..BURST {
            let message = match self.next.take() {
                Some(message) => message,
                None => match self.stream.next().now_or_never() {
                    None => return Ok(burst),
                    Some(Some(message)) => message.map_err(io::Error::other)?,
                    Some(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
            };
            if let Err(e) = self.hear(&message, each) {
                tracing::debug!("a signal of bluetoothd: {e}");
                burst.malformed += 1;
            }
        }
        burst.more = true;
        Ok(burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_adapter_and_device() {
        let (adapter, address) = parse("/org/bluez/hci12/dev_00_1A_7D_DA_71_13").expect("a device");
        assert_eq!((adapter, address.to_string().as_str()), (12, "00:1A:7D:DA:71:13"));
        for other in
            ["/", "/org/bluez/hci0", "/org/bluez/hci0/dev_00_1A", "/org/bluez/hci0/dev_00_1A_7D_DA_71_13/player0"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
