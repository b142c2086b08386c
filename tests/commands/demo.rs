//! `./demo`. What it shows is tested on the radio bench.

use crate::checkout::Checkout;

#[test]
fn demo_names_the_other_way_where_there_is_no_bench() {
    let outcome = Checkout::new("aarch64", "").run("demo", &[]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.said);
    assert_eq!(
        outcome.said,
        "The radio bench runs on x86-64 machines only: its kernel, User-mode Linux, does not exist for aarch64. \
         On an adapter of this machine: ./demo --adapter hci0\n"
    );
    assert!(outcome.called.is_empty(), "{:#?}", outcome.called);
}

#[test]
fn demo_tries_the_bench_before_it_builds() {
    let checkout = Checkout::new("x86_64", "");
    checkout.kernel("exit 1");
    let outcome = checkout.run("demo", &[]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.said);
    assert!(outcome.said.contains("this machine does not boot the radio bench"), "{}", outcome.said);
    assert!(!outcome.calls("cargo", ""), "{:#?}", outcome.called);
    checkout.booting_kernel();
    let outcome = checkout.run("demo", &[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    assert!(outcome.calls("cargo build", "") && outcome.said.contains("== 4 of 4: the demo"), "{}", outcome.said);
    assert!(outcome.said.contains("== took "), "{}", outcome.said);
}

#[test]
fn demo_refuses_an_adapter_that_is_not_there() {
    let checkout = Checkout::new("aarch64", "");
    let outcome = checkout.run("demo", &["--adapter", "hci97"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.said);
    assert!(outcome.said.starts_with("This machine has no adapter hci97"), "{}", outcome.said);
    let outcome = checkout.run("demo", &["--adapter", "wlan0"]);
    assert!(outcome.said.starts_with("--adapter wlan0: expected a Bluetooth adapter such as hci0"), "{}", outcome.said);
    assert!(outcome.called.is_empty(), "{:#?}", outcome.called);
}
