//! Settings as the argument of a call: how many and how long they are is judged before anything else is done with them.

use super::values::known;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use zbus::{BoxDBusError, OwnedVariant, Type, Variant, fdo};

/// Settings of a call. There are fewer.
pub const MAX_ARGUMENTS: usize = 64;

/// Values by the names of settings.
#[derive(Type)]
#[zbus(signature = "a{sv}")]
pub(super) struct Arguments {
    values: BTreeMap<String, OwnedVariant>,
    count: usize,
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Counting)
    }
}

/// Keeps as many as can be right, and counts the rest.
struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Arguments;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("settings by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Arguments, M::Error> {
        let (mut values, mut count) = (BTreeMap::new(), 0);
        while let Some((name, value)) = map.next_entry::<String, OwnedVariant>()? {
            count += 1;
            if count <= MAX_ARGUMENTS {
                values.insert(name, value);
            }
        }
        Ok(Arguments { values, count })
    }
}

impl Arguments {
    /// The values, unless there are too many, or one is too long.
    pub(super) fn bounded(self) -> Result<BTreeMap<String, OwnedVariant>, BoxDBusError> {
        number(self.count)?;
        let wrong: Vec<_> = self.values.iter().filter_map(|(name, value)| too_long(name, value)).collect();
        if wrong.is_empty() { Ok(self.values) } else { Err(refused(wrong.join("; "))) }
    }
}

/// Refuses more names of settings than there can be.
pub(super) fn number(count: usize) -> Result<(), BoxDBusError> {
    if count <= MAX_ARGUMENTS {
        return Ok(());
    }
    Err(refused(format!("expected at most {MAX_ARGUMENTS} settings in a call (found {count}): give each once")))
}

fn refused(text: String) -> BoxDBusError {
    Box::new(fdo::Error::InvalidArgs(text))
}

/// What is said of a value that is too long.
fn too_long(name: &str, value: &Variant<'_>) -> Option<String> {
    let setting = known(name)?;
    let (found, unit) = match value {
        Variant::Str(text) => (text.len(), "bytes"),
        Variant::Array(list) => (list.len(), "entries"),
        _ => return None,
    };
    setting.too_long(found, unit).map(|detail| format!("{name}: expected {} ({detail})", setting.expected))
}
