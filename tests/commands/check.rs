//! `./check`.

use crate::checkout::Checkout;
use crate::support::ROOT;
use std::fs;
use std::path::Path;

#[test]
fn check_runs_every_test_and_says_how_long_each_step_took() {
    let checkout = Checkout::new("x86_64", "");
    checkout.booting_kernel();
    let first = checkout.run("check", &[]);
    assert_eq!(first.code, Some(0), "{}", first.said);
    assert!(
        first.said.contains("all checks passed\n") || first.said.contains("all checks passed\u{1b}"),
        "{}",
        first.said
    );
    for target in ["bus", "chaos", "radio"] {
        assert!(first.calls("cargo test --workspace", &format!("--test {target}")), "{:#?}", first.called);
    }
    assert!(
        first.calls("cargo test", "--test broker") && !first.calls("cargo test", "appliance"),
        "{:#?}",
        first.called
    );
    assert!(!first.said.contains("last time"), "{}", first.said);
    // The steps are as many as was said.
    let last = first.said.lines().rfind(|line| line.contains("== ") && line.contains(" of "));
    let last = last.expect("a step").to_owned();
    let numbers: Vec<u32> = last.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.windows(2).any(|pair| pair[0] == pair[1] && pair[0] > 5), "{last}");
    let second = checkout.run("check", &[]);
    assert!(second.said.contains("format (last time 0 s)"), "{}", second.said);
}

#[test]
fn check_leaves_out_the_bench_on_other_processors_and_says_so() {
    let checkout = Checkout::new("aarch64", "");
    let outcome = checkout.run("check", &[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    let said = outcome.said.lines().next().expect("a line");
    assert_eq!(
        said,
        "The radio bench runs on x86-64 machines only: its kernel, User-mode Linux, does not exist for aarch64. \
         Everything else is checked."
    );
    assert!(outcome.said.contains("all checks passed, without the radio bench"), "{}", outcome.said);
    assert!(
        outcome.calls("cargo test --workspace", "--test bus --test chaos -- --skip radio_run"),
        "{:#?}",
        outcome.called
    );
    assert!(!outcome.calls("cargo test", "--test radio"), "{:#?}", outcome.called);
    assert!(outcome.calls("cargo clippy", "") && outcome.calls("fuzz/run 60", ""), "{:#?}", outcome.called);
}

#[test]
fn check_ends_at_once_where_the_bench_does_not_boot() {
    let checkout = Checkout::new("x86_64", "");
    checkout.kernel("echo 'userspace - ptrace set fp regs failed, errno = 14' >&2; kill -ABRT $$");
    let outcome = checkout.run("check", &[]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.said);
    assert_eq!(outcome.said.matches("this machine does not boot the radio bench").count(), 1, "{}", outcome.said);
    assert!(outcome.said.contains("The processor keeps more FPU state"), "{}", outcome.said);
    assert!(!outcome.calls("cargo", ""), "nothing was built: {:#?}", outcome.called);
}

#[test]
fn check_hands_jobs_to_scripts_that_say_what_runs() {
    let text = |path: &str| fs::read_to_string(Path::new(ROOT).join(path)).expect("a script");
    let check = text("check");
    let jobs: Vec<&str> = check.lines().filter_map(|line| line.split_once(") exec ")).map(|(_, job)| job).collect();
    assert!(jobs.len() >= 5, "{jobs:?}");
    for job in jobs.iter().map(|job| job.trim_end_matches(" ;;")) {
        let script = text(job);
        for line in [". tests/steps.sh", "\ntrap ", "step_stop", "\nstep \"", "\nstep_done"] {
            assert!(script.contains(line), "{job}: {line:?} is missing");
        }
    }
}

#[test]
fn check_fails_when_any_of_its_steps_does() {
    for step in [
        "cargo fmt",
        "cargo clippy",
        "cargo deny --log-level error check",
        "cargo build --workspace --bins --locked",
        "cargo test --workspace --locked --no-run",
        "--lib --bins",
        "--doc",
        "--test broker",
        "tests/layer/lint",
        "tests/console/modules",
        "benches/instructions",
        "fuzz/run --build",
        "fuzz/run 60",
    ] {
        let checkout = Checkout::new("x86_64", step);
        checkout.booting_kernel();
        let outcome = checkout.run("check", &[]);
        assert!(
            outcome.called.iter().any(|line| line.contains(step)),
            "{step} is no step: {:#?} {}",
            outcome.called,
            outcome.said
        );
        assert!(outcome.code.is_some_and(|code| code != 0), "{step} failed, and ./check did not: {}", outcome.said);
        assert!(!outcome.said.contains("all checks passed"), "{step}: {}", outcome.said);
        if ["--lib --bins", "--doc", "--test broker"].contains(&step) {
            // What failed is said last.
            let end: Vec<_> = outcome.said.lines().rev().take(3).collect();
            assert!(end[0].contains("tests failed"), "{}", outcome.said);
            assert_eq!(
                end[1..],
                ["thread 'words::words_are_right' panicked at here", "test words::words_are_right ... FAILED"]
            );
        }
    }
}
