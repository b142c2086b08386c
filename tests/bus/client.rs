//! A program on the bus, which sees what busctl does not show: the names of errors, and signals one by one.

use crate::support::DEADLINE;
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, NAME, PATH};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::num::NonZero;
use tokio::time::timeout;
use zbus::{Connection, DBusError, MatchRule, MessageStream, OwnedVariant, Variant};

pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// root on the bus.
pub async fn connect(bus: &Bus) -> Connection {
    zbus::connection::Builder::address(bus.address()).build().await.expect("the bus")
}

/// Name and text of the error of a call.
pub fn refused<T>(answer: zbus::Result<T>) -> (String, String) {
    match answer {
        Err(zbus::Error::MethodError(name, text, _)) => (name.to_string(), text.unwrap_or_default()),
        Err(zbus::Error::FDO(e)) => (e.name().to_string(), e.description().unwrap_or_default().to_owned()),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

pub async fn set(client: &Connection, name: &str, value: Variant<'_>) -> zbus::Result<()> {
    client.call_method(Some(NAME), PATH, Some(PROPERTIES), "Set", &(CONFIG, name, value)).await.map(drop)
}

pub async fn apply(client: &Connection, values: &[(&str, Variant<'_>)]) -> zbus::Result<()> {
    let values: BTreeMap<&str, &Variant<'_>> = values.iter().map(|(name, value)| (*name, value)).collect();
    client.call_method(Some(NAME), PATH, Some(CONFIG), "Apply", &values).await.map(drop)
}

pub async fn reset(client: &Connection, names: &[&str]) -> zbus::Result<()> {
    client.call_method(Some(NAME), PATH, Some(CONFIG), "Reset", &names).await.map(drop)
}

/// The PropertiesChanged signals of the service, from now on.
pub struct Changes(MessageStream);

pub async fn changes(client: &Connection, interface: &str) -> Changes {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(NAME)
        .interface(PROPERTIES)
        .arg(0, interface)
        .build()
        .expect("a rule");
    Changes(MessageStream::for_match_rule(rule, client, NonZero::new(64)).await.expect("a stream"))
}

impl Changes {
    /// The next signal: interface and changed properties.
    pub async fn next(&mut self) -> (String, BTreeMap<String, OwnedVariant>) {
        let message =
            timeout(DEADLINE, self.0.next()).await.expect("a signal in time").expect("a stream").expect("a signal");
        let (interface, changed, invalidated): (String, BTreeMap<String, OwnedVariant>, Vec<String>) =
            message.body().deserialize().expect("PropertiesChanged");
        assert!(invalidated.is_empty());
        (interface, changed)
    }

    /// The names that the next signal tells.
    pub async fn names(&mut self) -> Vec<String> {
        self.next().await.1.into_keys().collect()
    }

    /// The next value of this property; others of the interface may change before it.
    pub async fn value(&mut self, name: &str) -> OwnedVariant {
        loop {
            if let Some(value) = self.next().await.1.remove(name) {
                return value;
            }
        }
    }
}
