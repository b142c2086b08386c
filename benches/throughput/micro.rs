//! What `cargo bench --bench pipeline` found last, if it ran.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    // The program is target/PROFILE/cassia-bypassd.
    Path::new(env!("CARGO_BIN_EXE_cassia-bypassd")).ancestors().nth(2).expect("a target directory").to_owned()
}

/// Name, nanoseconds for an advert alone, nanoseconds for each advert of a batch of 20.
pub(crate) fn all() -> Vec<(String, f64, f64)> {
    let root = target().join("criterion");
    let mean = |kind: &str, directory: &Path| -> Option<f64> {
        let path = root.join(kind).join(directory.file_name()?).join("new/estimates.json");
        let estimates: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        estimates["median"]["point_estimate"].as_f64()
    };
    let name = |directory: &Path| -> Option<String> {
        let text = fs::read(directory.join("new/benchmark.json")).ok()?;
        let benchmark: Value = serde_json::from_slice(&text).ok()?;
        Some(benchmark["function_id"].as_str()?.to_owned())
    };
    let directories = fs::read_dir(root.join("advert")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<_> = directories
        .filter_map(|d| Some((name(&d)?, mean("advert", &d)?, mean("batch", &d)? / crate::cell::BATCH as f64)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}
