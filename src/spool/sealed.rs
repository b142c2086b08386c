//! Small files beside the segments: a line of JSON, then its CRC-32.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) fn seal(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    let sum = sum(&bytes);
    bytes.extend(sum.into_bytes());
    bytes
}

/// What was sealed, if it is whole.
pub(super) fn open<T: DeserializeOwned>(file: &[u8]) -> Option<T> {
    let (json, rest) = file.split_at(file.iter().position(|byte| *byte == b'\n')?);
    (rest == sum(json).as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}

fn sum(json: &[u8]) -> String {
    format!("\n{:08x}\n", crc32fast::hash(json))
}
