//! Which adapters bluetoothd has.

use super::client::{NOT_RUNNING, with_timeout};
use super::explain::explain_bus;
use super::{ScanError, client};
use crate::model::{Address, RadioState};
use zbus::fdo::DBusProxy;
use zbus::{Connection, OwnedVariant};

/// Adapters that bluetoothd has. Asks for the names alone as a rule: a list of all objects would hold every device in range.
#[derive(Default)]
pub(super) struct AdapterList {
    connection: Option<Connection>,
}

impl AdapterList {
    /// The addresses of the adapters that have none of these names, in the order of their names.
    pub(super) async fn addresses_except(&mut self, names: &[String]) -> Result<Vec<Address>, ScanError> {
        match self.ask(names).await {
            Ok(Some(addresses)) => Ok(addresses),
            Ok(None) => Err(ScanError::new(RadioState::NoBluez, NOT_RUNNING)),
            Err(error) => {
                self.connection = None;
                let state = if client::is_timeout(&error) { RadioState::Starting } else { RadioState::NoBluez };
                Err(ScanError::new(state, explain_bus("listing the adapters", &error)))
            }
        }
    }

    async fn ask(&mut self, names: &[String]) -> zbus::Result<Option<Vec<Address>>> {
        let connection = match &self.connection {
            Some(connection) => connection,
            None => self.connection.insert(with_timeout(Connection::system()).await?),
        };
        let others = adapters_except(connection, names).await?;
        Ok(others.map(|others| others.into_iter().map(|(_, address)| address).collect()))
    }
}

/// Names and addresses of bluetoothd's adapters that have none of these names; `None` if it does not run.
pub(crate) async fn adapters_except(
    connection: &Connection,
    names: &[String],
) -> zbus::Result<Option<Vec<(String, Address)>>> {
    if !client::present(&DBusProxy::new(connection).await?).await? {
        return Ok(None);
    }
    let introspectable = Some("org.freedesktop.DBus.Introspectable");
    let call = connection.call_method(Some(client::NAME), "/org/bluez", introspectable, "Introspect", &());
    let answer = match with_timeout(call).await {
        Err(error) if client::is_timeout(&error) => return Err(error),
        Err(_) => return Ok(Some(Vec::new())),
        Ok(answer) => answer,
    };
    let mut others = Vec::new();
    for name in adapters(answer.body().deserialize()?) {
        if !names.contains(&name) {
            // One that has just gone is none.
            let address = address(connection, &name).await.ok().flatten();
            others.extend(address.map(|address| (name, address)));
        }
    }
    Ok(Some(others))
}

async fn address(connection: &Connection, name: &str) -> zbus::Result<Option<Address>> {
    let (path, properties) = (format!("/org/bluez/{name}"), Some("org.freedesktop.DBus.Properties"));
    let what = ("org.bluez.Adapter1", "Address");
    let answer =
        with_timeout(connection.call_method(Some(client::NAME), path.as_str(), properties, "Get", &what)).await?;
    let text = String::try_from(answer.body().deserialize::<OwnedVariant>()?)?;
    Ok(Address::parse(&text))
}

/// Names of the adapters in the introspection of `/org/bluez`, hci2 before hci10.
fn adapters(introspection: &str) -> Vec<String> {
    let nodes = introspection.split("<node name=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut names: Vec<_> = nodes.filter(|name| name.starts_with("hci")).map(str::to_owned).collect();
    client::sort(&mut names);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn introspection_names_the_adapters() {
        let text = r#"<node><interface name="a.b"></interface><node name="hci10"/><node name="test"/><node name="hci2"/></node>"#;
        assert_eq!(adapters(text), ["hci2", "hci10"]);
        assert!(adapters("<node></node>").is_empty());
    }
}
