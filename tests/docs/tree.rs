//! The files of the checkout: what git has, and what it would take.

use crate::support::ROOT;
use crate::support::process::output;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Paths from the top, in order.
pub fn files() -> Vec<String> {
    let mut command = Command::new("git");
    // The checkout may be another user's.
    command.args([
        "-c",
        "safe.directory=*",
        "-C",
        ROOT,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = output(&mut command);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("names in UTF-8");
    let mut files: Vec<String> = listed.split_terminator('\0').map(str::to_owned).collect();
    // What was removed and not committed is still listed.
    files.retain(|path| Path::new(ROOT).join(path).is_file());
    files.sort_unstable();
    assert!(files.len() > 100, "{files:?}");
    files
}

/// Those whose name ends so.
pub fn ending(end: &str) -> Vec<String> {
    files().into_iter().filter(|path| path.ends_with(end)).collect()
}

pub fn text(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
