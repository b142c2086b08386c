//! `packaging/hardened`: the programs have every protection, and one that lacks it is told.

use crate::support::ROOT;
use std::process::{Command, Output};

fn hardened(program: &str) -> Output {
    Command::new(format!("{ROOT}/packaging/hardened")).arg(program).output().expect("packaging/hardened")
}

#[test]
fn hardened_has_nothing_against_the_programs() {
    for program in [env!("CARGO_BIN_EXE_cassia-bypassd"), env!("CARGO_BIN_EXE_cassia-bypassctl")] {
        let said = hardened(program);
        assert!(said.status.success(), "{said:?}");
    }
}

#[test]
fn hardened_names_each_protection_that_is_not_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let (source, program) = (path("main.c"), path("cassia-bypassd"));
    std::fs::write(&source, "int main(void) { return 0; }\n").expect("written");
    let flags = "-fno-stack-protector -U_FORTIFY_SOURCE -no-pie -Wl,-z,norelro,-z,lazy,-z,execstack";
    let compiled = Command::new("gcc").args(flags.split(' ')).args(["-o", &program, &source]).output().expect("gcc");
    assert!(compiled.status.success(), "{compiled:?}");
    let said = hardened(&program);
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{text}");
    for lacks in ["position-independent", "RELRO", "lazily", "executable stack", "__stack_chk_fail", "__memcpy_chk"] {
        assert!(text.contains(lacks), "{lacks}: {text}");
    }
    // What is no program is an error, not hardened.
    assert!(!hardened(&source).status.success() && !hardened(&path("none")).status.success());
}
