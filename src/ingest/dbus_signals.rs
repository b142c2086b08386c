//! The fallback capture: BlueZ's D-Bus signals, where the monitor channel is out of reach.
//!
//! What the air said is put together again from what BlueZ kept of it: the order of AD structures, scan responses, PHYs and
//! repeats that BlueZ merged are lost. BlueZ tells no event type, so every advert counts as ADV_NONCONN_IND (3), which claims
//! least. BlueZ tells of classic devices as well: what answered an inquiry is no advert.

mod device;
mod device_cache;

pub use device_cache::MAX_DEVICES;

use crate::bluez::client::{self, NAME};
use crate::capture::{Capture, Each, Malformed, ReadOutcome, UNKNOWN};
use crate::model::{Address, Advert, MalformedReason, Pdu};
use device::{Device, Objects, ad_bytes};
use device_cache::{DeviceCache, Known};
use futures_util::{FutureExt, StreamExt};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream};

/// Messages of one read, then others get a turn.
const MAX_MESSAGES_PER_READ: usize = 64;
/// DbusSignals that may wait in this process; then the bus waits.
const MAX_QUEUED_MESSAGES: usize = 4096;

/// How long an advert waits for the kind of its address.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

const DEVICE: &str = "org.bluez.Device1";

/// A device whose kind of address was not told of, or was forgotten, and is asked for: it is not made up.
struct Unknown {
    path: String,
    until: Instant,
    asked: bool,
}

/// Adverts out of the signals of bluetoothd. Has a connection of its own: while its messages wait, no other's may.
pub(super) struct DbusSignals {
    stream: MessageStream,
    next: Option<Message>,
    cache: DeviceCache,
    /// The advert in `next` waits for its kind of address.
    unknown: Option<Unknown>,
    transient: bool,
}

impl DbusSignals {
    /// Listens from now on. `transient`: the reason why there is no better capture may pass.
    pub(super) async fn open(transient: bool) -> zbus::Result<Self> {
        let connection = Connection::system().await?;
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(NAME).build()?;
        let stream =
            MessageStream::for_match_rule(rule, &connection, std::num::NonZero::new(MAX_QUEUED_MESSAGES)).await?;
        let (cache, unknown) = (DeviceCache::default(), None);
        let mut signals = Self { stream, next: None, cache, unknown, transient };
        // Without bluetoothd there are none yet; a signal announces each later.
        if let Ok(objects) = client::objects::<Device>(&connection).await {
            for (path, interfaces) in objects {
                if let Some(device) = interfaces.get(DEVICE) {
                    signals.cache.update(path.as_str(), device);
                }
            }
        }
        Ok(signals)
    }

    /// Whether it makes sense to look for a better capture again.
    pub(super) fn transient(&self) -> bool {
        self.transient
    }

    /// Asks bluetoothd for the device whose kind of address an advert waits for, on another connection: on this one the answer may be
    /// behind adverts that wait. Safe to cancel.
    async fn ask(&mut self) {
        let Some(Unknown { path, until, asked: false }) = &self.unknown else { return };
        let call = async {
            let connection = Connection::system().await?;
            let properties = Some("org.freedesktop.DBus.Properties");
            let answer = connection.call_method(Some(NAME), path.as_str(), properties, "GetAll", &DEVICE).await?;
            answer.body().deserialize::<Device>()
        };
        if let Ok(Ok(device)) = timeout_at(*until, call).await {
            self.cache.update(path, &device);
        }
        if let Some(unknown) = &mut self.unknown {
            unknown.asked = true;
        }
    }

    /// Hands over the advert of a message, if it holds one. Gives its path if the kind of its address is not known.
    fn process(&mut self, message: &Message, each: &mut Each<'_>) -> zbus::Result<Option<String>> {
        let header = message.header();
        // The bus hands out broadcasts of bluetoothd only (our match rule); what is sent to us alone may come from anyone.
        if header.destination().is_some() {
            return Ok(None);
        }
        let body = message.body();
        match header.member().map(|member| member.as_str()) {
            Some("PropertiesChanged") => {
                let (interface, device, _invalidated): (&str, Device, Vec<&str>) = body.deserialize()?;
                if let Some(path) = header.path()
                    && interface == DEVICE
                {
                    return Ok(self.advert(path.as_str(), &device, each));
                }
            }
            Some("InterfacesAdded") => {
                let (path, interfaces): (zbus::ObjectPath<'_>, Objects) = body.deserialize()?;
                if let Some(device) = interfaces.get(DEVICE) {
                    // One without RSSI comes from BlueZ's storage, not from the air.
                    match device.rssi {
                        Some(_) => return Ok(self.advert(path.as_str(), device, each)),
                        None => drop(self.cache.update(path.as_str(), device)),
                    }
                }
            }
            Some("InterfacesRemoved") => {
                let (path, interfaces): (zbus::ObjectPath<'_>, Vec<&str>) = body.deserialize()?;
                if interfaces.contains(&DEVICE) {
                    self.cache.remove(path.as_str());
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn advert(&mut self, path: &str, device: &Device, each: &mut Each<'_>) -> Option<String> {
        let (adapter, address) = parse(path)?;
        if !device.was_heard() {
            // What kind of device it is may come without an advert.
            self.cache.update(path, device);
            return None;
        }
        let Some(known) = self.cache.update(path, device) else { return Some(path.to_owned()) };
        if !known.advertised(device) {
            return None;
        }
        let Known { address_type, rssi, .. } = known;
        let data = ad_bytes(device);
        each(Ok(&Advert { adapter, address, address_type, pdu: Pdu::NonconnInd, rssi, data: &data }));
        None
    }
}

/// A signal that tells no advert.
fn malformed(message: &Message) -> Malformed {
    let header = message.header();
    let adapter = header.path().and_then(|path| parse(path.as_str())).map_or(UNKNOWN, |(adapter, _)| adapter);
    Malformed { adapter, reason: MalformedReason::Signal }
}

/// Adapter index and address of `/org/bluez/hci0/dev_00_1A_7D_DA_71_13`.
fn parse(path: &str) -> Option<(u16, Address)> {
    let (adapter, device) = path.strip_prefix("/org/bluez/hci")?.split_once("/dev_")?;
    Some((adapter.parse().ok()?, Address::parse(&device.replace('_', ":"))?))
}

impl Capture for DbusSignals {
    async fn ready(&mut self) -> io::Result<()> {
        self.ask().await;
        if self.next.is_none() {
            match self.stream.next().await {
                Some(message) => self.next = Some(message.map_err(io::Error::other)?),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(())
    }

    fn take(&mut self, each: &mut Each<'_>) -> io::Result<ReadOutcome> {
        let mut outcome = ReadOutcome::default();
        let mut asked = self.unknown.take().is_some();
        for _ in 0..MAX_MESSAGES_PER_READ {
            let message = match self.next.take() {
                Some(message) => message,
                None => match self.stream.next().now_or_never() {
                    None => return Ok(outcome),
                    Some(Some(message)) => message.map_err(io::Error::other)?,
                    Some(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
            };
            match (self.process(&message, each), std::mem::take(&mut asked)) {
                (Ok(None), _) => {}
                (Ok(Some(path)), false) => {
                    self.next = Some(message);
                    self.unknown = Some(Unknown { path, until: Instant::now() + ANSWER_TIMEOUT, asked: false });
                    break;
                }
                (Ok(Some(path)), true) => {
                    tracing::debug!("bluetoothd does not tell the kind of address of {path}");
                    each(Err(malformed(&message)));
                }
                (Err(e), _) => {
                    tracing::debug!("a signal of bluetoothd: {e}");
                    each(Err(malformed(&message)));
                }
            }
        }
        outcome.more = true;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_path_names_adapter_and_device() {
        let (adapter, address) = parse("/org/bluez/hci12/dev_00_1A_7D_DA_71_13").expect("a device");
        assert_eq!((adapter, address.to_string().as_str()), (12, "00:1A:7D:DA:71:13"));
        for other in
            ["/", "/org/bluez/hci0", "/org/bluez/hci0/dev_00_1A", "/org/bluez/hci0/dev_00_1A_7D_DA_71_13/player0"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
