//! What `tests/install.sh` installs starts nothing on the machine.

use crate::support::ROOT;
use crate::support::process::output;
use std::process::Command;

/// In a mount namespace, over a copy of this machine's files that goes with it: makes a package with a unit that is enabled as
/// Debian's are, for the system and for users, installs it as ./check installs what it lacks, and prints what is enabled
/// before and after.
const INSTALL: &str = r#"
set -euo pipefail
root=$1
work=$(mktemp -d)
mount -t tmpfs tmpfs "$work"
mkdir -p "$work"/{probe/DEBIAN,probe/usr/lib/systemd/{system,user}}
for area in etc var usr/lib/systemd usr/sbin; do
    mkdir -p "$work/over/$area/upper" "$work/over/$area/work"
    mount -t overlay -o "lowerdir=/$area,upperdir=$work/over/$area/upper,workdir=$work/over/$area/work" overlay "/$area"
done
for scope in system user; do
    printf '[Service]\nExecStart=/bin/false\n[Install]\nWantedBy=default.target\n' \
        >"$work/probe/usr/lib/systemd/$scope/cassia-probe-$scope.service"
done
printf 'Package: cassia-probe\nVersion: 1\nArchitecture: all\nMaintainer: a test\nDescription: a test\n' \
    >"$work/probe/DEBIAN/control"
printf '%s\n' '#!/bin/sh' 'set -e' 'deb-systemd-helper enable cassia-probe-system.service' \
    'deb-systemd-helper --user enable cassia-probe-user.service' 'touch /var/lib/cassia-probe' \
    'deb-systemd-invoke start cassia-probe-system.service' >"$work/probe/DEBIAN/postinst"
chmod 755 "$work/probe/DEBIAN/postinst"
dpkg-deb --build "$work/probe" "$work/probe.deb" >/dev/null
. "$root/tests/install.sh"
before=$(ls -l /usr/sbin/policy-rc.d 2>&1 || true)
enabled_units >"$work/before"
install_programs "$work/probe.deb" >&2
enabled_units >"$work/after"
[ -e /var/lib/cassia-probe ] || die "the package was not installed"
[ "$(ls -l /usr/sbin/policy-rc.d 2>&1 || true)" = "$before" ] || die "policy-rc.d is not as it was"
diff "$work/before" "$work/after" && echo same
"#;

#[test]
fn packages_that_are_installed_for_tests_enable_no_unit() {
    let done = output(Command::new("unshare").args(["--mount", "bash", "-c", INSTALL, "bash", ROOT]));
    let (said, trouble) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.trim_end().ends_with("same"), "{said}{trouble}");
    for unit in ["cassia-probe-system.service", "cassia-probe-user.service"] {
        assert!(trouble.contains(&format!("{unit} is not started at boot")), "{trouble}");
    }
}
