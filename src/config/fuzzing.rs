//! One settings file, for the fuzzers.

use super::RawConfig;
use super::layer::{Kind, Layer};
use super::layers;

/// Reads the file as each kind; what is taken from it is a form that survives being written.
pub(crate) fn layer(bytes: &[u8]) {
    for kind in [Kind::Packaged, Kind::State] {
        let layer = Layer::of_bytes(std::path::Path::new("fuzz.toml"), bytes.to_vec(), kind);
        let raw = layers::raw(&[&layer]);
        let text = toml::to_string(&raw).expect("TOML");
        assert_eq!(toml::from_str::<RawConfig>(&text).expect("our own TOML"), raw);
    }
}
