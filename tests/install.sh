# shellcheck shell=bash
# Sourced by ./check and ./demo: finds out what this Debian machine lacks and installs it, loudly and only once.
# Everything that is built and not packaged is cached outside the checkout.

export CASSIA_CACHE="${CASSIA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cassia-bypass}"
export PATH="$HOME/.cargo/bin:$CASSIA_CACHE/bin:$PATH"

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# Runs a command as root.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E env "PATH=$PATH" "$@"; fi
}

# need PACKAGE...: installs the Debian packages that are not there yet.
need() {
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "This needs Debian 12, or these packages: ${missing[*]}"
    say "installing ${missing[*]}"
    as_root apt-get update -qq >&2
    install_programs "${missing[@]}"
}

# install_programs PACKAGE...: only the programs are wanted. No service of theirs starts on this machine, now or at its next boot.
install_programs() {
    # Packages ask policy-rc.d first.
    local policy=/usr/sbin/policy-rc.d status=0 ours='' before
    if [ ! -e $policy ]; then
        ours=$policy
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
    fi
    before=$(enabled_units)
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >&2 || status=$?
    [ -z "$ours" ] || as_root rm -f "$ours"
    disable_units "$(comm -13 <(echo "$before") <(enabled_units))" || status=$?
    return $status
}

# enabled_units: what starts at boot or with a user's session, a line `system UNIT` or `user UNIT` each, sorted.
enabled_units() {
    local scope
    for scope in system user; do
        find /etc/systemd/$scope -type l \( -path '*.wants/*' -o -path '*.requires/*' -o -path '*.upholds/*' \) \
            -printf "$scope %f\n" 2>/dev/null || true
    done | sort -u
}

# disable_units LINES: such lines of enabled_units.
disable_units() {
    local scope unit
    while read -r scope unit; do
        case $scope in
            '') continue ;;
            system) as_root systemctl --quiet disable "$unit" || return ;;
            user) as_root systemctl --quiet --global disable "$unit" || return ;;
        esac
        echo "$unit is not started at boot: only its programs are wanted here" >&2
    done <<<"$1"
}

# The mirror of this Debian 12, or with -security or -updates the one of these.
debian_mirror() {
    local site
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: bookworm${1:-}" | head -n 1)
    [ -n "$site" ] || die "This needs Debian 12, with bookworm${1:-} among the sources of apt"
    echo "$site"
}

need_rust() {
    command -v cargo >/dev/null ||
        die "This needs Rust 1.94 or newer: apt-get install cargo-web rustc-web (Debian 12), or https://rustup.rs"
}

# With Node.js it may come from elsewhere; Debian's brings hundreds of packages.
need_npm() {
    command -v npm >/dev/null || need nodejs npm
}

# The lists are for those that source this file.
# shellcheck disable=SC2034
{
# What the service is built with, what the demo shows it with, and what it is tested with.
BUILD_PACKAGES=(build-essential cmake pkg-config libssl-dev libdbus-1-dev)
DEMO_PACKAGES=(dbus jq mosquitto mosquitto-clients systemd util-linux)
TEST_PACKAGES=("${DEMO_PACKAGES[@]}" bluez dbus-broker iproute2)
# What the radio bench and its kernel are built and run with.
BENCH_PACKAGES=(linux-source-6.12 bc bison flex xz-utils iproute2 bluez)
# What the man page and the completions of cassia-bypassctl are tried with.
PAGE_PACKAGES=(groff-base zsh fish)
# What the console page is tested with.
CONSOLE_PACKAGES=(cockpit-ws cockpit-bridge cockpit-system chromium sudo)
# What boots a router's image, and what makes the root for other processors.
APPLIANCE_PACKAGES=(e2fsprogs mmdebstrap mosquitto mosquitto-clients qemu-system-x86 systemd)
CROSS_PACKAGES=(curl mmdebstrap)
# What builds the Debian packages, and what tests them beside APPLIANCE_PACKAGES.
DEB_PACKAGES=(debhelper dpkg-dev fakeroot jq lintian)
# What the matrix of Bluetooth stacks is made with, beside BENCH_PACKAGES.
MATRIX_PACKAGES=(mmdebstrap)
# What fetches the brokers of others; most of them come from newer Debians, npm, PyPI and crates.io.
INTEROP_PACKAGES=(debian-archive-keyring mmdebstrap python3-venv)
# What the statistics for Prometheus are read with.
METRICS_PACKAGES=(prometheus python3-prometheus-client)
# What the interface files, man pages and scripts are judged with.
DOCS_PACKAGES=(libglib2.0-dev man-db mandoc shellcheck)
}
