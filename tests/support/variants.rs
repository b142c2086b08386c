//! D-Bus values as busctl's JSON has them.

use serde_json::Value;

/// The value inside variants, at any depth: `{"type": "s", "data": "x"}` is `"x"`.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Object(parts) => match (parts.get("type"), parts.get("data")) {
            (Some(Value::String(_)), Some(data)) if parts.len() == 2 => plain(data),
            _ => Value::Object(parts.iter().map(|(name, part)| (name.clone(), plain(part))).collect()),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

#[test]
fn variants_are_unwrapped_at_any_depth() {
    let nested: Value = serde_json::from_str(
        r#"{"type": "aa{sv}", "data": [{"Address": {"type": "s", "data": "x"}, "Words": {"type": "as", "data": ["a"]}}]}"#,
    )
    .expect("JSON");
    assert_eq!(plain(&nested), serde_json::json!([{"Address": "x", "Words": ["a"]}]));
}
