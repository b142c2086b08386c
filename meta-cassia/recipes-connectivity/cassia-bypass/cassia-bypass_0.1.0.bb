SUMMARY = "Bluetooth LE advertisements to MQTT"
DESCRIPTION = "Publishes the Bluetooth LE advertisements that BlueZ hears to an MQTT broker, in Cassia's JSON. \
It is set and watched over D-Bus and logs to the journal."
LICENSE = "Apache-2.0 & BSD-2-Clause & EPL-2.0 & MIT & Unicode-3.0 & Zlib"
# The second one is of Paho's C library, which the program contains.
LIC_FILES_CHKSUM = " \
    file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://../cargo_home/bitbake/paho-mqtt-sys-0.11.0/paho.mqtt.c/LICENSE;md5=fd3b896dadaeec3410d753ffaeadcfac \
"

# paho-mqtt-sys builds its C library with CMake.
DEPENDS = "cmake-native dbus openssl"

require cassia-bypass.inc
require cassia-bypass-crates.inc

inherit cargo cargo-update-recipe-crates features_check pkgconfig ptest-cargo systemd useradd

REQUIRED_DISTRO_FEATURES = "systemd"

SYSTEMD_SERVICE:${PN} = "cassia-bypass.service"

# As cassia-bypass.sysusers has them.
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system cassia-bypass-admin"
USERADD_PARAM:${PN} = "--system --user-group --no-create-home --home-dir / --shell ${base_sbindir}/nologin cassia-bypass"

# How the MQTT library, which is C, is compiled, whatever the distribution asks for: as .cargo/config.toml has it.
CFLAGS:append = " -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"

# Symbols go to -dbg, and then do_package strips.
CARGO_BUILD_FLAGS += "--config profile.release.strip=false --config profile.release.package.cassia-bypass.strip=false"
export CARGO_PROFILE_RELEASE_DEBUG = "line-tables-only"

# The tests for a device are the unit tests and those on a bus of their own, but for the ones that read the checkout or want
# dbus-broker.
PTEST_TARGETS = "cassia_bypass bus"
RUST_TEST_ARGS = "--skip access:: --skip contract:: --skip decisions:: --skip events::"

python do_compile_ptest_cargo:prepend() {
    # As cargo test builds them: quickly, and with the checks of arithmetic.
    d.setVar("BUILD_MODE", "")
    # A place of their own, or they would be in the way of the program.
    os.environ["CARGO_TARGET_DIR"] = d.expand("${B}/target-ptest")
    os.environ["CASSIA_TEST_ROOT"] = d.getVar("PTEST_PATH")
    os.environ["CASSIA_TEST_DAEMON"] = d.expand("${bindir}/cassia-bypassd")
}

python do_compile_ptest_cargo:append() {
    wanted = d.getVar("PTEST_TARGETS").split()
    with open(cargo_test_binaries_file, "w") as f:
        for test_bin in sorted(test_bins):
            if os.path.basename(test_bin).rsplit("-", 1)[0] in wanted:
                f.write(f"{test_bin}\n")
}

# The list of files is the checkout's own, the same as for the Debian packages.
do_install:append() {
    DESTDIR=${D} PREFIX=${prefix} BINDIR=${bindir} DATADIR=${datadir} MANDIR=${mandir} NONARCH_LIBDIR=${nonarch_libdir} \
        SYSTEMD_UNITDIR=${systemd_system_unitdir} ${S}/packaging/install
}

do_install_ptest() {
    install -D -m 0644 ${S}/dbus/cassia-bypass.sysusers ${D}${PTEST_PATH}/dbus/cassia-bypass.sysusers
    install -D -m 0644 ${S}/dbus/com.cassianetworks.Bypass1.conf ${D}${PTEST_PATH}/dbus/com.cassianetworks.Bypass1.conf
}

PACKAGES =+ "${PN}-ctl"

FILES:${PN}-ctl += " \
    ${bindir}/cassia-bypassctl \
    ${datadir}/bash-completion \
    ${datadir}/fish \
    ${datadir}/zsh \
    ${systemd_system_unitdir}/cassia-bypass-metrics.service \
    ${systemd_system_unitdir}/cassia-bypass-metrics.timer \
"
FILES:${PN} += " \
    ${datadir}/dbus-1/system-services \
    ${datadir}/dbus-1/system.d \
    ${nonarch_libdir}/systemd/catalog \
    ${nonarch_libdir}/sysusers.d \
    ${nonarch_libdir}/tmpfiles.d \
    ${systemd_system_unitdir} \
"
FILES:${PN}-dev += "${datadir}/dbus-1/interfaces"

RDEPENDS:${PN} = "bluez5 dbus"
RDEPENDS:${PN}-ptest += " \
    coreutils \
    dbus-common \
    dbus-tools \
    systemd \
    util-linux-mount \
    util-linux-nsenter \
    util-linux-setpriv \
    util-linux-unshare \
"
