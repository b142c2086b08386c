//! One settings file, for the fuzzers.

use super::Form;
use super::layer::{Kind, Layer};
use super::layers;

/// Reads the file as each kind; what is taken from it is a form that survives being written.
pub(crate) fn layer(bytes: &[u8]) {
    for kind in [Kind::Packaged, Kind::State] {
        let layer = Layer::of_bytes(std::path::Path::new("fuzz.toml"), bytes.to_vec(), kind);
        let form = layers::form(&[&layer]);
        let text = toml::to_string(&form).expect("TOML");
        assert_eq!(toml::from_str::<Form>(&text).expect("our own TOML"), form);
    }
}
