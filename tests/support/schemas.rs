//! The published schemas (`docs/schema`), and messages judged by them.

use super::ROOT;
use jsonschema::{Registry, Validator};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// Of each schema the part of its file name before `.schema.json`.
pub const NAMES: [&str; 5] = ["item", "array", "envelope", "status", "connection-test"];

/// A validator for each schema.
pub struct Schemas(BTreeMap<&'static str, Validator>);

/// A schema as it is in the checkout.
pub fn schema(name: &str) -> Value {
    let path = Path::new(ROOT).join(format!("docs/schema/{name}.schema.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Lets an object have no other keys than those that its schema names.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("type").is_some_and(|kind| kind == "object") && object.contains_key("properties") {
        object.insert("additionalProperties".to_owned(), false.into());
    }
    if let Some(items) = object.get_mut("items") {
        close(items);
    }
    for parts in ["properties", "definitions"] {
        let parts = object.get_mut(parts).and_then(Value::as_object_mut).into_iter();
        parts.flat_map(Map::values_mut).for_each(close);
    }
}

impl Schemas {
    /// As they are published: keys that they do not have are allowed.
    pub fn published() -> Self {
        Self::of(NAMES.map(schema))
    }

    /// Keys that they do not have are refused: each one that is sent is documented.
    pub fn closed() -> &'static Self {
        static CLOSED: OnceLock<Schemas> = OnceLock::new();
        CLOSED.get_or_init(|| {
            Self::of(NAMES.map(|name| {
                let mut schema = schema(name);
                close(&mut schema);
                schema
            }))
        })
    }

    fn of(schemas: [Value; NAMES.len()]) -> Self {
        let mut registry = Registry::new();
        for schema in &schemas {
            registry = registry.add(schema["$id"].as_str().expect("an $id"), schema.clone()).expect("a schema");
        }
        let registry = registry.prepare().expect("schemas that refer to each other");
        let validator = |schema| jsonschema::options().with_registry(&registry).build(schema).expect("a schema");
        Self(NAMES.into_iter().zip(&schemas).map(|(name, schema)| (name, validator(schema))).collect())
    }

    /// What is wrong with a value by this schema.
    pub fn problems(&self, name: &str, value: &Value) -> Vec<String> {
        self.0[name].iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// What is wrong with a message of the service, whichever it is.
    pub fn message(&self, message: &Value) -> Vec<String> {
        let name = match message {
            _ if self.0["connection-test"].is_valid(message) => return Vec::new(),
            Value::Array(_) => "array",
            object if object.get("data").is_some() => "envelope",
            object if object.get("state").is_some() => "status",
            _ => "item",
        };
        let problems = self.problems(name, message).into_iter();
        problems.map(|problem| format!("{name}: {problem}: {message}")).collect()
    }
}
