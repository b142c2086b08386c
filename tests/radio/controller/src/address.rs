//! Bluetooth device addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A device address in the order it is printed; HCI has it reversed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(pub [u8; 6]);

impl Address {
    /// The bytes as they go over HCI.
    #[must_use]
    pub fn to_hci(self) -> [u8; 6] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address like AA:BB:CC:00:11:22");
        let bytes: Vec<u8> =
            text.split(':').map(|part| u8::from_str_radix(part, 16)).collect::<Result<_, _>>().map_err(|_| wrong())?;
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_hci_order() {
        let address: Address = "c0:01:02:03:04:ff".parse().expect("an address");
        assert_eq!(address.to_string(), "C0:01:02:03:04:FF");
        assert_eq!(address.to_hci(), [0xFF, 4, 3, 2, 1, 0xC0]);
        assert!("c0:01:02:03:04".parse::<Address>().is_err());
        assert!("c0:01:02:03:04:100".parse::<Address>().is_err());
    }
}
