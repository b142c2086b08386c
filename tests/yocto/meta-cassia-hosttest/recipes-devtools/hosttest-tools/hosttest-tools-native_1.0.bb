SUMMARY = "Native tools that the build host has"
DESCRIPTION = "Stands for those native recipes that ASSUME_PROVIDED cannot name, since tasks from the shared state depend on them."
LICENSE = "CLOSED"

PROVIDES = "hosttest-tools-native pseudo-native python3-native shadow-native virtual/fakeroot-native"

inherit native

INHIBIT_DEFAULT_DEPS = "1"

deltask do_fetch
deltask do_unpack
deltask do_patch
do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_populate_lic[noexec] = "1"

do_install() {
    install -d ${D}${bindir}
    ln -s /usr/bin/python3 ${D}${bindir}/nativepython3
}
