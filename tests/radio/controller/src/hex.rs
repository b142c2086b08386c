//! Bytes as hexadecimal text, with serde helpers.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Reads pairs of hexadecimal digits.
///
/// # Errors
/// Says what is wrong with the text.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    if !text.len().is_multiple_of(2) {
        return Err(format!("{text:?} has an odd number of hex digits"));
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or_else(|| format!("{text:?} is not hexadecimal"))
        })
        .collect()
}

/// Writes upper-case pairs of digits.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// For `#[serde(with = "hex")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

/// For `#[serde(with = "hex")]`.
///
/// # Errors
/// When the value is no hexadecimal text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    decode(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(decode("00ffA5"), Ok(vec![0x00, 0xFF, 0xA5]));
        assert_eq!(encode(&[0x00, 0xFF, 0xA5]), "00FFA5");
    }

    #[test]
    fn refuses_what_is_not_hex() {
        assert!(decode("abc").is_err());
        assert!(decode("zz").is_err());
        assert!(decode("é").is_err());
    }
}
