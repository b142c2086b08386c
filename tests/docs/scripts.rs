//! Every script of the checkout, judged by shellcheck.

use crate::support::ROOT;
use crate::support::process::output;
use crate::tree;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

/// What is not asked for. Single findings are switched off where they are, with the reason.
const EXCEPT: [&str; 5] = [
    // Functions that only `trap` or another program calls are taken for unreachable.
    "SC2317", // Text in single quotes that another shell, awk or apt expands.
    "SC2016", // Functions with optional arguments that are called without them.
    "SC2119", "SC2120", // In `a && b || die` either may fail.
    "SC2015",
];
/// The same of files that others source: their variables come from there, or are used there.
const EXCEPT_SOURCED: [&str; 2] = ["SC2034", "SC2154"];

fn first_line(path: &str) -> String {
    let mut bytes = [0; 80];
    let read = fs::File::open(Path::new(ROOT).join(path)).and_then(|mut file| file.read(&mut bytes)).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).lines().next().unwrap_or_default().to_owned()
}

/// Whether its first line names a shell that shellcheck knows.
fn is_script(path: &str) -> bool {
    let line = first_line(path);
    let shell = line.strip_prefix("#!").and_then(|line| line.split_whitespace().next_back()).unwrap_or_default();
    ["sh", "bash", "dash", "ksh"].contains(&shell.rsplit('/').next().unwrap_or_default())
}

/// What shellcheck has against these files.
fn judged(files: &[&str], options: &[&str], except: &[&str]) -> String {
    let mut command = Command::new("shellcheck");
    command.args(["--external-sources", "--source-path=SCRIPTDIR:.", "--format=gcc"]).args(options);
    command.arg(format!("--exclude={}", except.join(","))).args(files).current_dir(ROOT);
    let judged = output(&mut command);
    assert!(matches!(judged.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&judged.stderr));
    String::from_utf8_lossy(&judged.stdout).into_owned()
}

#[test]
fn scripts_have_no_finding_of_shellcheck() {
    let files = tree::files();
    let scripts: Vec<&str> = files.iter().map(String::as_str).filter(|path| is_script(path)).collect();
    assert!(scripts.len() > 20 && scripts.contains(&"check") && scripts.contains(&"dbus/cockpit/build"), "{scripts:?}");
    let sourced: Vec<&str> =
        files.iter().map(String::as_str).filter(|path| path.ends_with(".sh") && !is_script(path)).collect();
    assert!(sourced.contains(&"tests/install.sh"), "{sourced:?}");
    let except = [&EXCEPT[..], &EXCEPT_SOURCED].concat();
    let found = judged(&scripts, &[], &EXCEPT) + &judged(&sourced, &["--shell=bash"], &except);
    assert!(found.is_empty(), "{found}");
    let wrong = tempfile::NamedTempFile::new().expect("a file");
    fs::write(wrong.path(), "#!/bin/sh\nrm $1\n").expect("written");
    let found = judged(&[wrong.path().to_str().expect("UTF-8")], &[], &EXCEPT);
    assert!(found.contains("SC2086"), "{found}");
}
