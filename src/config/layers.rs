//! The layers of settings, the later ones on top: built-in defaults, vendor, factory, site, state.

use super::layer::Layer;
use super::{Candidate, Config, FileProblem, Ignored, Problem, RawConfig, SETTINGS, Secrets};
use figment::Figment;
use figment::providers::Serialized;
use std::path::Path;

/// The settings that these layers add up to.
pub(super) fn raw(layers: &[&Layer]) -> RawConfig {
    figment(layers).extract().expect("a layer holds known keys with values of the right type only")
}

/// The settings and secrets that these layers add up to, not checked yet.
pub(super) fn candidate(layers: &[&Layer], secrets: &Secrets) -> Candidate {
    Candidate { raw: raw(layers), secrets: secrets.clone(), ignored: Ignored::default() }
}

/// Problems that are sure although parts of the files could not be read: those of values that are there.
pub(super) fn check_rest(layers: &[&Layer], secrets: &Secrets) -> Vec<FileProblem> {
    let readable = layers.iter().all(|layer| layer.readable);
    let held = |p: &FileProblem| layers.iter().any(|l| p.key.as_ref().is_some_and(|key| l.holder(key).is_some()));
    let refused = |p: &FileProblem| layers.iter().any(|l| l.problems.iter().any(|other| other.key == p.key));
    // Each problem is laid at the door of a file.
    let found = Config::check(&candidate(layers, secrets)).err().unwrap_or_default();
    let found: Vec<_> = found.iter().map(|p| FileProblem::of_check(source_of(layers, p), p)).collect();
    // What an unreadable file holds is unknown: "not set" may be wrong.
    found.into_iter().filter(|p| !refused(p) && (readable || (held(p) && p.found.is_none()))).collect()
}

fn figment(layers: &[&Layer]) -> Figment {
    layers.iter().fold(Figment::from(Serialized::defaults(RawConfig::default())), |sum, layer| sum.merge(layer))
}

/// Keys of the settings that a problem mentions: those that may make another one wrong.
pub(super) fn related(problem: &Problem) -> impl Iterator<Item = &'static str> {
    let mentions = move |name: &str| {
        let words = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
        words(problem.expected) || problem.detail.as_deref().is_some_and(words)
    };
    SETTINGS.iter().filter(move |s| mentions(s.name)).map(|s| s.key)
}

/// The file that holds the value; if it is a default, the file that holds the setting which makes it wrong.
fn source_of<'a>(layers: &[&'a Layer], problem: &Problem) -> &'a Path {
    let holder = |key: &str| layers.iter().rev().find_map(|layer| layer.holder(key));
    let related = || related(problem).find_map(holder);
    let top = || layers.iter().rev().find(|layer| layer.exists).or(layers.last()).map(|layer| &*layer.path);
    holder(problem.key).or_else(related).or_else(top).unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::super::layer::Kind;
    use super::*;
    use proptest::prelude::*;
    use toml::Value;

    fn value() -> impl Strategy<Value = Value> {
        let numbers =
            [i64::MIN, -129, -128, -1, 0, 1, 255, 256, 65_535, 65_536, i64::from(u32::MAX), 1 << 32, i64::MAX];
        let plain = prop_oneof![
            prop::sample::select(numbers.to_vec()).prop_map(Value::Integer),
            "[a-z*]{0,3}".prop_map(Value::String),
            any::<bool>().prop_map(Value::Boolean),
            any::<f64>().prop_map(Value::Float),
        ];
        let list = |of| prop::collection::vec(of, 0..4).prop_map(Value::Array);
        prop_oneof![plain.clone(), list(plain.clone().boxed()), list(list(plain.boxed()).boxed())]
    }

    proptest! {
        #[test]
        fn layers_add_up_whatever_values_their_files_hold(some in prop::collection::vec((0..SETTINGS.len(), value()), 0..9)) {
            let table: toml::Table = some.into_iter().map(|(at, value)| (SETTINGS[at].key.to_owned(), value)).collect();
            let layer = Layer::of_bytes(Path::new("x.toml"), table.to_string().into_bytes(), Kind::State);
            prop_assert_eq!(layer.values.len() + layer.ignored.names().len(), table.len());
            let sum = raw(&[&layer]).to_table();
            for (key, value) in &layer.values {
                prop_assert_eq!(sum.get(key), Some(value));
            }
        }
    }
}
