SUMMARY = "Libraries of the build host, and packages that ours name"
DESCRIPTION = "Stages OpenSSL, libdbus and the C runtime as Debian has them, so that ours links, and finds which package \
a library is in. The other packages are empty."
LICENSE = "CLOSED"

PROVIDES = "hosttest-libs base-files base-passwd dbus openssl shadow shadow-sysroot"

INHIBIT_DEFAULT_DEPS = "1"
INHIBIT_PACKAGE_DEBUG_SPLIT = "1"
INHIBIT_PACKAGE_STRIP = "1"

deltask do_fetch
deltask do_unpack
deltask do_patch
do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_populate_lic[noexec] = "1"

HOSTLIB = "/usr/lib/x86_64-linux-gnu"

do_install() {
    install -d ${D}${libdir}/pkgconfig ${D}${base_libdir} ${D}${includedir}/dbus-1.0
    for lib in libcrypto.so.3 libdbus-1.so.3 libssl.so.3; do
        install -m 0755 "$(readlink -f ${HOSTLIB}/$lib)" ${D}${libdir}/$lib
        ln -s $lib ${D}${libdir}/${lib%.3}
    done
    for lib in ld-linux-x86-64.so.2 libc.so.6 libgcc_s.so.1 libm.so.6; do
        install -m 0755 "$(readlink -f /lib/x86_64-linux-gnu/$lib)" ${D}${base_libdir}/$lib
    done
    for headers in /usr/include/openssl /usr/include/x86_64-linux-gnu/openssl; do
        cp -R --no-dereference --preserve=mode $headers ${D}${includedir}/
    done
    for headers in /usr/include/dbus-1.0/dbus ${HOSTLIB}/dbus-1.0/include/dbus; do
        cp -R --no-dereference --preserve=mode $headers ${D}${includedir}/dbus-1.0/
    done
    for pc in dbus-1 libcrypto libssl openssl; do
        sed -e 's,^prefix=.*,prefix=/usr,' -e 's,^exec_prefix=.*,exec_prefix=${prefix},' \
            -e 's,^libdir=.*,libdir=/usr/lib,' -e 's,^includedir=.*,includedir=/usr/include,' \
            -e '/^Requires.private/d' -e 's, -I${libdir}/dbus-1.0/include,,' \
            ${HOSTLIB}/pkgconfig/$pc.pc > ${D}${libdir}/pkgconfig/$pc.pc
    done
}

SYSROOT_DIRS += "${base_libdir}"

EMPTY = " \
    ${PN} \
    base-files \
    base-passwd \
    bluez5 \
    cockpit-bridge \
    cockpit-ws \
    coreutils \
    dbus \
    dbus-common \
    dbus-tools \
    ptest-runner \
    shadow \
    systemd \
    util-linux-mount \
    util-linux-nsenter \
    util-linux-setpriv \
    util-linux-unshare \
"
PACKAGES = "libc libcrypto libdbus libgcc libssl ${PN}-dev ${EMPTY}"

FILES:libc = "${base_libdir}/ld-* ${base_libdir}/libc.so.* ${base_libdir}/libm.so.*"
FILES:libcrypto = "${libdir}/libcrypto.so.*"
FILES:libdbus = "${libdir}/libdbus-1.so.*"
FILES:libgcc = "${base_libdir}/libgcc_s.so.*"
FILES:libssl = "${libdir}/libssl.so.*"
FILES:${PN}-dev = "${includedir} ${libdir}/*.so ${libdir}/pkgconfig"

python () {
    for package in d.getVar("PACKAGES").split():
        d.setVar("INSANE_SKIP:" + package, "already-stripped buildpaths dev-deps file-rdeps ldflags")
    for package in d.getVar("EMPTY").split():
        d.setVar("ALLOW_EMPTY:" + package, "1")
        d.setVar("FILES:" + package, "")
}
