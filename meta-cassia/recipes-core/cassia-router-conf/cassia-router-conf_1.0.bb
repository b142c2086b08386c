SUMMARY = "Configuration of a Bluetooth router"
DESCRIPTION = "What a router with cassia-bypass asks of BlueZ and journald, and the mounts that keep /var/lib and the \
journal on the state partition of a read-only root."
HOMEPAGE = "https://cassia-bypass.example/"
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COREBASE}/meta/COPYING.MIT;md5=3da9cfbcb788c80a0384361b4de20420"

SRC_URI = " \
    file://bluetooth.conf \
    file://bluetooth.service.conf.in \
    file://catalog.conf \
    file://journald.conf \
    file://var-lib.mount \
    file://var-volatile-log-journal.mount \
"

S = "${UNPACKDIR}"

inherit allarch features_check

REQUIRED_DISTRO_FEATURES = "systemd"

# Where the image mounts the state partition
CASSIA_STATE_DIR ?= "/data"

INHIBIT_DEFAULT_DEPS = "1"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0644 ${S}/bluetooth.conf ${D}${nonarch_libdir}/cassia-router/bluetooth.conf
    install -d ${D}${systemd_system_unitdir}/bluetooth.service.d
    sed -e 's,@LIBEXECDIR@,${libexecdir},' -e 's,@CONFIG@,${nonarch_libdir}/cassia-router/bluetooth.conf,' \
        ${S}/bluetooth.service.conf.in > ${D}${systemd_system_unitdir}/bluetooth.service.d/50-cassia-router.conf
    chmod 0644 ${D}${systemd_system_unitdir}/bluetooth.service.d/50-cassia-router.conf
    install -D -m 0644 ${S}/journald.conf ${D}${systemd_unitdir}/journald.conf.d/50-cassia-router.conf

    install -d ${D}${CASSIA_STATE_DIR}
    install -D -m 0644 ${S}/catalog.conf ${D}${systemd_system_unitdir}/systemd-journal-catalog-update.service.d/50-cassia-router.conf
    install -m 0644 ${S}/var-lib.mount ${S}/var-volatile-log-journal.mount ${D}${systemd_system_unitdir}/
    sed -i -e 's,@STATE@,${CASSIA_STATE_DIR},' ${D}${systemd_system_unitdir}/*.mount
    # Wanted by the package, not by preset: a mount like this is not for a postinst to restart.
    install -d ${D}${systemd_system_unitdir}/local-fs.target.wants
    for unit in var-lib.mount var-volatile-log-journal.mount; do
        ln -s ../$unit ${D}${systemd_system_unitdir}/local-fs.target.wants/$unit
    done
}

PACKAGES =+ "${PN}-state"

FILES:${PN}-state += " \
    ${CASSIA_STATE_DIR} \
    ${systemd_system_unitdir}/local-fs.target.wants \
    ${systemd_system_unitdir}/systemd-journal-catalog-update.service.d \
    ${systemd_system_unitdir}/var-lib.mount \
    ${systemd_system_unitdir}/var-volatile-log-journal.mount \
"
FILES:${PN} += " \
    ${nonarch_libdir}/cassia-router \
    ${systemd_system_unitdir}/bluetooth.service.d \
    ${systemd_unitdir}/journald.conf.d \
"

RDEPENDS:${PN} = "bluez5 systemd"
RDEPENDS:${PN}-state = "systemd"
