//! Values between people, JSON, TOML and D-Bus. JSON is in the middle; the D-Bus type of a setting, which the service tells,
//! says what is right.

use crate::bus::Values;
use cassia_bypass::printable::printable_lines;
use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicBool, Ordering};
use zbus::Variant;

/// A value that someone typed.
pub(crate) fn from_text(signature: &str, text: &str) -> Option<Json> {
    match signature {
        "s" => Some(text.into()),
        "b" => match &*text.to_ascii_lowercase() {
            "true" | "yes" | "on" => Some(true.into()),
            "false" | "no" | "off" => Some(false.into()),
            _ => None,
        },
        "d" => text.parse::<f64>().ok().map(Json::from),
        "as" | "a(is)" if text.trim_start().starts_with('[') => serde_json::from_str(text).ok(),
        "as" => Some(items(text).map(Json::from).collect()),
        "a(is)" => items(text).map(pair).collect(),
        _ => text.parse::<i64>().ok().map(Json::from),
    }
}

/// What stands between commas; nothing in an empty text.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(move |_| !text.trim().is_empty())
}

fn pair(text: &str) -> Option<Json> {
    let (offset, hex) = text.split_once(':')?;
    Some(json!([offset.trim().parse::<i32>().ok()?, hex.trim()]))
}

/// A value of this D-Bus type.
pub(crate) fn to_variant(signature: &str, value: &Json) -> Option<Variant<'static>> {
    fn number<T: TryFrom<i64>>(value: &Json) -> Option<T> {
        T::try_from(value.as_i64()?).ok()
    }
    // No text on D-Bus has one.
    let text = |value: &Json| value.as_str().filter(|text| !text.contains('\0')).map(str::to_owned);
    let variant = match signature {
        "s" => text(value)?.into(),
        "b" => value.as_bool()?.into(),
        "y" => number::<u8>(value)?.into(),
        "n" => number::<i16>(value)?.into(),
        "q" => number::<u16>(value)?.into(),
        "i" => number::<i32>(value)?.into(),
        "u" => number::<u32>(value)?.into(),
        "x" => number::<i64>(value)?.into(),
        "t" => value.as_u64()?.into(),
        "d" => value.as_f64()?.into(),
        "as" => value.as_array()?.iter().map(text).collect::<Option<Vec<String>>>()?.into(),
        "a(is)" => {
            let pair = |item: &Json| match &**item.as_array()? {
                [offset, hex] => Some((number::<i32>(offset)?, text(hex)?)),
                _ => None,
            };
            value.as_array()?.iter().map(pair).collect::<Option<Vec<(i32, String)>>>()?.into()
        }
        _ => return None,
    };
    Some(variant)
}

/// Whether texts of answers stay as they are: JSON has escapes of its own.
static KEPT: AtomicBool = AtomicBool::new(false);

/// What is printed is JSON.
pub(crate) fn keep_texts() {
    KEPT.store(true, Ordering::Relaxed);
}

/// A text of the service, which may have it from strangers; people's terminals do not obey it.
fn text(text: &str) -> String {
    if KEPT.load(Ordering::Relaxed) { text.to_owned() } else { printable_lines(text) }
}

/// Any answer of the service: dictionaries become objects, structures lists.
pub(crate) fn to_json(value: &Variant<'_>) -> Json {
    match value {
        Variant::U8(n) => (*n).into(),
        Variant::Bool(b) => (*b).into(),
        Variant::I16(n) => (*n).into(),
        Variant::U16(n) => (*n).into(),
        Variant::I32(n) => (*n).into(),
        Variant::U32(n) => (*n).into(),
        Variant::I64(n) => (*n).into(),
        Variant::U64(n) => (*n).into(),
        Variant::F64(n) => (*n).into(),
        Variant::Str(string) => text(string.as_str()).into(),
        Variant::Variant(inner) => to_json(inner),
        Variant::Array(items) => items.inner().iter().map(to_json).collect(),
        Variant::Structure(fields) => fields.fields().iter().map(to_json).collect(),
        Variant::Dict(entries) => {
            let key = |key: &Variant<'_>| match key {
                Variant::Str(string) => text(string.as_str()),
                other => other.to_string(),
            };
            Json::Object(entries.iter().map(|(k, v)| (key(k), to_json(v))).collect())
        }
        other => other.to_string().into(),
    }
}

/// A dictionary of the service as an object.
pub(crate) fn object(values: &Values) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
}

/// What a dictionary has under this name; null if it has nothing.
pub(crate) fn member(values: &Values, name: &str) -> Json {
    values.get(name).map_or(Json::Null, |value| to_json(value))
}

/// The text that a dictionary has under this name; empty if it has none.
pub(crate) fn text_of(values: &Values, name: &str) -> String {
    member(values, name).as_str().unwrap_or_default().to_owned()
}

/// A value as [`from_text`] takes it.
pub(crate) fn to_text(value: &Json) -> String {
    let Json::Array(list) = value else { return plain(value) };
    let words: Option<Vec<String>> = list.iter().map(word).collect();
    words.map_or_else(|| value.to_string(), |words| words.join(","))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An item between commas, if it can stand there.
fn word(item: &Json) -> Option<String> {
    let word = match item.as_array().map(Vec::as_slice) {
        Some([offset, hex]) => format!("{offset}:{}", plain(hex)),
        _ => plain(item),
    };
    (!word.is_empty() && !word.contains(',') && !word.starts_with('[') && word.trim() == word).then_some(word)
}

/// A value in a settings file, on one line.
pub(crate) fn to_toml(value: &Json) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Text to D-Bus and back.
    fn there_and_back(signature: &str, text: &str) -> Option<(String, String)> {
        let variant = to_variant(signature, &from_text(signature, text)?)?;
        Some((variant.value_signature().to_string(), to_text(&to_json(&variant))))
    }

    #[test]
    fn value_of_every_type_round_trips() {
        for (signature, text) in [
            ("s", "a, b"),
            ("s", ""),
            ("s", "true"),
            ("b", "true"),
            ("y", "2"),
            ("q", "65535"),
            ("n", "-70"),
            ("u", "4194304"),
            ("as", "a,b c"),
            ("as", ""),
            ("a(is)", "-1:FF,3:0a"),
        ] {
            assert_eq!(there_and_back(signature, text), Some((signature.into(), text.into())), "{signature} {text}");
        }
    }

    #[test]
    fn value_may_be_written_in_other_ways() {
        let same = |signature: &str, text: &str| there_and_back(signature, text).map(|(_, text)| text);
        assert_eq!(same("b", "Off"), Some("false".into()));
        assert_eq!(same("as", "[\"a\", \"b\"]"), Some("a,b".into()));
        assert_eq!(same("as", "[\"a,b\"]"), Some("[\"a,b\"]".into()));
        assert_eq!(same("as", " a , b "), Some("a,b".into()));
        assert_eq!(same("as", "[]"), Some("".into()));
        assert_eq!(same("a(is)", "[[-1, \"FF\"]]"), Some("-1:FF".into()));
    }

    #[test]
    fn value_of_another_type_is_none() {
        for (signature, text) in [
            ("b", "2"),
            ("y", "256"),
            ("y", "-1"),
            ("q", "1.5"),
            ("n", "a"),
            ("s", "\0"),
            ("as", "[1]"),
            ("as", "[\"a\""),
            ("a(is)", "FF"),
            ("a(is)", "x:FF"),
            ("a(is)", "[[1, \"FF\", 2]]"),
            ("ay", "1"),
        ] {
            assert_eq!(there_and_back(signature, text), None, "{signature} {text}");
        }
    }

    #[test]
    fn answers_with_several_parts_become_json() {
        let step = BTreeMap::from([("Step", Variant::from("tcp")), ("DurationMs", Variant::from(1.5))]);
        assert_eq!(to_json(&Variant::from(vec![step])), json!([{"Step": "tcp", "DurationMs": 1.5}]));
        let counts = Variant::from(BTreeMap::from([("Received", 7u64)]));
        assert_eq!(to_json(&counts), json!({"Received": 7}));
    }

    #[test]
    fn toml_reads_what_is_written() {
        for value in [json!("a\nb \"c\"\\"), json!(["x"]), json!([[-1, "FF"]]), json!(true), json!(5)] {
            let line = format!("key = {}\n", to_toml(&value).expect("a value"));
            let back: toml::Table = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(serde_json::to_value(&back["key"]).expect("JSON"), value, "{line}");
        }
    }
}
