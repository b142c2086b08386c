SUMMARY = "Console page of cassia-bypass"
DESCRIPTION = "A page of the Cockpit web console: the settings as a form, what is heard and sent, the journal."
LICENSE = "Apache-2.0 & MIT & OFL-1.1"
# Of PatternFly the package has a field that names its licence, and nothing more.
LIC_FILES_CHKSUM = " \
    file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://../patternfly/package/package.json;beginline=6;endline=6;md5=f85e0b80d572b136a0a21dea7e1b642b \
"

require recipes-connectivity/cassia-bypass/cassia-bypass.inc

# As dbus/cockpit/package-lock.json has it; the sha512sum is its "integrity".
PATTERNFLY_VERSION = "6.6.1"
# nooelint: oelint.vars.downloadfilename
SRC_URI += "https://registry.npmjs.org/@patternfly/patternfly/-/patternfly-${PATTERNFLY_VERSION}.tgz;name=patternfly;subdir=patternfly"
SRC_URI[patternfly.sha256sum] = "6ee4b5baac7e1319f121b2e95aaf76a24c7a4525e80185468f59300aabf4eb14"
SRC_URI[patternfly.sha512sum] = "f0ff42d53985939cb9b36ff55d58e63fd2664b20d70e2341c0f65ec213e2cd42edaa5691bbe12f963c7f5f51d3485ac2358d2a808d6e0cacbe3578a8ac89e2c8"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${datadir}/cockpit
    ${S}/dbus/cockpit/build --patternfly ${UNPACKDIR}/patternfly/package ${D}${datadir}/cockpit/cassia-bypass
}

FILES:${PN} += "${datadir}/cockpit/cassia-bypass"

RDEPENDS:${PN} = "cassia-bypass cockpit-bridge cockpit-ws"
