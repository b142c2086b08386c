//! `tests/radio/boot` with kernels that do not come up: what is said of it.

use crate::checkout::Checkout;

/// What is said of a kernel that does this.
fn said_of(kernel: &str) -> String {
    let checkout = Checkout::new("x86_64", "");
    checkout.kernel(kernel);
    let outcome = checkout.run("tests/radio/boot", &["true"]);
    assert_eq!(outcome.code, Some(125), "{}", outcome.said);
    outcome.said
}

#[test]
fn boot_names_the_likely_cause_and_shows_the_last_lines() {
    for (kernel, cause) in [
        ("echo 'userspace - ptrace set fp regs failed, errno = 14' >&2; kill -ABRT $$", "keeps more FPU state"),
        ("echo 'ptrace: Operation not permitted' >&2; exit 1", "allow ptrace"),
        ("echo 'mmap failed: Cannot allocate memory' >&2; exit 1", "does not fit into"),
        ("echo '/dev/shm must be not mounted noexec' >&2; exit 1", "mounted noexec"),
        ("echo 'Kernel panic - not syncing: VFS: Unable to mount root fs' >&2; kill -ABRT $$", "cannot start"),
        ("echo 'starting up' >&2; kill -KILL $$", "was killed"),
        ("echo 'Kernel panic - not syncing: a new one' >&2; kill -ABRT $$", "report these lines and the processor"),
    ] {
        let said = said_of(kernel);
        assert!(said.contains(cause), "{kernel}: {said}");
        let line = kernel.split('\'').nth(1).expect("a line");
        assert!(said.contains(&format!("  | {line}")), "{kernel}: {said}");
        assert!(!said.contains("Aborted"), "the shell's own words help nobody: {said}");
    }
}

#[test]
fn boot_that_says_nothing_is_still_explained() {
    let said = said_of("exit 7");
    assert!(said.contains("status 7") && said.contains("report these lines and the processor ("), "{said}");
}

#[test]
fn boot_is_tried_again_but_what_runs_in_the_guest_is_not() {
    let checkout = Checkout::new("x86_64", "");
    // Dies the first time; the second time the guest's command fails.
    checkout.kernel(
        "for a; do case $a in CASSIA_DIR=*) d=${a#*=};; esac; done\n\
         echo x >>$HOME/boots; [[ $(wc -l <$HOME/boots) -gt 1 ]] || exit 1\n\
         touch $d/userland; echo 3 >$d/status",
    );
    let outcome = checkout.run("tests/radio/boot", &["true"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.said);
    assert!(outcome.said.contains("attempt 1 failed") && !outcome.said.contains("attempt 2"), "{}", outcome.said);
}
