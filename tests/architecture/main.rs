//! The architecture of the service as its imports have it: each module imports only modules that stand before it in [`ORDER`].
// The modules of tests/docs are one program there.
#![allow(unreachable_pub)]

mod names;

#[path = "../support/mod.rs"]
mod support;
#[path = "../docs/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::ROOT;

/// The modules of `src/lib.rs`, the lowest first. `docs/architecture.md` says what each is for.
const ORDER: [&str; 31] = [
    "printable",
    "model",
    "async_fd",
    "backoff",
    "router",
    "clock",
    "watchdog",
    "stats",
    "log",
    "drop_log",
    "threads",
    "config",
    "capture",
    "beacon",
    "timestamp",
    "encode",
    "queue",
    "hci",
    "bluez",
    "ingest",
    "mqtt",
    "spool",
    "health",
    "publisher",
    "certificates",
    "systemd",
    "dbus",
    "memory",
    "daemon",
    "fuzzing",
    "lib",
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        match entry.path() {
            path if path.is_dir() && path.file_name().is_some_and(|name| name != "bin") => sources(&path, found),
            path if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            _ => {}
        }
    }
}

/// The module that a file belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(ROOT).join("src")).expect("a source");
    let first = inside.components().next().expect("a name").as_os_str().to_str().expect("UTF-8");
    first.trim_end_matches(".rs").to_owned()
}

/// The lines of a file that are product code.
fn product(text: &str) -> impl Iterator<Item = &str> {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    product.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The files of the library without its tests, which may look anywhere.
fn product_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    sources(&Path::new(ROOT).join("src"), &mut files);
    assert!(files.len() > 100, "{}", files.len());
    files.retain(|path| path.file_stem().is_some_and(|stem| !stem.to_string_lossy().ends_with("tests")));
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

/// The module that a file belongs to, and those that its product code names.
fn imports(path: &Path, text: &str) -> (String, BTreeSet<String>) {
    let module = module(path);
    let names = product(text).flat_map(|line| line.split("crate::").skip(1).map(str::to_owned));
    let names = names.map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>());
    (module, names.filter(|name| !name.is_empty()).collect())
}

fn violations(path: &Path, text: &str) -> Vec<String> {
    let (module, names) = imports(path, text);
    let rank = |name: &str| ORDER.iter().position(|other| *other == name);
    let Some(own) = rank(&module) else { return vec![format!("{}: {module} is not in ORDER", path.display())] };
    let wrong = names.into_iter().filter(|name| *name != module && rank(name).is_none_or(|rank| rank >= own));
    wrong.map(|name| format!("{}: {module} looks up to {name}", path.display())).collect()
}

#[test]
fn imports_look_down_only() {
    let wrong: Vec<_> = product_files().iter().flat_map(|(path, text)| violations(path, text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_that_look_up_are_found() {
    let file = |name: &str| Path::new(ROOT).join("src").join(name);
    let wrong = violations(&file("hci/bpf.rs"), "use crate::model::Address;\nuse crate::publisher::Limits;\n");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].contains("hci looks up to publisher"), "{wrong:?}");
    assert_eq!(
        violations(&file("publisher/run.rs"), "use crate::{config, model};\nlet x = crate::dbus::names();\n").len(),
        1
    );
    assert_eq!(violations(&file("strange.rs"), "").len(), 1, "each module has its place");
}

/// Lines outside `config` and `dbus` that read the flat settings of the files. Fuzzers make some.
fn raw_settings(path: &Path, text: &str) -> Vec<String> {
    if ["config", "dbus", "fuzzing"].contains(&&*module(path)) {
        return Vec::new();
    }
    let field = |line: &str| {
        line.split(".raw").skip(1).any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let lines = product(text).filter(|line| line.contains("RawConfig") || (line.contains("config") && field(line)));
    lines.map(|line| format!("{}: {}", path.display(), line.trim())).collect()
}

#[test]
fn settings_are_typed_outside_config_and_dbus() {
    let wrong: Vec<_> = product_files().iter().flat_map(|(path, text)| raw_settings(path, text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let file = |name: &str| Path::new(ROOT).join("src").join(name);
    let reads = "let a = config.raw.port;\nuse crate::config::RawConfig;\nlet b = error.raw_os_error();\n";
    assert_eq!(raw_settings(&file("ingest/filter.rs"), reads).len(), 2);
    assert_eq!(raw_settings(&file("dbus/config_interface.rs"), reads), [""; 0]);
}

#[test]
fn map_of_the_library_names_what_is_there() {
    let source = Path::new(ROOT).join("src");
    let text = fs::read_to_string(source.join("lib.rs")).expect("lib.rs");
    let rows = text.lines().filter(|line| line.starts_with("//! | "));
    let paths: Vec<_> =
        rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|path| path.contains(['/', '.'])).collect();
    assert!(paths.len() > 15, "{paths:?}");
    let missing: Vec<_> = paths.into_iter().filter(|path| !source.join(path).exists()).collect();
    assert_eq!(missing, [""; 0]);
    let manual = fs::read_to_string(Path::new(ROOT).join("docs/architecture.md")).expect("the manual");
    let unnamed: Vec<_> =
        ORDER[..ORDER.len() - 2].iter().filter(|name| !manual.contains(&format!("`{name}`"))).collect();
    assert!(unnamed.is_empty(), "not in docs/architecture.md: {unnamed:?}");
}
