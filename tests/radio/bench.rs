//! Runs the body of a test in a guest.
//!
//! On the host a test boots a guest that runs this same program with the same
//! test's name; there the body runs for real.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::guest::Guest;

/// Set in the guest. `tests/radio/boot` hands `CASSIA_*` on.
const IN_GUEST: &str = "CASSIA_GUEST";
/// Says that the body ran to its end: a wrong name would run no test, and pass.
const RAN: &str = "cassia-guest: the body ran";
/// What `tests/radio/boot` answers when the guest's kernel died.
const KERNEL_DIED: i32 = 125;
/// For a test that starts a few daemons and polls; boot not counted.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs `body` in a guest and fails as it fails.
pub(crate) fn run<F: FnOnce(&Guest)>(body: F) {
    run_within(DEADLINE, body);
}

/// Like [`run`], for a test that takes longer.
pub(crate) fn run_within<F: FnOnce(&Guest)>(deadline: Duration, body: F) {
    if std::env::var_os(IN_GUEST).is_some() {
        body(&Guest::new());
        println!("{RAN}");
    } else {
        run_guest(&test_name::<F>(), deadline);
    }
}

fn run_guest(test: &str, deadline: Duration) {
    let started = Instant::now();
    let output = Command::new("setpriv")
        // The guest goes when this test does, for example by ^C.
        .args(["--pdeathsig", "TERM"])
        .arg(directory().join("boot"))
        .args(["-t", &deadline.as_secs().to_string()])
        .arg(std::env::current_exe().expect("the path of this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1", "--include-ignored"])
        .env(IN_GUEST, "1")
        .stdin(Stdio::null())
        .output()
        .expect("setpriv runs tests/radio/boot");
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    println!("{said}{trouble}guest: {:?}", started.elapsed());
    let ran = said.contains(RAN);
    // This kernel aborts now and then while it goes down: after the body that is no failure of the test.
    let died_later = ran && output.status.code() == Some(KERNEL_DIED);
    assert!(output.status.success() || died_later, "the guest failed: {}", output.status);
    assert!(ran, "no test of the name {test:?} ran in the guest");
}

/// The path of the test function that the closure type `F` belongs to:
/// `radio::adapter::comes_up::{{closure}}`, as libtest knows it without the crate.
fn test_name<F>() -> String {
    let name = std::any::type_name::<F>();
    let (_, path) = name.split_once("::").expect("a path");
    path.trim_end_matches("::{{closure}}").to_owned()
}

/// `tests/radio` of the checkout.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/radio")
}
