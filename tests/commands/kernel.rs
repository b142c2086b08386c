//! `tests/radio/kernel`: its kernel has room for the FPU state of any x86-64 processor.

use crate::checkout::{Checkout, Outcome};
use crate::support::ROOT;
use crate::support::process::run;
use std::fs;
use std::path::Path;

/// With AMX, the most that a processor keeps today: CPUID leaf 0xD, EBX.
const AMX: usize = 11_008;
/// What the kernel's stack has without that state, at UML's own KERNEL_STACK_ORDER of 2.
const STACK: usize = 4_096 << 2;
const OFFSETS: &str = "arch/x86/um/user-offsets.c";
/// The line of Linux 6.12.
const FIXED: &str = "\tDEFINE_LONGS(HOST_FP_SIZE, 2696);\n";
/// In place of make: takes the configuration, and keeps what would be compiled.
const MAKE: &str = r#"#!/bin/bash
for a; do case $a in KCONFIG_ALLCONFIG=*) config=${a#*=} ;; esac; done
[[ $1 == -C ]] && cd "$2" || exit 1
if [[ $* == *allnoconfig* ]]; then exec cp "$config" .config; fi
cp arch/x86/um/user-offsets.c "$HOME/compiled" && echo kernel >linux
for ((n = 0; n < 1290; n++)); do echo '  CC      a.o'; done
"#;

/// A checkout with a source package that has this in place of the FPU state's size, and this in `um_arch.c`.
fn checkout(offsets: &str, um_arch: &str) -> (Checkout, String) {
    let checkout = Checkout::new("x86_64", "");
    checkout.script("home/.cargo/bin/make", MAKE);
    checkout.script("home/.cargo/bin/strip", "#!/bin/bash\ncp \"$3\" \"$2\"\n");
    let config = fs::read_to_string(Path::new(ROOT).join("tests/radio/kernel.config")).expect("a configuration");
    checkout.script("tests/radio/kernel.config", &config);
    let source = checkout.script(&format!("linux-source-6.12/{OFFSETS}"), offsets);
    checkout.script("linux-source-6.12/arch/um/kernel/um_arch.c", um_arch);
    let top = source.ancestors().nth(5).expect("the checkout").to_str().expect("UTF-8").to_owned();
    let tarball = format!("{top}/source.tar.xz");
    run("tar", ["-C", &top, "-cJf", &tarball, "linux-source-6.12"]);
    (checkout, tarball)
}

fn build(checkout: &Checkout, tarball: &str) -> Outcome {
    checkout.run("tests/radio/kernel", &["--source", tarball, "6.12.1-1"])
}

/// The number behind this text.
fn number(text: &str, before: &str) -> usize {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before}: {text}")).1;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

#[test]
fn kernel_has_room_for_the_fpu_state_of_every_processor() {
    let (checkout, tarball) = checkout(FIXED, "");
    // Of a build that was killed.
    checkout.script("home/.cache/cassia-bypass/build.killed/vmlinux.o", "");
    let outcome = build(&checkout, &tarball);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    let left = checkout.names("home/.cache/cassia-bypass");
    assert!(
        left.iter().any(|name| name.starts_with("uml-")) && !left.iter().any(|name| name.starts_with("build.")),
        "{left:?}"
    );
    let bytes = number(&checkout.text("home/compiled"), "HOST_FP_SIZE, ");
    assert!(bytes >= AMX, "{bytes}");
    let order = number(&checkout.text("tests/radio/kernel.config"), "\nCONFIG_KERNEL_STACK_ORDER=");
    assert!((4_096 << order) - bytes >= STACK, "order {order} leaves too little beside {bytes} bytes");
}

#[test]
fn kernel_that_asks_the_host_for_the_size_is_left_as_it_is() {
    let offsets = "\tDEFINE(OFFSET, 1);\n";
    let (checkout, tarball) = checkout(offsets, "task_size += host_fp_size;\n");
    let outcome = build(&checkout, &tarball);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    assert_eq!(checkout.text("home/compiled"), offsets);
}

#[test]
fn kernel_with_its_fpu_state_elsewhere_is_not_built() {
    let (checkout, tarball) = checkout("\tDEFINE_LONGS(HOST_FP_BYTES, 2696);\n", "");
    let outcome = build(&checkout, &tarball);
    assert_eq!(outcome.code, Some(1), "{}", outcome.said);
    assert!(outcome.said.contains("linux-source-6.12 has its FPU state elsewhere"), "{}", outcome.said);
    assert!(!outcome.said.contains("built in"), "{}", outcome.said);
}

#[test]
fn kernel_of_another_size_is_another_one_in_the_cache() {
    let (checkout, tarball) = checkout(FIXED, "");
    let path = |outcome: &Outcome| {
        assert_eq!(outcome.code, Some(0), "{}", outcome.said);
        outcome.said.lines().find(|line| line.contains("/uml-")).expect("the path of the kernel").to_owned()
    };
    let first = path(&build(&checkout, &tarball));
    assert_eq!(path(&build(&checkout, &tarball)), first);
    let script = checkout.text("tests/radio/kernel").replace("\nfpu_bytes=", "\nfpu_bytes=2");
    checkout.script("tests/radio/kernel", &script);
    assert_ne!(path(&build(&checkout, &tarball)), first);
    assert!(number(&checkout.text("home/compiled"), "HOST_FP_SIZE, ") > 200_000);
}

#[test]
fn bench_names_the_processor_and_the_size_of_its_fpu_state() {
    let checkout = Checkout::new("x86_64", "");
    checkout.booting_kernel();
    let outcome = checkout.run("tests/radio/kernel", &["--try"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    let bytes = number(&outcome.said, ", FPU state of ");
    // x87 and SSE alone, with the header of XSAVE.
    assert!(bytes >= 576, "{}", outcome.said);
}
